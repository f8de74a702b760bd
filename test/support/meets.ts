// Compares a kernel with its plain TypeScript reference in every storage type.
import { expect } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { StorageType } from '../../src/graph/tensor.ts';
import type { ConvVariant } from '../../src/graph/target.ts';
import type { WeightType } from '../../src/graph/weights.ts';
import type { Algorithm } from '../../src/graph/tile_geometry.ts';
import { layerParameters, layers } from '../../src/model/layers.ts';
import { supportedVariants } from '../../src/loading/target.ts';
import type { NoteError } from './figures.ts';
import { relativeMaxError, type FixtureTensor } from './fixtures.ts';
import { roundToF16 } from './f16.ts';
import { hashTensor } from './hash_weights.ts';
import type { Numbers } from './reference.ts';
import { regroupWeights, runModule, type Build } from './run_module.ts';

/** Sizes `[N, H, W]` that fill no tile of a kernel. */
export const ODD_SIZES = [
  [3, 1, 1],
  [1, 1, 9],
  [2, 9, 1],
  [3, 13, 7],
] as const;
/** Numbers of channels that are no multiple of four. */
export const ODD_CHANNELS = [1, 2, 3, 5, 7, 9, 33];

/** Sums in f32 over at most a few hundred products. */
const TOLERANCE = 1e-5;
/** Stored activations are rounded to f16: an error of at most 2^-11 of the value each time. */
const STORED = 4e-3;
/** Factors are rounded to f16, and sums of four products are f16 too. */
const F16_PRODUCTS = 5e-3;
/** Enough for all cases. It spares each run a staging buffer of 32 MiB. */
const BINDING = 2 ** 20;

/** A tensor of fixed random numbers that f16 can hold. `name` seeds them and decides their scale. */
export function randomTensor(name: string, shape: readonly number[]): FixtureTensor {
  return { shape, data: roundToF16(hashTensor(name, shape)) };
}

/**
 * Random parameters of a module. They are numbers that f16 can hold, so that one reference and one tolerance serve both
 * types of weights, and any other rounding to f16 shows.
 */
export function randomWeights(module: object): Map<string, FixtureTensor> {
  return new Map(
    layers(module)
      .flatMap(layerParameters)
      .map(({ key, shape }) => [key, randomTensor(key, shape)]),
  );
}

/** One comparison. */
export interface Meeting {
  /** The name of the case in failures. */
  readonly name: string;
  readonly build: Build;
  readonly input: FixtureTensor;
  readonly weights?: ReadonlyMap<string, FixtureTensor>;
  readonly expected: Numbers;
  /** Algorithms that the convolutions use in turn, in every variant of their kernel. If absent, the planner chooses. */
  readonly algorithms?: readonly Algorithm[];
  /** Whether to plan as for a GPU on any adapter. */
  readonly asGpu?: boolean;
  /** Channels on each side of `inGroups`, if it wraps `build`. */
  readonly regrouped?: number;
}

/** Runs a kernel in each storage type and variant and compares the results with its reference. */
export async function meets(gpu: Gpu, note: NoteError, meeting: Meeting): Promise<void> {
  const { name, build, input, weights = new Map(), expected, regrouped, algorithms, asGpu = false } = meeting;
  const all = regrouped === undefined ? weights : new Map([...weights, ...regroupWeights(regrouped)]);
  for (const { dtype, activations, kernel, algorithm } of waysOf(gpu, algorithms)) {
    const target = {
      algorithm,
      ...(kernel && { kernels: { conv: kernel, multiply: kernel } }),
      ...(asGpu && { software: false }),
    };
    const options = { dtype, activations, binding: BINDING, target };
    const { shape, data } = await runModule(gpu, build, input, all, options);
    expect(shape, name).toEqual(expected.shape);
    const error = relativeMaxError(data, expected.data);
    const way = [dtype, activations, kernel, algorithm, asGpu && 'as a GPU'].filter(Boolean).join(', ');
    note(way, name, error);
    expect(error, `${name}: ${way}`).toBeLessThanOrEqual(
      kernel === 'f16' ? F16_PRODUCTS : activations === 'f16' ? STORED : TOLERANCE,
    );
  }
}

interface Way {
  readonly dtype: WeightType;
  readonly activations: StorageType;
  readonly kernel?: ConvVariant;
  readonly algorithm?: Algorithm;
}

function waysOf(gpu: Gpu, algorithms: readonly Algorithm[] | undefined): Way[] {
  const storage = [
    { dtype: 'f32', activations: 'f32' },
    { dtype: 'f16', activations: 'f32' },
    { dtype: 'f16', activations: 'f16' },
  ] as const;
  if (!algorithms) return [...storage];
  return supportedVariants(gpu, 'f16').flatMap((kernel) =>
    algorithms
      .filter((algorithm) => kernel !== 'f16' || algorithm !== 'winograd4')
      .flatMap((algorithm): Way[] => {
        const all = kernel === 'f16' ? storage.slice(1) : storage;
        // In a Winograd algorithm, the passes that read and write activations are the same for all variants.
        const stored = algorithm === 'direct' || kernel === 'registers' ? all : all.slice(0, -1);
        return stored.map((types) => ({ ...types, kernel, algorithm }));
      }),
  );
}
