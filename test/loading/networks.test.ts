import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findCheckpoint } from '../../src/config/checkpoints.ts';
import { loadingBench, type LoadingPage } from '../support/loading.ts';
import { networkConfig, networks, putNetwork } from '../support/networks-on-hub.ts';

// Every released network with all widths divided by four, its weights made by hash: test/loading/full has them at full width.
const divisor = 4;
const bench = loadingBench();
let page: LoadingPage;

beforeAll(async () => {
  page = await bench.open();
  for (const network of networks.keys()) await putNetwork(bench.hub, 'someone', network, divisor);
});
afterAll(() => page.close());

describe.each([...networks.keys()])('%s', (network) => {
  test('gives the same numbers in both formats and both kinds of storage', async () => {
    const { hub } = bench;
    const options = { hubUrl: hub.url, cache: false };
    // Each half of the networks takes another turn: all four would load each file twice.
    const turn = [...networks.keys()].indexOf(network) % 2 === 0;
    hub.xet = turn;
    const diffusers = await page.load({ source: `someone/${network}-diffusers`, options });
    expect(diffusers.error).toBeUndefined();
    hub.xet = !turn;
    const config = await networkConfig(network, divisor);
    const original = await page.load({
      single: true,
      source: `someone/${network}/model.safetensors`,
      options: { ...options, config },
    });
    expect(original.error).toBeUndefined();
    expect(original.numbers).toEqual(diffusers.numbers);
    expect(original.scalingFactor).toBe(findCheckpoint(network)?.scalingFactor);
    expect(diffusers.numbers?.every(Number.isFinite)).toBe(true);
    console.log(`${network}: ${diffusers.events.at(-1)?.total} bytes, ${diffusers.ms | 0} + ${original.ms | 0} ms`);
  });
});
