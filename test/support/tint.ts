// Tint, the WGSL compiler of Chromium, in Node: Dawn on its null backend needs no driver and no browser.
import { create, globals } from 'webgpu';

/** A message of Tint about WGSL. Line and column count from 1. */
export interface TintMessage {
  readonly line: number;
  readonly column: number;
  readonly type: 'error' | 'warning' | 'info';
  readonly message: string;
}

/** Compiles WGSL. */
export interface Tint {
  /** Returns the errors of a compute shader: of its module, and of a pipeline for each entry point. */
  check(code: string): Promise<TintMessage[]>;
  close(): void;
  readonly gpu: GPU;
}

/** Starts Dawn with the features that the shaders may enable. */
export async function startTint(): Promise<Tint> {
  Object.assign(globalThis, globals);
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('the webgpu package gave no adapter on its null backend');
  const wanted = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];
  const device = await adapter.requestDevice({
    requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
  });
  const check = async (code: string): Promise<TintMessage[]> => {
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    await device.popErrorScope();
    const found = messages.map(({ lineNum, linePos, type, message }) => ({
      line: lineNum,
      column: linePos,
      type,
      message,
    }));
    if (found.some(({ type }) => type === 'error')) return found;
    for (const [, entryPoint = ''] of code.matchAll(/@compute[^{]*?\bfn\s+(\w+)/g)) {
      device.pushErrorScope('validation');
      device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint } });
      const error = await device.popErrorScope();
      if (error) found.push({ line: 1, column: 1, type: 'error', message: error.message.split('\n')[0] ?? '' });
    }
    return found;
  };
  // Dawn ends the process if its instance is collected before its device, so this keeps the instance.
  return { check, close: () => device.destroy(), gpu };
}
