// The meeting of a kernel and its plain TypeScript reference, in every storage type.
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

/** Sums in f32 over at most a few hundred products. */
const TOLERANCE = 1e-5;
/** Activations rounded to f16 wherever they are stored, to 2^-11 of themselves at most. */
const STORED = 4e-3;
/** Factors rounded to f16, to 2^-11 of themselves at most, and products of four of them added in it. */
const F16_PRODUCTS = 5e-3;
/** Ample for what is compared, and it spares each run a staging buffer of 32 MiB. */
const BINDING = 2 ** 20;

/** A tensor of fixed random numbers that f16 can hold; `name` seeds them, and says as what they are scaled. */
export function randomTensor(name: string, shape: readonly number[]): FixtureTensor {
  return { shape, data: roundToF16(hashTensor(name, shape)) };
}

/**
 * All parameters of a module, random: numbers that f16 can hold, so that one reference and one tolerance serve both types of weights. f16 then
 * loses nothing, and whatever else is f16 would show.
 */
export function randomWeights(module: object): Map<string, FixtureTensor> {
  return new Map(
    layers(module)
      .flatMap(layerParameters)
      .map(({ key, shape }) => [key, randomTensor(key, shape)]),
  );
}

/** What is compared. */
export interface Meeting {
  /** What the case is called where it fails. */
  readonly name: string;
  readonly build: Build;
  readonly input: FixtureTensor;
  readonly weights?: ReadonlyMap<string, FixtureTensor>;
  readonly expected: Numbers;
  /** Algorithms that its convolutions are computed by, in turn, by all forms of their kernel; where it is missing, those that are chosen. */
  readonly algorithms?: readonly Algorithm[];
  /** Plan as for a GPU, on whatever adapter. */
  readonly asGpu?: boolean;
  /** `inGroups` is around `build`, with so many channels on each side. */
  readonly regrouped?: number;
}

/** Runs a kernel in each storage type, and each form where it has several, and compares it with what its reference says. */
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
        // What reads and writes activations in a tile algorithm is the same for all forms of the products between.
        const stored = algorithm === 'direct' || kernel === 'registers' ? all : all.slice(0, -1);
        return stored.map((types) => ({ ...types, kernel, algorithm }));
      }),
  );
}
