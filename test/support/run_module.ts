// Runs one module, or any other graph, on the GPU: builder → plan → weights → session → numbers.
import type { Gpu } from '../../src/gpu/gpu.ts';
import { GraphBuilder, type Graph } from '../../src/graph/build.ts';
import { IDENTITY, weightsOf } from '../../src/graph/ops.ts';
import { rectOf } from '../../src/graph/rects.ts';
import { channelsOf, type StorageType, type Tensor } from '../../src/graph/tensor.ts';
import { denseWeight, type WeightType } from '../../src/graph/weights.ts';
import type { Target } from '../../src/graph/target.ts';
import type { RawType } from '../../src/kernels/pack.ts';
import { conv2d } from '../../src/model/layers.ts';
import { BandedTensor } from '../../src/runtime/bands.ts';
import { checkShape } from '../../src/runtime/numbers.ts';
import { stageNumbers } from '../../src/runtime/tensor_input.ts';
import { maxBindingBytes, type Limits } from '../../src/plan/budget.ts';
import { planGraph, type Plan } from '../../src/plan/plan.ts';
import { GpuTensor } from '../../src/runtime/results.ts';
import { Session } from '../../src/session/session.ts';
import { targetOf } from '../../src/loading/target.ts';
import { WeightStore } from '../../src/session/weight_store.ts';
import type { FixtureTensor } from './fixtures.ts';

/** A weight as a checkpoint has it: `data` holds numbers of type `dtype`, F32 if absent. */
export interface RawWeight {
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
  readonly dtype?: RawType;
}

/** Builds a graph over one input, with one or more of the builder's methods. */
export type Build = (builder: GraphBuilder, x: Tensor) => Tensor;

/** Options of a run. */
export interface RunModuleOptions {
  /** Storage type of weights; f32 if absent. */
  readonly dtype?: WeightType;
  /** Storage type of activations; f32 if absent. */
  readonly activations?: StorageType;
  /** Bytes of the largest binding, if lower than the device's limit. */
  readonly binding?: number;
  /** Weights arrive in pieces of this many bytes, a multiple of 8; each in one piece if absent. */
  readonly chunk?: number;
  /** Memory budget of the activations in bytes. */
  readonly budget?: number | undefined;
  /** Kernels of other devices, or algorithms of other sizes. */
  readonly target?: Partial<Target>;
}

/**
 * The same graph on activations with channels in groups of `group`, each padded to whole quads, as in attention. Exact
 * 1x1 convolutions convert the input and the output. They need `regroupWeights`.
 */
export function inGroups(group: number, build: Build): Build {
  return (b, x) => {
    const { channels } = x.layout;
    const into = conv2d('regroup.in', channels, channels, { kernel: 1, bias: false });
    const weight = denseWeight([into], x.layout, { rowGroup: group });
    const y = build(b, b.conv(into, x, { weight, layout: { channels, group } }));
    const { channels: outChannels } = y.layout;
    return b.conv(conv2d('regroup.out', outChannels, outChannels, { kernel: 1, bias: false }), y);
  };
}

/** The same graph on activations of another storage type, between copies. */
function stored(storage: StorageType, build: Build): Build {
  const copy = (b: GraphBuilder, x: Tensor, storage: StorageType): Tensor => {
    const y = b.tensor('copy', x, x.layout, storage);
    const op = { type: 'resample', label: 'copy', rect: rectOf(y), x, y, shuffle: IDENTITY } as const;
    b.ops.push({ ...op, affine: undefined, activation: undefined });
    return y;
  };
  return storage === 'f32' ? build : (b, x) => copy(b, build(b, copy(b, x, storage)), 'f32');
}

