import type { Statistics } from '../../scripts/gpu-compiler/compile_for.mjs';
import type { IsaPipeline } from './isa.ts';

/** AMD GPUs by RADV's names: one of each architecture that browsers still meet. */
export const FAMILIES: Readonly<Record<string, string>> = {
  navi31: 'RDNA3',
  gfx1201: 'RDNA4',
  navi21: 'RDNA2',
  navi10: 'RDNA1',
  vega10: 'GCN5',
};

/** Whether a pipeline needs memory for its registers, or was not compiled. */
export function isFaulty({ refused, scratch, spilled }: Statistics): boolean {
  return refused !== undefined || scratch !== 0 || spilled !== 0;
}

/** The statistics of all pipelines as Markdown: a summary of every GPU, then each pipeline on the first one. */
export function isaTable(
  pipelines: readonly IsaPipeline[],
  results: ReadonlyMap<string, readonly Statistics[]>,
): string {
  const summary = [...results].map(([family, all]) => {
    const registers = Math.max(...all.map(({ vgprs }) => vgprs));
    const waves = Math.min(...all.map(({ waves }) => waves));
    return (
      `| ${FAMILIES[family] ?? ''} (${family}) | ${all.length} | ${all.filter(isFaulty).length} | ` +
      `${registers} | ${waves} |`
    );
  });
  const [[family = '', first = []] = []] = results;
  const rows = first.map((statistics, i) => {
    const { name, target, constants } = pipelines[i]!;
    const { vgprs, spilled, scratch, lds, waves, instructions, inverseThroughput } = statistics;
    const values = Object.entries(constants).map(([key, value]) => `${key} ${value}`);
    const cells = [vgprs, spilled, scratch, lds, waves, instructions, inverseThroughput];
    return `| ${[name, ...values].join(', ')} | ${target} | ${cells.join(' | ')} |`;
  });
  return [
    "# Registers of all pipelines, by AMD's compiler",
    '',
    '`npm run bench:isa` compiles every pipeline that a GPU may choose for the released checkpoints. Mesa’s ' +
      'ACO compiles them; no',
    'AMD GPU is needed. Scratch memory and spills are memory traffic in every thread, so both must be 0. ' +
      'Waves are those that fit a',
    'SIMD. Inverse throughput is an estimate in cycles that guesses how often loops run; compare only ' +
      'variants of one kernel.',
    '',
    '| GPU | pipelines | with scratch or spills | most VGPRs | fewest waves |',
    '|---|---|---|---|---|',
    ...summary,
    '',
    `## ${FAMILIES[family] ?? ''} (${family})`,
    '',
    '| pipeline | first needed for | VGPRs | spilled | scratch bytes | workgroup bytes | waves | ' +
      'instructions | inverse throughput |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
