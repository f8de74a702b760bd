// Every released network as it was released: real names, shapes and sizes, up to 1.1 G parameters; weights made by
// hash.
import { beforeAll, describe, expect, test } from 'vitest';
import { findCheckpoint } from '../../src/config/checkpoints.ts';
import { expectFixture, loadingBench, type LoadingPage } from '../support/loading.ts';
import { networks, putNetwork } from '../support/networks_on_hub.ts';

const bench = loadingBench();
let page: LoadingPage;

/** The networks that test/fixtures/hash-models has outputs of. */
const fixtures = ['dc-ae-f32c32-sana-1.0', 'dc-ae-lite-f32c32-sana-1.1', 'dc-ae-f32c32-mix-1.0'];

beforeAll(async () => {
  page = await bench.open();
  for (const network of networks.keys()) await putNetwork(bench.hub, 'mit-han-lab', network, 1);
});

describe.each([...networks.keys()])('%s', (network) => {
  test('loads in both formats, from both kinds of storage, and gives the same numbers', async () => {
    const { hub } = bench;
    const options = { hubUrl: hub.url, cache: false };
    const turn = [...networks.keys()].indexOf(network) % 2 === 0;
    hub.xet = turn;
    const diffusers = await page.load({ source: `mit-han-lab/${network}-diffusers`, options });
    expect(diffusers.error).toBeUndefined();
    hub.xet = !turn;
    const original = await page.load({ single: true, source: `mit-han-lab/${network}/model.safetensors`, options });
    expect(original.error).toBeUndefined();
    expect(original.numbers).toEqual(diffusers.numbers);
    expect(diffusers.numbers?.every(Number.isFinite)).toBe(true);
    const keys = networks.get(network)!;
    if (fixtures.includes(keys)) await expectFixture(diffusers, keys);
    const known = findCheckpoint(network)!;
    expect([diffusers.scalingFactor, original.scalingFactor]).toEqual([known.scalingFactor, known.scalingFactor]);
    const { total } = diffusers.events[0]!;
    // The batch norms' counters of 8 bytes each are in the file, and not needed.
    expect(known.bytes.encoder + known.bytes.decoder - total).toBeLessThan(2000);
    console.log(`${network}: ${total} bytes, ${diffusers.ms | 0} + ${original.ms | 0} ms`);
  });
});