/** The weights of `inGroups` for this many channels on each side. */
export function regroupWeights(channels: number, outChannels = channels): [string, RawWeight][] {
  const identity = (size: number): RawWeight => ({
    shape: [size, size, 1, 1],
    data: Float32Array.from({ length: size ** 2 }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
  });
  return [
    ['regroup.in.weight', identity(channels)],
    ['regroup.out.weight', identity(outChannels)],
  ];
}

/** A module's graph for inputs `[N, C, H, W]`, and its plan. */
export function planModule(
  gpu: Gpu,
  build: Build,
  shape: readonly number[],
  { dtype = 'f32', activations = 'f32', binding = Infinity, target = {}, budget }: RunModuleOptions,
): { readonly graph: Graph; readonly plan: Plan } {
  const [n, channels, height, width] = shape as [number, number, number, number];
  const builder = new GraphBuilder(activations);
  const x = builder.tensor('input', { n, height, width }, channelsOf(channels), 'f32');
  const output = stored(activations, build)(builder, x);
  const graph = { ops: builder.ops, input: x, output };
  const whole = { ...targetOf(gpu, { dtype, activations }), ...target };
  return { graph, plan: planGraph(graph, whole, limitsWith(gpu, binding), budget) };
}

/**
 * Runs a module on `input`; both input and output are `[N, C, H, W]`. Weights are written in the order of `weights`.
 */
export async function runModule(
  gpu: Gpu,
  build: Build,
  input: FixtureTensor,
  weights: ReadonlyMap<string, RawWeight>,
  {
    dtype = 'f32',
    activations = 'f32',
    binding = Infinity,
    chunk = Infinity,
    target = {},
    budget,
  }: RunModuleOptions = {},
): Promise<FixtureTensor> {
  const limits = limitsWith(gpu, binding);
  const { graph, plan } = planModule(gpu, build, input.shape, { dtype, activations, binding, target, budget });
  const specs = [...new Map(graph.ops.flatMap(weightsOf).map((spec) => [spec.id, spec])).values()];
  const keys = new Set(
    specs.flatMap((spec) => (spec.kind === 'matrix' ? spec.sources.map(({ key }) => key) : spec.keys)),
  );
  const missing = [...keys].filter((key) => !weights.has(key));
  if (missing.length > 0)
    throw new Error(`the test gives no ${missing.join(', ')}, only: ${[...weights.keys()].join(', ')}`);
  const store = await WeightStore.create(gpu, dtype, maxBindingBytes(limits), specs);
  try {
    for (const [key, weight] of [...weights].filter(([key]) => keys.has(key))) {
      await writeWeight(store, key, weight, chunk);
    }
    await store.finish();
    const session = await Session.create(gpu, plan, store);
    try {
      using result = await runSession(gpu, session, input);
      return { shape: result.shape, data: (await result.toArray()) as Float32Array<ArrayBuffer> };
    } finally {
      session.dispose();
    }
  } finally {
    store.dispose();
  }
}

/** The device's limits, with bindings of at most `binding` bytes. */
function limitsWith(gpu: Gpu, binding: number): Limits {
  const { maxBufferSize, maxComputeWorkgroupsPerDimension, minUniformBufferOffsetAlignment } = gpu.device.limits;
  return {
    maxStorageBufferBindingSize: Math.min(binding, gpu.device.limits.maxStorageBufferBindingSize),
    maxBufferSize,
    maxComputeWorkgroupsPerDimension,
    minUniformBufferOffsetAlignment,
  };
}

async function writeWeight(store: WeightStore, key: string, weight: RawWeight, chunk: number): Promise<void> {
  const { shape, data, dtype = 'F32' } = weight;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const tensor = { key, dtype, shape };
  for (let offset = 0; offset < bytes.length; offset += chunk) {
    await store.write(tensor, offset, bytes.subarray(offset, offset + chunk));
  }
}

/** Runs a session on `[N, C, H, W]` numbers. */
export async function runSession(gpu: Gpu, session: Session, { data, shape }: FixtureTensor): Promise<GpuTensor> {
  const { input, output } = session.plan;
  const staged = stageNumbers(gpu, 'input', data, checkShape('input', shape, input.layout.channels));
  const result = await BandedTensor.create(gpu, 'result', output);
  await session.run({
    input: (tensor, buffer) => staged.write({ tensor, buffer }, 0),
    output: (tensor, buffer) => result.copyFrom({ tensor, buffer }),
  });
  return new GpuTensor(gpu, result, output);
}
