// The time of regions: a network in one piece and under ever smaller budgets, in turns.
import type { Gpu } from '../../src/gpu/gpu.ts';
import { tensorBytes } from '../../src/graph/tensor.ts';
import { planGraph, type Plan } from '../../src/plan/plan.ts';
import { Session } from '../../src/session/session.ts';
import { targetOf } from '../../src/loading/target.ts';
import { hashTensor } from '../support/hash_weights.ts';
import { median } from './bench.ts';
import type { CpuClock } from './peak.ts';
import { loadWork } from './session.ts';
import { graphOf, type Work } from './works.ts';

/** Shares of what one piece takes that the budgets are. */
const SHARES = [1, 0.7, 0.5, 0.35];

/** A plan that is timed, with the milliseconds that its runs took: of computing, and by the clock on the wall. */
interface Timed {
  readonly plan: Plan;
  readonly session: Session;
  readonly cpu: number[];
  readonly wall: number[];
}

/**
 * The table, in Markdown.
 *
 * @param work - an encoder or decoder, at a size that runs in one piece
 * @param reps - turns in which each is run once
 * @param cpu - of what computes on a software adapter; what else runs on the machine hardly shows in its time
 */
export async function regionTimes(gpu: Gpu, work: Work, reps: number, cpu: CpuClock): Promise<string> {
  const { plan: whole, weights } = await loadWork(gpu, work, { dtype: 'f32' });
  const graph = graphOf(work);
  const target = targetOf(gpu, { dtype: 'f32' });
  const runs: Timed[] = [];
  for (const share of SHARES) {
    const plan = share === 1 ? whole : planGraph(graph, target, gpu.device.limits, share * whole.peakBytes);
    runs.push({ plan, session: await Session.create(gpu, plan, weights), cpu: [], wall: [] });
  }
  const input = hashTensor('input', [tensorBytes(whole.input) / 4]);
  const go = async ({ session }: Timed): Promise<void> => {
    await session.run({
      input: (tensor, buffer) => gpu.device.queue.writeBuffer(buffer, 0, input, 0, tensorBytes(tensor) / 4),
      output: () => undefined,
    });
    await gpu.device.queue.onSubmittedWorkDone();
  };
  for (const run of runs) await go(run); // touches its memory
  for (let i = 0; i < reps; i++) {
    for (const run of runs) {
      const [began, computed] = [performance.now(), await cpu()];
      await go(run);
      run.wall.push(performance.now() - began);
      run.cpu.push(1000 * ((await cpu()) - computed));
    }
    console.info(
      `${work.name}, turn ${i + 1}: ${runs.map((run) => `${run.cpu.at(-1)?.toFixed(0)} ms of CPU time, ${run.wall.at(-1)?.toFixed(0)} ms`).join('; ')}`,
    );
  }
  for (const { session } of runs) session.dispose();
  weights.dispose();
  const rows = runs.map((run) => {
    const { plan } = run;
    const over = (kind: 'cpu' | 'wall'): string => {
      const ratio = median(run[kind].map((ms, i) => ms / (runs[0]?.[kind][i] ?? NaN)));
      return `${ratio.toFixed(3)} (${(100 * (ratio / plan.recompute - 1)).toFixed(1)} %)`;
    };
    const cells = [
      plan.regions,
      (plan.peakBytes / 2 ** 20).toFixed(0),
      plan.dispatches.length,
      plan.recompute.toFixed(3),
      over('cpu'),
      over('wall'),
      median(run.cpu).toFixed(0),
      median(run.wall).toFixed(0),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `## ${work.name}`,
    '',
    '| regions | planned MiB | dispatches | recompute | CPU time | time | CPU ms | ms |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
