import type { Gpu } from '../../src/gpu/gpu.ts';
import { weightsOf } from '../../src/graph/ops.ts';
import type { ConvVariant } from '../../src/graph/target.ts';
import type { WeightSpec, WeightType } from '../../src/graph/weights.ts';
import { maxBindingBytes } from '../../src/plan/budget.ts';
import { planGraph, type Plan } from '../../src/plan/plan.ts';
import { Session } from '../../src/session/session.ts';
import { targetOf } from '../../src/loading/target.ts';
import { WeightStore } from '../../src/session/weight_store.ts';
import { hashTensor } from '../support/hash_weights.ts';
import { graphOf, type Work } from './works.ts';

/** Fills a graph's weights by hash: their values don't change the time, but denormals would. */
async function hashWeights(gpu: Gpu, specs: readonly WeightSpec[], dtype: WeightType): Promise<WeightStore> {
  const store = await WeightStore.create(gpu, dtype, maxBindingBytes(gpu.device.limits), specs);
  for (const spec of specs) {
    const sources =
      spec.kind === 'matrix'
        ? spec.sources.map(({ key, rows }) => ({ key, shape: [rows, spec.columns.channels, spec.taps] }))
        : spec.keys.map((key) => ({ key, shape: [spec.rows.channels * spec.phases] }));
    for (const { key, shape } of sources) {
      const values = hashTensor(key, shape);
      await store.write({ key, dtype: 'F32', shape }, 0, new Uint8Array(values.buffer));
    }
  }
  await store.finish();
  await gpu.device.queue.onSubmittedWorkDone();
  return store;
}

/**
 * How a work's weights are stored, and the form of its convolutions' kernels: where that is missing, the one that suits
 * the adapter.
 */
export interface Form {
  readonly dtype: WeightType;
  readonly kernels?: ConvVariant | undefined;
}

/** A work with its weights on the GPU. */
export interface LoadedWork {
  readonly plan: Plan;
  readonly weights: WeightStore;
}

/** Plans a work and makes its weights. */
export async function loadWork(gpu: Gpu, work: Work, { dtype, kernels }: Form): Promise<LoadedWork> {
  const graph = graphOf(work);
  const specs = [...new Map(graph.ops.flatMap(weightsOf).map((spec) => [spec.id, spec])).values()];
  const plan = planGraph(
    graph,
    targetOf(gpu, { dtype, kernels, products: kernels?.startsWith('f16') ? 'f16' : 'f32' }),
    gpu.device.limits,
  );
  return { plan, weights: await hashWeights(gpu, specs, dtype) };
}

/** How long parts of a session's beginning took. */
export interface OpenedSession {
  readonly session: Session;
  /** Milliseconds to compile all of its pipelines, on a device that has compiled none of them. */
  readonly compileMs: number;
}

/** Compiles and allocates a work's session. */
export async function openSession(gpu: Gpu, { plan, weights }: LoadedWork): Promise<OpenedSession> {
  const start = performance.now();
  await Promise.all(plan.dispatches.map(({ dispatch }) => gpu.pipelines.get(dispatch.shader, dispatch.constants)));
  const compileMs = performance.now() - start;
  return { session: await Session.create(gpu, plan, weights), compileMs };
}
