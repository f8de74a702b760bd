// A plan is made before anything is allocated, so all that it promises can be checked without a GPU.
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { buildGraph, type Graph, type InputSize } from '../../src/graph/build.ts';
import { planMemory } from '../../src/plan/memory.ts';
import { inputs } from '../../src/graph/ops.ts';
import { tensorBytes } from '../../src/graph/tensor.ts';
import type { Target } from '../../src/graph/target.ts';
import { decoder, encoder } from '../../src/model/autoencoder.ts';
import type { Limits } from '../../src/plan/budget.ts';
import { planNetwork } from '../../src/plan/plan.ts';
import { readJson } from '../support/fixtures.ts';

const MiB = 2 ** 20;
const PROMISED: Limits = {
  maxStorageBufferBindingSize: 128 * MiB,
  maxBufferSize: 256 * MiB,
  maxComputeWorkgroupsPerDimension: 65535,
  minUniformBufferOffsetAlignment: 256,
};
const TARGETS = [true, false].flatMap((software) =>
  (['f32', 'f16'] as const).map((storage): Target => {
    const kernel = software ? 'subgroups' : 'workgroup';
    return {
      weights: storage,
      activations: storage,
      software,
      numerics: 'fast',
      products: 'f32',
      kernels: { conv: kernel, multiply: kernel },
    };
  }),
);

const CONFIGS = [
  ['nano', 'demo/models/nano/config.json'],
  ['f32c32 mix', 'test/fixtures/configs/dc-ae-f32c32-mix-1.0.json'],
  ['f32c32 sana', 'test/fixtures/configs/dc-ae-f32c32-sana-1.1.json'],
  ['lite', 'test/fixtures/configs/dc-ae-lite-f32c32-sana-1.1.json'],
  ['f64c128', 'test/fixtures/configs/dc-ae-f64c128-in-1.0.json'],
  ['f128c512', 'test/fixtures/configs/dc-ae-f128c512-in-1.0.json'],
] as const;

async function networksOf(path: string) {
  const config = parseConfig(await readJson(path));
  return [
    { network: encoder(config), size: { n: 1, height: 256, width: 384 } },
    { network: decoder(config), size: { n: 2, height: 4, width: 2 } },
  ];
}

describe.each(CONFIGS)('%s', (_, path) => {
  test('no two tensors that live at the same time share a buffer', async () => {
    for (const { network, size } of await networksOf(path)) {
      const graph = buildGraph(network, size);
      const region = { input: graph.input, ops: graph.ops, output: graph.output };
      const { buffers, placement } = planMemory([[region]]);
      // Played through: what each buffer holds after each op.
      const holds = new Map<number, number>([[placement.get(graph.input.id)!, graph.input.id]]);
      for (const op of graph.ops) {
        for (const tensor of inputs(op)) {
          expect(holds.get(placement.get(tensor.id)!), `${op.label} reads ${tensor.label}`).toBe(tensor.id);
          expect(placement.get(tensor.id), `${op.label} reads and writes one buffer`).not.toBe(placement.get(op.y.id));
        }
        holds.set(placement.get(op.y.id)!, op.y.id);
        expect(buffers[placement.get(op.y.id)!]).toBeGreaterThanOrEqual(tensorBytes(op.y));
      }
      expect(holds.get(placement.get(graph.output.id)!)).toBe(graph.output.id);
    }
  });

  test('params never overlap, however fine the offsets that the device takes', async () => {
    for (const { network, size } of await networksOf(path)) {
      for (const minUniformBufferOffsetAlignment of [16, 32, 64, 256]) {
        const limits = { ...PROMISED, minUniformBufferOffsetAlignment };
        const { dispatches, paramStride } = planNetwork(network, size, TARGETS[0]!, limits);
        expect(paramStride % minUniformBufferOffsetAlignment).toBe(0);
        for (const { dispatch } of dispatches) expect(dispatch.params.byteLength).toBeLessThanOrEqual(paramStride);
      }
    }
  });

  test('peakBytes is all that a session allocates, and every dispatch is one that WebGPU promises', async () => {
    for (const { network, size } of await networksOf(path)) {
      for (const target of TARGETS) {
        const { memory, dispatches, paramStride, peakBytes, flops } = planNetwork(network, size, target, PROMISED);
        const activations = memory.buffers.reduce((sum, bytes) => sum + bytes, 0);
        expect(peakBytes).toBe(activations + dispatches.length * paramStride);
        expect(flops).toBeGreaterThan(0);
        for (const { dispatch } of dispatches) {
          for (const count of dispatch.grid) {
            expect(count).toBeGreaterThan(0);
            expect(count).toBeLessThanOrEqual(65535);
          }
        }
      }
    }
  });
});

