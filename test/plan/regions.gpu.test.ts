// Regions compute the numbers of one piece, to the last bit: every network, under budgets that leave no room for it
// whole.
import { describe, expect, inject, test } from 'vitest';
import { AutoencoderDC } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { firstDifference } from '../support/fixtures.ts';
import { loadHashModel } from '../support/hash_model.ts';
import { hashTensor } from '../support/hash_weights.ts';
import { NETWORKS } from '../support/networks.ts';
import { folderSource } from '../support/sources.ts';

const shared = fileGpu();
/** Budgets that each network is run under. */
const CUTS = inject('variants') === 'all' ? 3 : 2;
/** More regions than this take too long there. */
const MOST = inject('variants') === 'all' ? 1000 : 24;

interface Numbers {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

interface Cut {
  readonly regions: number;
  readonly memoryBudget: number;
}

/**
 * Budgets below what one piece takes, and the regions that each leads to: the fewest, the most, and `count - 2` in
 * between.
 */
async function cuts(
  ae: AutoencoderDC,
  part: 'encoder' | 'decoder',
  size: { height: number; width: number },
  count: number,
): Promise<Cut[]> {
  const whole = (await ae.plan({ which: part, ...size })).peakBytes;
  const found = new Map<number, number>();
  for (let memoryBudget = 0.9 * whole; memoryBudget > whole / 50; memoryBudget *= 0.9) {
    try {
      const { regions } = await ae.plan({ which: part, ...size, memoryBudget });
      if (regions > 1 && regions <= MOST && !found.has(regions)) found.set(regions, memoryBudget);
    } catch {
      break;
    }
  }
  const all = [...found].map(([regions, memoryBudget]) => ({ regions, memoryBudget }));
  const chosen = Array.from({ length: count }, (_, i) => all[Math.round((i * (all.length - 1)) / (count - 1))]);
  return [...new Set(chosen)].filter((cut) => cut !== undefined);
}

/** Runs both networks in one piece and in regions; gives the numbers of regions that were compared. */
async function compare(ae: AutoencoderDC, input: Numbers, count: number): Promise<number[]> {
  const [, , height = 0, width = 0] = input.shape;
  const encode = async (memoryBudget?: number): Promise<Numbers> => {
    using latent = (await ae.encode(input, { memoryBudget })).latent;
    return { data: await latent.toArray(), shape: latent.shape };
  };
  const latent = await encode();
  const decode = async (memoryBudget?: number): Promise<Numbers> => {
    using sample = (await ae.decode(latent, { memoryBudget })).sample;
    return { data: await sample.toArray(), shape: sample.shape };
  };
  const decoded = await decode();
  const compared: number[] = [];
  for (const part of ['encoder', 'decoder'] as const) {
    const [run, expected] = part === 'encoder' ? [encode, latent] : [decode, decoded];
    for (const { regions, memoryBudget } of await cuts(ae, part, { height, width }, count)) {
      const { data } = await run(memoryBudget);
      const difference = firstDifference(data, expected.data);
      expect(difference, `${part} in ${regions} regions, ${memoryBudget} bytes`).toBeUndefined();
      compared.push(regions);
    }
  }
  return compared;
}

function numbers(height: number, width: number, channels = 3): Numbers {
  const shape = [1, channels, height, width];
  return { data: hashTensor('input', shape), shape };
}

describe('small networks', () => {
  test.for([
    ...NETWORKS.filter((_, i) => inject('variants') === 'all' || i % 2 === 0).map((name) => [name, 'f32'] as const),
    ['sana-like', 'f16'] as const,
    ['odd-channels', 'f16'] as const,
  ])('%s, activations in %s', async ([name, activations]) => {
    using ae = await AutoencoderDC.fromPretrained(folderSource(`test/fixtures/e2e/${name}`), {
      activations,
      device: shared.watched.device,
    });
    const ratio = ae.spatialCompressionRatio;
    const side = (least: number): number => ratio * Math.max(9, Math.ceil(least / ratio));
    const counts = await compare(ae, numbers(side(200), side(140), ae.config.inChannels), CUTS);
    console.info(`${name}: ${counts.join(', ')} regions`);
    expect(counts.length).toBeGreaterThan(3);
    expect(Math.max(...counts)).toBeGreaterThan(7);
  });
});

describe('quarter-width networks', () => {
  // About the smallest sides at which these networks can be cut.
  test.for(
    (
      [
        ['sana-quarter', inject('variants') === 'all' ? 192 : 96],
        ['mix-quarter', 224],
        ['lite-quarter', 192],
      ] as const
    ).slice(0, inject('variants') === 'all' ? 3 : 1),
  )('%s', async ([name, side]) => {
    using ae = await loadHashModel(name, { dtype: 'f32', device: shared.watched.device });
    const counts = await compare(ae, numbers(side, side + 32), 2);
    console.info(`${name}: ${counts.join(', ')} regions`);
    expect(Math.max(...counts)).toBeGreaterThan(7);
  });
});
