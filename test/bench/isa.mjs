// `npm run bench:isa`: registers, scratch memory and occupancy of every pipeline by AMD's compiler, without an AMD GPU.
// Writes test/bench/results/isa.md. Fails if a pipeline uses scratch memory or spills registers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFor } from '../../scripts/gpu-compiler/compile_for.mjs';
import { ensureGpuCompiler, root } from '../../scripts/setup.mjs';
import { dawnServer } from './dawn.mjs';

const problem = await ensureGpuCompiler();
if (problem) {
  console.error(`AMD's compiler is not available: ${problem}`);
  process.exit(1);
}
const server = await dawnServer();
/** @type {import('./isa.ts')} */
const { isaPipelines } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/isa.ts'));
/** @type {import('./isa_table.ts')} */
const { FAMILIES, isaTable, isFaulty } = /** @type {any} */ (await server.ssrLoadModule('/test/bench/isa_table.ts'));
await server.close();
const pipelines = isaPipelines();
/** @type {Map<string, Awaited<ReturnType<typeof compileFor>>>} */
const results = new Map();
for (const family of Object.keys(FAMILIES)) {
  const statistics = await compileFor(family, pipelines);
  results.set(family, statistics);
  console.log(`${family}: ${statistics.filter(isFaulty).length} of ${pipelines.length} with scratch or spills`);
}
writeFileSync(join(root, 'test/bench/results/isa.md'), isaTable(pipelines, results));
process.exit([...results.values()].flat().some(isFaulty) ? 1 : 0);
