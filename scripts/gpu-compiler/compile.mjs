// Compiles compute pipelines with AMD's compiler (Mesa's ACO) and prints its statistics. No AMD GPU is needed: RADV
// creates a device on its null winsys, and radv_null.c answers what would reach the hardware. Run by compile_for.mjs,
// as a process of its own: the compiler prints to stderr, and Dawn cannot switch drivers within a process.
//
//     node compile.mjs pipelines.json      [{ code, constants, bindings }, …]
import { readFileSync, writeSync } from 'node:fs';
import { create, globals } from 'webgpu';

/**
 * @type {{ code: string, constants: Record<string, number>, bindings: ('read' | 'write' | 'uniform' | 'texture' |
 * 'image')[] }[]}
 */
const pipelines = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const LAYOUT_ENTRY = {
  read: { buffer: { type: 'read-only-storage' } },
  write: { buffer: { type: 'storage' } },
  uniform: { buffer: { type: 'uniform', hasDynamicOffset: true } },
  texture: { texture: { sampleType: 'float' } },
  image: { storageTexture: { format: 'rgba8unorm', access: 'write-only' } },
};

Object.assign(globalThis, globals);
const dawn = create(['backend=vulkan', 'enable-dawn-features=allow_unsafe_apis']);
const adapter = await dawn.requestAdapter();
if (!adapter) throw new Error('Dawn found no adapter on the null winsys');
/** @type {any} */
const wanted = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
const device = await adapter.requestDevice({
  requiredFeatures: wanted.filter((/** @type {GPUFeatureName} */ name) => adapter.features.has(name)),
});
writeSync(2, `@@ adapter ${adapter.info.description} ${adapter.info.device}\n`);
for (const [i, { code, constants, bindings }] of pipelines.entries()) {
  writeSync(2, `@@ ${i}\n`); // the statistics of pipeline i follow
  /** @type {any} */
  const entries = bindings.map((type, binding) => ({ binding, visibility: 4, ...LAYOUT_ENTRY[type] }));
  const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
  const module = device.createShaderModule({ code });
  await device
    .createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main', constants } })
    .catch((/** @type {Error} */ error) => writeSync(2, `refused: ${error.message.split('\n')[0]}\n`));
}
// Dawn keeps the process alive, and a collected instance would crash it.
process.exit(dawn && device ? 0 : 1);
