// What regions cost in time: a network in one piece and under smaller and smaller budgets, in turns.
import { profiler, type Profiler } from '../../src/gpu/profiler.ts';
import type { Gpu } from '../../src/gpu/gpu.ts';
import { tensorBytes } from '../../src/graph/tensor.ts';
import { planGraph } from '../../src/runtime/plan.ts';
import { Session } from '../../src/runtime/session.ts';
import { readProfile } from '../../src/runtime/profile.ts';
import { targetOf } from '../../src/runtime/target.ts';
import { hashTensor } from '../support/hash-weights.ts';
import { adapterName } from './bench.ts';
import { loadWork } from './session.ts';
import { graphOf, type Work } from './works.ts';

/** Shares of what one piece takes that the budgets are. */
const SHARES = [Infinity, 0.7, 0.5, 0.35];

/**
 * The table, in Markdown.
 *
 * @param work - half of a network, at a size that runs in one piece
 * @param reps - times that each is run again
 */
export async function regionTimes(gpu: Gpu, work: Work, reps: number): Promise<string> {
  const { plan: whole, weights } = await loadWork(gpu, work, 'f32');
  const graph = graphOf(work);
  const target = targetOf(gpu, { dtype: 'f32' });
  const runs = SHARES.map((share) => {
    const budget = share === Infinity ? undefined : share * whole.peakBytes;
    return { plan: planGraph(graph, target, gpu.device.limits, budget), wall: Infinity, dispatches: Infinity };
  });
  const input = hashTensor('input', [tensorBytes(whole.input) / 4]);
  for (let i = 0; i <= reps; i++) {
    for (const run of runs) {
      const session = await Session.create(gpu, run.plan, weights);
      const go = async (clock?: Profiler): Promise<void> => {
        await session.run({
          input: (tensor, buffer) => gpu.device.queue.writeBuffer(buffer, 0, input, 0, tensorBytes(tensor) / 4),
          output: () => undefined,
          profiler: clock,
        });
        await gpu.device.queue.onSubmittedWorkDone();
      };
      await go(); // touches its memory
      const began = performance.now();
      await go();
      run.wall = Math.min(run.wall, performance.now() - began);
      const clock = profiler(gpu, run.plan.dispatches.length);
      await go(clock);
      run.dispatches = Math.min(run.dispatches, (await readProfile(clock, run.plan.dispatches)).ms);
      clock.dispose();
      session.dispose();
    }
  }
  weights.dispose();
  const [first] = runs;
  const rows = runs.map(({ plan, wall, dispatches }) => {
    const over = (ratio: number): string =>
      `${ratio.toFixed(3)} (${(100 * (ratio / plan.recompute - 1)).toFixed(1)} %)`;
    const cells = [
      plan.regions,
      (plan.peakBytes / 2 ** 20).toFixed(0),
      plan.recompute.toFixed(3),
      over(wall / (first?.wall ?? NaN)),
      over(dispatches / (first?.dispatches ?? NaN)),
      wall.toFixed(0),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `${work.name} on ${adapterName(gpu.device)}: ratios to one piece, in brackets by how much they exceed the recompute factor; the least of`,
    `${reps + 1} runs in turns.`,
    '',
    '| regions | planned MiB | recompute | time | time of the dispatches alone | ms |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
