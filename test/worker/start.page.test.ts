// The package without a bundler, from the page's own server and from another, under the policies that pages have.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolve } from 'node:path';
import { expectPicture, goldenBench, type PageError } from '../tools/golden.ts';
import { serveSite, type Site } from '../tools/site.ts';

const here = (path: string): string => resolve(import.meta.dirname, '../..', path);
const folders = { app: here('test/tools/app'), package: here('.cache/loading-dist') };
const bench = goldenBench();
let cdn: Site;

beforeAll(async () => {
  cdn = await serveSite({ folders });
});

afterAll(async () => {
  await cdn.close();
});

/** Decodes on a page with this policy that takes the package from `from`, or from its own server. */
async function decode(
  where: 'page' | 'worker',
  { from = '', policy, app = '' }: { from?: string; policy?: string; app?: string } = {},
): Promise<number | PageError> {
  const map = JSON.stringify({ imports: { 'dc-ae-webgpu': `${from}/package/index.js` } });
  const html = `<!doctype html><link rel="icon" href="data:,">
    <script type="importmap">${map}</script><script type="module" src="${app}/app/main.js"></script>`;
  const page = { html, ...(policy !== undefined && { headers: { 'content-security-policy': policy } }) };
  const site = await serveSite({ folders, pages: { '/': page } });
  try {
    return await bench.decode(`${site.url}/`, where);
  } finally {
    await site.close();
  }
}

const workerError = (...parts: readonly string[]) => ({
  name: 'WorkerError',
  code: 'worker',
  message: expect.stringMatching(new RegExp(parts.join('.*'))),
});

describe('the package without a bundler', () => {
  test('decodes on the page and in a worker, from the own server', async () => {
    expectPicture(await decode('page'));
    expectPicture(await decode('worker'));
  });

  test('decodes on the page and in a worker, from a server of another origin', async () => {
    expectPicture(await decode('page', { from: cdn.url }));
    expectPicture(await decode('worker', { from: cdn.url }));
  });

  test('decodes in a worker in a sandboxed frame', async () => {
    const policy = 'sandbox allow-scripts';
    expectPicture(await decode('worker', { from: cdn.url, app: cdn.url, policy }));
  });
});

describe('a worker that a page forbids is a WorkerError that names the directive', () => {
  test('worker-src', async () => {
    expect(await decode('worker', { policy: "worker-src 'none'" })).toMatchObject(workerError('worker-src'));
  });

  test('blob: in worker-src, for a package from another origin', async () => {
    const found = await decode('worker', { from: cdn.url, policy: "worker-src 'self'" });
    expect(found).toMatchObject(workerError(cdn.url, 'blob: in worker-src'));
  });

  test('require-trusted-types-for', async () => {
    const found = await decode('worker', { policy: "require-trusted-types-for 'script'" });
    expect(found).toMatchObject(workerError('require-trusted-types-for', 'TrustedScriptURL'));
  });
});