describe('1024 x 1024 pixels of f32c32 sana in one piece', () => {
  const ROOMY: Limits = { ...PROMISED, maxStorageBufferBindingSize: 2048 * MiB, maxBufferSize: 2048 * MiB };

  async function bothNetworks() {
    const config = parseConfig(await readJson('test/fixtures/configs/dc-ae-f32c32-sana-1.1.json'));
    return [
      { network: encoder(config), size: { n: 1, height: 1024, width: 1024 } },
      { network: decoder(config), size: { n: 1, height: 32, width: 32 } },
    ];
  }

  /** Bytes of the largest set of tensors that must be alive at once, whatever they are called and wherever they lie. */
  function memoryFloor({ ops, input, output }: Graph): number {
    const lastRead = new Map(ops.flatMap((op, i) => [...inputs(op), op.y].map(({ id }) => [id, i])));
    lastRead.set(output.id, ops.length);
    const alive = new Map([[input.id, tensorBytes(input)]]);
    let floor = 0;
    ops.forEach((op, i) => {
      alive.set(op.y.id, tensorBytes(op.y));
      floor = Math.max(
        floor,
        [...alive.values()].reduce((sum, bytes) => sum + bytes, 0),
      );
      for (const id of alive.keys()) if (lastRead.get(id) === i) alive.delete(id);
    });
    return floor;
  }

  test.for(TARGETS)('takes little more than the floor of its memory: %o', async (target) => {
    // The tensors between the passes of a convolution are f32 in both, so they weigh more if the others are f16.
    const most = target.activations === 'f16' ? 1.17 : 1.15;
    for (const { network, size } of await bothNetworks()) {
      const { peakBytes, regions } = planNetwork(network, size, target, ROOMY, 4096 * MiB);
      expect(regions).toBe(1);
      expect(peakBytes / memoryFloor(buildGraph(network, size, target.activations))).toBeLessThanOrEqual(most);
    }
  });

  test('takes half the memory with activations in f16', async () => {
    for (const { network, size } of await bothNetworks()) {
      for (const target of TARGETS) {
        const [f32, f16] = (['f32', 'f16'] as const).map(
          (activations) => planNetwork(network, size, { ...target, activations }, ROOMY, 4096 * MiB).peakBytes,
        );
        expect(f16! / f32!).toBeLessThan(0.52);
      }
    }
  });

  test.for(TARGETS)(
    'takes at most 40 pipelines, and 125 dispatches where no convolution is taken apart: %o',
    async (target) => {
      for (const { network, size } of await bothNetworks()) {
        const pipelines = (algorithm: 'direct' | undefined) => {
          const { dispatches } = planNetwork(network, size, { ...target, algorithm }, ROOMY, 4096 * MiB);
          const keys = dispatches.map(
            ({ dispatch: { shader, constants } }) => `${shader.code} ${JSON.stringify(constants)}`,
          );
          return { dispatches: dispatches.length, pipelines: new Set(keys).size };
        };
        expect(pipelines(undefined).pipelines).toBeLessThanOrEqual(40);
        expect(pipelines('direct').pipelines).toBeLessThanOrEqual(40);
        expect(pipelines('direct').dispatches).toBeLessThanOrEqual(125);
      }
    },
  );
});

test.for<[InputSize, RegExp]>([
  [{ n: 1, height: 100, width: 64 }, /100 x 64.*multiples of 32.*halve 25 x 16 pixels.*Pad or crop/],
])('an encoder refuses %o', async ([size, pattern]) => {
  const config = parseConfig(await readJson('test/fixtures/configs/dc-ae-f32c32-sana-1.1.json'));
  expect(() => planNetwork(encoder(config), size, TARGETS[0]!, PROMISED)).toThrow(pattern);
});

test.for(TARGETS)(
  'a budget that is too small is refused with the smallest budget that fits, which does fit: %o',
  async (target) => {
    const network = encoder(parseConfig(await readJson('demo/models/nano/config.json')));
    const size = { n: 1, height: 256, width: 256 };
    const attempt = (budget: number) => planNetwork(network, size, target, PROMISED, budget * MiB);
    let message = '';
    try {
      attempt(1);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/1 x 256 x 256 does not fit a memory budget of 1 MiB.*smaller image/);
    const least = Number(/about (\d+) MiB/.exec(message)?.[1]);
    expect(attempt(least).peakBytes).toBeLessThanOrEqual(least * MiB);
  },
);

test.for([256, 512, 768, 1024])(
  'a plan takes at most its budget of %i MiB, with wide convolutions too',
  async (budget) => {
    const network = decoder(parseConfig(await readJson('test/fixtures/configs/dc-ae-lite-f32c32-sana-1.1.json')));
    const target: Target = {
      weights: 'f32',
      activations: 'f32',
      numerics: 'fast',
      products: 'f32',
      software: false,
      kernels: { conv: 'workgroup', multiply: 'workgroup' },
    };
    const limits = { ...PROMISED, maxStorageBufferBindingSize: 2048 * MiB - 4, maxBufferSize: 2048 * MiB };
    const { peakBytes, recompute } = planNetwork(
      network,
      { n: 1, height: 32, width: 32 },
      target,
      limits,
      budget * MiB,
    );
    expect(peakBytes).toBeLessThanOrEqual(budget * MiB);
    expect(recompute).toBeLessThan(8);
  },
);
