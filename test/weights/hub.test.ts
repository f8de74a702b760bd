// A Hugging Face repository as a source, in plain and in Xet storage, against a local hub.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type SourceError } from '../../src/errors.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { isMissing } from '../../src/weights/sources/failures.ts';
import { readAll, readJson, sizeOf } from '../../src/weights/read/read.ts';
import { openFolder } from '../../src/weights/sources/open_source.ts';
import { randomBytes } from '../support/collector.ts';
import { startHub, type Hub } from '../support/hub.ts';

const big = randomBytes(3_000_000, 7);
const retry = { sleep: async () => {} };
let hub: Hub;

beforeAll(async () => {
  hub = await startHub();
  hub.put('owner/name', 'config.json', '{"latent_channels": 4}');
  hub.put('owner/name', 'vae/big.bin', big);
});
afterAll(async () => {
  await hub.close();
});
beforeEach(() => {
  Object.assign(hub, { xet: false, token: undefined, fault: undefined });
  hub.log.length = 0;
});

const open = (options: Parameters<typeof openFolder>[1] = {}, repo = 'owner/name') =>
  openFolder(repo, { hubUrl: hub.url, ...options });

describe.each([false, true])('a repository, Xet: %s', (xet) => {
  beforeEach(() => {
    hub.xet = xet;
  });
  const dataPath = xet ? '/xorb/owner/name/vae/big.bin' : '/cdn/owner/name/vae/big.bin';

  test('gives files, their sizes, and any range of them', async () => {
    const { source } = open();
    expect(await readJson(source, 'config.json')).toEqual({ latent_channels: 4 });
    const vae = open({ subfolder: 'vae' }).source;
    expect(await vae.size('big.bin')).toBe(big.length);
    for (const [start, end] of [
      [0, 8],
      [8, 70_000],
      [0, big.length],
      [1_000_001, 1_000_003],
      [100_000, 2_500_000],
    ] as const) {
      const bytes = await readAll(vae, 'big.bin', start, end);
      expect(Buffer.compare(bytes, big.subarray(start, end)), `${start}-${end}`).toBe(0);
    }
    expect(hub.log.some(({ path }) => path === dataPath)).toBe(true);
  });

  test('is asked for the start of a file once, and for little more than what is read', async () => {
    const { source } = open({ subfolder: 'vae' });
    await source.size('big.bin');
    await readAll(source, 'big.bin', 0, 8);
    await readAll(source, 'big.bin', 0, 100_000);
    await readAll(source, 'big.bin', 1_000_000, 2_000_000);
    const sent = hub.log.filter(({ path, sent }) => path === dataPath && sent > 1).map((entry) => entry.sent);
    expect(sent).toHaveLength(2);
    expect(sent[0]! + sent[1]!).toBeLessThan(1_131_072 + 3 * 65_536);
  });

  test('goes on where a connection broke, and after a busy moment', async () => {
    const { source } = open({ subfolder: 'vae' });
    let faults = 0;
    hub.fault = ({ path }) => {
      if (path !== dataPath || faults >= 3) return undefined;
      return [{ dropAfter: 700_000 }, { status: 503 }, { truncateAfter: 500_000 }][faults++];
    };
    const bytes = await readAll(source, 'big.bin', 200_000, big.length, undefined, { ...retry, tries: 5 });
    expect(Buffer.compare(bytes, big.subarray(200_000))).toBe(0);
    expect(faults).toBe(xet ? 2 : 3); // after two failures of Xet the rest comes by ranges
  });

  test('stops at once when told to', async () => {
    const { source } = open({ subfolder: 'vae' });
    await source.size('big.bin');
    hub.fault = () => ({ stallAfter: 300_000 });
    const controller = new AbortController();
    const reading = readAll(source, 'big.bin', 200_000, big.length, controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(reading).rejects.toThrow('enough');
  });

  test('tells what publishers say of a file: its SHA-256', async () => {
    const { remote } = open({ subfolder: 'vae' });
    expect(await remote?.sha256?.('big.bin')).toMatch(/^[0-9a-f]{64}$/);
    expect(await open().remote?.sha256?.('config.json')).toBeUndefined();
  });
});

describe('a refusal of the hub', () => {
  const failure = (promise: Promise<unknown>): Promise<SourceError> =>
    promise.then(
      () => expect.fail('nothing was refused'),
      (error: unknown) => error as SourceError,
    );

  test('is reported with a remedy', async () => {
    const missing = await failure(sizeOf(open().source, 'nothing.bin', { retry }));
    expect(missing).toMatchObject({ name: 'SourceError', status: 404 });
    expect(missing.message).toContain('owner/name/nothing.bin does not exist in revision "main"');
    expect(isMissing(missing)).toBe(true);

    const nowhere = await failure(sizeOf(open({}, 'owner/other').source, 'config.json', { retry }));
    expect(nowhere).toMatchObject({ status: 401, message: expect.stringContaining('no repository "owner/other"') });
    expect(nowhere.message).toContain('pass `accessToken`');
    expect(isMissing(nowhere)).toBe(false);

    hub.fault = () => ({ status: 403, headers: { 'x-error-code': 'GatedRepo' } });
    expect((await failure(sizeOf(open().source, 'config.json', { retry }))).message).toContain(
      'is gated: accept its terms',
    );
  });

  test('opens with a token, which goes to the hub alone', async () => {
    hub.token = 'hf_secret';
    await failure(sizeOf(open().source, 'config.json', { retry }));
    hub.log.length = 0;
    const { source } = open({ accessToken: 'hf_secret', subfolder: 'vae' });
    await readAll(source, 'big.bin', 500_000, 600_000);
    expect(hub.log.map(({ path, authorization }) => [path, authorization])).toEqual([
      ['/owner/name/resolve/main/vae/big.bin', 'Bearer hf_secret'],
      ['/cdn/owner/name/vae/big.bin', undefined],
      ['/owner/name/resolve/main/vae/big.bin', 'Bearer hf_secret'],
      ['/cdn/owner/name/vae/big.bin', undefined],
    ]);
  });

  test('does not end a search for weights that lie under another name', async () => {
    hub.put('owner/name', 'model.safetensors.nothing', 'x');
    const error = await failure(openCheckpoint(open().source, { retry }));
    expect(error).toMatchObject({ status: 404, message: expect.stringContaining('No weights in') });
    const nowhere = await failure(openCheckpoint(open({}, 'owner/other').source, { retry }));
    expect(nowhere.message).toContain('no repository "owner/other"');
  });

  test('tells a server that is no hub from one that cannot be reached', async () => {
    const dead = await failure(sizeOf(openFolder('a/b', { hubUrl: 'http://127.0.0.1:1' }).source, 'x', { retry }));
    expect(dead.message).toContain('http://127.0.0.1:1/a/b/resolve/main/x could not be fetched');
    const fetch = vi.fn(async () => new Response('hello', { headers: { 'content-type': 'text/plain' } }));
    const odd = await failure(sizeOf(openFolder('a/b', { fetch }).source, 'x', { retry }));
    expect(odd.message).toContain('did not answer for a/b/x as a hub does');
  });

  test('in Xet storage falls back to ranges', async () => {
    hub.xet = true;
    hub.fault = ({ path }) => (path.startsWith('/xorb') ? { status: 404 } : undefined);
    const { source } = open({ subfolder: 'vae' });
    const bytes = await readAll(source, 'big.bin', 300_000, 2_000_000, undefined, retry);
    expect(Buffer.compare(bytes, big.subarray(300_000, 2_000_000))).toBe(0);
    expect(hub.log.some(({ path }) => path.startsWith('/cdn'))).toBe(true);
  });
});
