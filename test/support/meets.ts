// The meeting of a kernel and its plain TypeScript reference, in every storage type.
import { expect } from 'vitest';
import type { Gpu } from '../../src/gpu/gpu.ts';
import type { Algorithm } from '../../src/graph/winograd.ts';
import { layerParameters, layers } from '../../src/model/layers.ts';
import type { NoteError } from './figures.ts';
import { relativeMaxError, type FixtureTensor } from './fixtures.ts';
import { roundToHalf } from './half.ts';
import { hashTensor } from './hash-weights.ts';
import type { Numbers } from './reference.ts';
import { regroupWeights, runModule, type Build } from './run-module.ts';

/** Sums in f32 over at most a few hundred products. */
const TOLERANCE = 1e-5;
/** Ample for what is compared, and it spares each run a staging buffer of 32 MiB. */
const BINDING = 2 ** 20;

/** A tensor of fixed random numbers; `name` seeds them, and says as what they are scaled. */
export function randomTensor(name: string, shape: readonly number[]): FixtureTensor {
  return { shape, data: hashTensor(name, shape) };
}

/**
 * All parameters of a module, random. Matrices hold numbers that f16 can, so that one reference and one tolerance serve both storage types:
 * f16 storage then loses nothing, and whatever else is f16 would show.
 */
export function randomWeights(module: object): Map<string, FixtureTensor> {
  return new Map(
    layers(module)
      .flatMap(layerParameters)
      .map(({ key, shape }) => {
        const { data } = randomTensor(key, shape);
        return [key, { shape, data: shape.length > 1 ? roundToHalf(data) : data }];
      }),
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
  /** Algorithms that its convolutions are computed by, in turn; where it is missing, the one that is chosen. */
  readonly algorithms?: readonly Algorithm[];
  /** Take the kernels of GPUs, on whatever adapter. */
  readonly asGpu?: boolean;
  /** `inGroups` is around `build`, with so many channels on each side. */
  readonly regrouped?: number;
}

/** Runs a kernel in each storage type and compares it with what its reference says. */
export async function meets(gpu: Gpu, note: NoteError, meeting: Meeting): Promise<void> {
  const { name, build, input, weights = new Map(), expected, regrouped, algorithms = [undefined], asGpu } = meeting;
  const all = regrouped === undefined ? weights : new Map([...weights, ...regroupWeights(regrouped)]);
  for (const algorithm of algorithms) {
    for (const dtype of ['f32', 'f16'] as const) {
      const options = {
        dtype,
        binding: BINDING,
        target: { algorithm, ...(asGpu && { software: false, subgroups: false }) },
      };
      const { shape, data } = await runModule(gpu, build, input, all, options);
      expect(shape, name).toEqual(expected.shape);
      const error = relativeMaxError(data, expected.data);
      note([dtype, algorithm, asGpu && 'as a GPU'].filter(Boolean).join(', '), name, error);
      expect(error, `${name} in ${dtype}, ${algorithm}`).toBeLessThanOrEqual(TOLERANCE);
    }
  }
}
