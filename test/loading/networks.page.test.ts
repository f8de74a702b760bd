import { beforeAll, describe, expect, test } from 'vitest';
import { findCheckpoint } from '../../src/config/checkpoints.ts';
import { expectFixture, loadingBench, type LoadingPage } from '../support/loading.ts';
import { networkConfig, networks, putNetwork } from '../support/networks_on_hub.ts';

// Every released network with all widths divided by four, its weights made by hash: test/loading/full has them at full width.
const divisor = 4;
const bench = loadingBench();
let page: LoadingPage;

/** The fixtures of test/fixtures/hash-models that have these networks at this width. */
const fixtures = new Map([
  ['dc-ae-f32c32-sana-1.0', 'sana-quarter'],
  ['dc-ae-f32c32-mix-1.0', 'mix-quarter'],
]);

beforeAll(async () => {
  page = await bench.open();
  for (const network of networks.keys()) await putNetwork(bench.hub, 'someone', network, divisor);
});

describe.each([...networks.keys()])('%s', (network) => {
  test('gives the same numbers in both formats and both kinds of storage', async () => {
    const { hub } = bench;
    const options = { hubUrl: hub.url, cache: false };
    // Each format comes from the other kind of storage than with the network before: all four would load everything twice.
    const turn = [...networks.keys()].indexOf(network) % 2 === 0;
    hub.xet = turn;
    const diffusers = await page.load({ source: `someone/${network}-diffusers`, options });
    expect(diffusers.error).toBeUndefined();
    hub.xet = !turn;
    const config = await networkConfig(network, divisor);
    const source = `someone/${network}/model.safetensors`;
    const original = await page.load({ single: true, source, options: { ...options, config } });
    expect(original.error).toBeUndefined();
    expect(original.numbers).toEqual(diffusers.numbers);
    expect(original.scalingFactor).toBe(findCheckpoint(network)?.scalingFactor);
    expect(diffusers.numbers?.every(Number.isFinite)).toBe(true);
    console.log(`${network}: ${diffusers.events.at(-1)?.total} bytes, ${diffusers.ms | 0} + ${original.ms | 0} ms`);

    const fixture = fixtures.get(networks.get(network)!);
    if (fixture !== undefined) await expectFixture(diffusers, fixture);
  });
});
