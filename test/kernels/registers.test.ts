// On AMD GPUs no pipeline spills registers or keeps arrays in scratch memory, as Mesa's compiler reports. `npm test`
// checks RDNA3, `npm run test:full` every architecture. scripts/test.mjs says so if the compiler cannot be set up.
import { describe, expect, test } from 'vitest';
import { compileFor, hasGpuCompiler } from '../../scripts/gpu-compiler/compile_for.mjs';
import { isaPipelines } from '../bench/isa.ts';
import { FAMILIES, isFaulty } from '../bench/isa_table.ts';

const families = process.env['DCAE_FULL'] ? Object.keys(FAMILIES) : ['navi31'];

describe.runIf(hasGpuCompiler())('registers', () => {
  const pipelines = isaPipelines();

  test.for(families)('hold all values of every pipeline on %s', { timeout: 300_000 }, async (family) => {
    const statistics = await compileFor(family, pipelines);
    const faulty = pipelines.flatMap(({ name, target }, i) => {
      const { refused, scratch, spilled } = statistics[i]!;
      return isFaulty(statistics[i]!)
        ? [`${name}, ${target}: ${refused ?? `${scratch} B scratch, ${spilled} spilled`}`]
        : [];
    });
    expect(faulty).toEqual([]);
  });
});
