// The released architectures, all widths divided by four and weights made by hash, load from every format and storage.
// networks.full.page.test.ts loads each released network at full width.
import { beforeAll, expect, test } from 'vitest';
import { findCheckpoint } from '../../src/config/checkpoints.ts';
import { expectFixture, loadingBench, type LoadingPage } from '../support/loading.ts';
import { networkConfig, networks, putNetwork } from '../support/networks_on_hub.ts';

const DIVISOR = 4;
const bench = loadingBench();
let page: LoadingPage;

/** The fixtures of test/fixtures/hash-models that have these networks at this width. */
const fixtures = new Map([
  ['dc-ae-f32c32-sana-1.0', 'sana-quarter'],
  ['dc-ae-f32c32-mix-1.0', 'mix-quarter'],
]);

/** The networks of each architecture: their hashed weights are the same. */
const architectures = [...new Set(networks.values())].map((keys) => ({
  keys,
  names: [...networks.keys()].filter((network) => networks.get(network) === keys),
}));

beforeAll(async () => {
  page = await bench.open();
  for (const network of networks.keys()) await putNetwork(bench.hub, 'someone', network, DIVISOR);
});

test.each(architectures.map((architecture, i) => ({ ...architecture, isXet: i % 2 === 0 })))(
  "$keys gives the same numbers in diffusers' format and in the original one",
  async ({ keys, names, isXet }) => {
    const { hub } = bench;
    const options = { hubUrl: hub.url, cache: false };
    // Where an architecture has two networks, each is loaded in one format; each format comes from another kind of
    // storage.
    const [first, last] = [names[0]!, names.at(-1)!];
    hub.xet = isXet;
    const diffusers = await page.load({ source: `someone/${first}-diffusers`, options });
    expect(diffusers.error).toBeUndefined();
    hub.xet = !isXet;
    const config = await networkConfig(last, DIVISOR);
    const source = `someone/${last}/model.safetensors`;
    const original = await page.load({ single: true, source, options: { ...options, config } });
    expect(original.error).toBeUndefined();

    expect(original.numbers).toEqual(diffusers.numbers);
    expect(diffusers.numbers?.every(Number.isFinite)).toBe(true);
    expect(diffusers.scalingFactor).toBe(findCheckpoint(first)?.scalingFactor);
    expect(original.scalingFactor).toBe(findCheckpoint(last)?.scalingFactor);
    console.log(`${keys}: ${diffusers.events.at(-1)?.total} bytes, ${diffusers.ms | 0} + ${original.ms | 0} ms`);

    const fixture = fixtures.get(keys);
    if (fixture !== undefined) await expectFixture(diffusers, fixture);
  },
);
