// A folder behind a URL as a source, against a local server: ranges, CORS, busy servers, changed files.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { InputError, SourceError } from '../../src/errors.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { isMissing } from '../../src/weights/sources/failures.ts';
import { readAll, readChunks, readJson, sizeOf } from '../../src/weights/read/read.ts';
import { streamTensors } from '../../src/weights/read/stream.ts';
import type { TensorSink } from '../../src/weights/read/tensor_cutter.ts';
import { urlFolderSource } from '../../src/weights/sources/url_source.ts';
import { safetensorsFile } from '../support/memory_source.ts';

/** 400 kB that differ everywhere, beyond what the first request brings. */
const big = Uint8Array.from({ length: 400_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const small = new TextEncoder().encode('{"latent_channels": 4}');
const files = new Map<string, Uint8Array>([
  ['/model/big.bin', big],
  ['/model/config.json', small],
  ['/model/empty', new Uint8Array(0)],
  ['/model/a b/ü%.bin', big],
]);

type Handler = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array) => void;

/** As a good server does. */
const good: Handler = (request, response, bytes) => {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  response.setHeader('etag', '"v1"');
  if (first === undefined) {
    response.writeHead(200, { 'content-length': bytes.length });
    response.end(request.method === 'HEAD' ? undefined : bytes);
    return;
  }
  const start = Number(first);
  const end = Math.min(Number(last) + 1, bytes.length);
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  response.writeHead(206, {
    'content-length': end - start,
    'content-range': `bytes ${start}-${end - 1}/${bytes.length}`,
  });
  response.end(bytes.subarray(start, end));
};

/** As a server that has never heard of ranges. */
const whole: Handler = (_, response, bytes) => {
  response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
};

let server: Server;
let base = '';
let handler: Handler = good;
let log: string[] = [];
const retry = { sleep: async () => {} };

beforeAll(async () => {
  server = createServer((request, response) => {
    log.push(`${request.method} ${request.url} ${request.headers.range ?? ''}`.trim());
    const bytes = files.get(decodeURIComponent(new URL(request.url ?? '', 'http://x').pathname));
    if (bytes === undefined) response.writeHead(404).end('not here');
    else handler(request, response, bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  handler = good;
  log = [];
});

/** As `toEqual`, which takes seconds for so many numbers. */
function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

describe('urlFolderSource', () => {
  test('gives size and start of a file in one request, and the rest by ranges', async () => {
    const source = urlFolderSource(base);
    expect(await source.size('big.bin')).toBe(400_000);
    expectBytes(await readAll(source, 'big.bin', 0, 100_000), big.subarray(0, 100_000));
    expect(log).toEqual(['GET /model/big.bin bytes=0-131071']);
    expectBytes(await readAll(source, 'big.bin', 100_000, 300_000), big.subarray(100_000, 300_000));
    expectBytes(await readAll(source, 'big.bin', 399_999, 400_000), big.subarray(399_999));
    expect(log.slice(1)).toEqual(['GET /model/big.bin bytes=131072-299999', 'GET /model/big.bin bytes=399999-399999']);
    expect(source.seekable?.('big.bin')).toBe(true);
  });

  test('reads a config.json in one request, asked for once however many ask', async () => {
    const source = urlFolderSource(`${base}/`);
    const answers = await Promise.all([readJson(source, 'config.json'), readJson(source, 'config.json')]);
    expect(answers).toEqual([{ latent_channels: 4 }, { latent_channels: 4 }]);
    expect(log.length).toBe(1);
    expect(await source.size('empty')).toBe(0);
  });

  test('escapes paths, keeps the query, and sends headers', async () => {
    const sent: { url: string; token: string | null }[] = [];
    const fetchOf: typeof fetch = (input, init) => {
      sent.push({ url: String(input), token: new Headers(init?.headers).get('authorization') });
      return fetch(input, init);
    };
    const source = urlFolderSource(`${base}?sig=a%2Fb`, { fetch: fetchOf, headers: { authorization: 'Bearer t' } });
    expect(await source.size('a b/ü%.bin')).toBe(400_000);
    expect(sent).toEqual([{ url: `${base}/a%20b/%C3%BC%25.bin?sig=a%2Fb`, token: 'Bearer t' }]);
  });

  test('reads from a server that ignores ranges, and says that it cannot seek', async () => {
    handler = whole;
    const source = urlFolderSource(base);
    expect(await source.size('big.bin')).toBe(400_000);
    expect(source.seekable?.('big.bin')).toBe(false);
    expectBytes(await readAll(source, 'big.bin', 200_000, 300_000), big.subarray(200_000, 300_000));
    expectBytes(await readAll(source, 'big.bin', 100_000, 400_000), big.subarray(100_000));
  });

  test('streams a whole checkpoint from such a server in one go', async () => {
    handler = whole;
    const data = big.subarray(0, 4 * Math.floor(big.length / 4));
    const file = safetensorsFile({
      'decoder.x': { dtype: 'F32', shape: [10], data: data.subarray(0, 40) },
      'encoder.x': { dtype: 'F32', shape: [data.length / 4], data },
    });
    files.set('/model/diffusion_pytorch_model.safetensors', file);
    const source = urlFolderSource(base);
    const { tensors } = await openCheckpoint(source);
    const info = tensors.get('encoder.x')!;
    const parts: Uint8Array[] = [];
    const sink: TensorSink = { write: (_, __, bytes) => void parts.push(bytes.slice()), end: () => {} };
    await streamTensors(source, [info], sink, { windowBytes: 10_000 });
    expect(Buffer.compare(Buffer.concat(parts), data)).toBe(0);
    expect(log.length).toBe(2); // the header, and one for the tensor: windows would each start from the beginning
  });

  test('finds the size if CORS hides Content-Range, or if the server sends no length', async () => {
    const hidden = urlFolderSource(base, {
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        const headers = new Headers(response.headers);
        headers.delete('content-range');
        headers.delete('etag');
        return new Response(response.body, { status: response.status, headers });
      },
    });
    expect(await hidden.size('big.bin')).toBe(400_000);
    expect(await hidden.size('config.json')).toBe(small.length);
    expect(log).toEqual([
      'GET /model/big.bin bytes=0-131071',
      'HEAD /model/big.bin',
      'GET /model/config.json bytes=0-131071',
    ]);
    expectBytes(await readAll(hidden, 'big.bin', 200_000, 200_010), big.subarray(200_000, 200_010));

    handler = (_, response, bytes) => void response.writeHead(200).end(bytes); // chunked
    const untold = urlFolderSource(base);
    expect(await readJson(untold, 'config.json')).toEqual({ latent_channels: 4 });
    expect(await untold.size('big.bin')).toBe(400_000); // counted
    expectBytes(await readAll(untold, 'big.bin', 200_000, 300_000), big.subarray(200_000, 300_000));
  });

  test.each<[number, string]>([
    [401, 'or pass an access token'],
    [403, 'or pass an access token'],
    [404, 'check the address'],
    [410, 'check the address'],
    [418, 'Check the address'],
  ])('passes a refusal on with its remedy: %i', async (status, remedy) => {
    handler = (_, response) => void response.writeHead(status).end();
    await expect(sizeOf(urlFolderSource(base), 'big.bin', { retry })).rejects.toMatchObject({
      name: 'SourceError',
      status,
      message: expect.stringMatching(new RegExp(`big.bin answered ${status}.*${remedy}`)),
    });
    expect(log.length).toBe(1);
  });

  test('tries a busy server again, after as long as it asks', async () => {
    let left = 2;
    handler = (request, response, bytes) => {
      if (left-- > 0) response.writeHead(left === 1 ? 503 : 429, left === 1 ? {} : { 'retry-after': '7' }).end();
      else good(request, response, bytes);
    };
    const waits: number[] = [];
    expect(
      await sizeOf(urlFolderSource(base), 'big.bin', { retry: { sleep: async (ms) => void waits.push(ms) } }),
    ).toBe(400_000);
    expect(waits).toEqual([500, 7000]);
    left = 99;
    await expect(sizeOf(urlFolderSource(base), 'big.bin', { retry })).rejects.toMatchObject({ status: 429 });
    expect(log.length).toBe(6);
  });

  test('goes on where a connection broke', async () => {
    const source = urlFolderSource(base);
    await source.size('big.bin');
    let breaks = 2;
    let cut = (): void => undefined;
    handler = (request, response, bytes) => {
      if (breaks-- <= 0) return good(request, response, bytes);
      const [, first = 0, last = 0] = /(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      const part = bytes.subarray(Number(first), Number(last) + 1);
      response.writeHead(206, {
        'content-length': part.length,
        'content-range': `bytes ${first}-${last}/${bytes.length}`,
      });
      cut = () => void response.destroy();
      response.write(part.subarray(0, 50_000));
    };
    const chunks: Uint8Array[] = [];
    for await (const chunk of readChunks(source, 'big.bin', 0, 400_000, { retry })) {
      chunks.push(chunk.slice());
      cut(); // now that some bytes have arrived
    }
    expectBytes(Buffer.concat(chunks), big);
    expect(log.length).toBe(4);
    expect(
      log
        .slice(1)
        .every((line, i, lines) => i === 0 || Number(/\d+(?=-)/.exec(line)) > Number(/\d+(?=-)/.exec(lines[i - 1]!))),
    ).toBe(true);
  });

  test('tells a server that cannot be reached from one that refuses', async () => {
    const source = urlFolderSource('http://127.0.0.1:1/');
    const error: unknown = await sizeOf(source, 'config.json', { retry }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ status: undefined, message: expect.stringMatching(/could not be fetched .*CORS/) });
    expect(isMissing(error)).toBe(false);
  });

  test('notices a wrong range, a truncated body and a file that changes', async () => {
    const source = urlFolderSource(base);
    await source.size('big.bin');
    const read = () => readAll(source, 'big.bin', 200_000, 300_000, undefined, retry);

    handler = (_, response, bytes) =>
      void response.writeHead(206, { 'content-range': 'bytes 0-99999/400000' }).end(bytes.subarray(0, 100_000));
    await expect(read()).rejects.toThrow('asked for bytes 200000-299999, got Content-Range "bytes 0-99999/400000"');

    handler = (_, response, bytes) =>
      void response
        .writeHead(206, { 'content-range': 'bytes 200000-299999/400000' })
        .end(bytes.subarray(200_000, 200_100));
    await expect(read()).rejects.toThrow('bytes 200100-299999, got Content-Range');

    handler = (request, response, bytes) => {
      response.setHeader('etag', '"v2"');
      const [, first, last] = /(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
      response
        .writeHead(206, { 'content-range': `bytes ${first}-${last}/400000` })
        .end(bytes.subarray(Number(first), Number(last) + 1));
    };
    await expect(read()).rejects.toThrow('has another ETag than a moment ago');

    handler = (request, response) => {
      good(request, response, big.subarray(0, 250_000));
    };
    await expect(read()).rejects.toThrow('changed on the server while it was being read');
    handler = (request, response) => {
      good(request, response, big.subarray(0, 150_000));
    };
    await expect(read()).rejects.toThrow('changed on the server while it was being read');
    handler = good;
    expectBytes(await read(), big.subarray(200_000, 300_000));
  });

  test('recognises a web page instead of a file, and treats the file as missing', async () => {
    handler = (_, response) =>
      void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<!doctype html>');
    const source = urlFolderSource(base);
    const error: unknown = await readJson(source, 'config.json').catch((e: unknown) => e);
    expect(error).toMatchObject({
      name: 'SourceError',
      message: expect.stringContaining('answered with a web page (HTML) instead of the file'),
    });
    expect(isMissing(error)).toBe(true);
    files.set('/model/diffusion_pytorch_model.safetensors.index.json', small);
    files.set('/model/model.safetensors', small);
    await expect(openCheckpoint(source)).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('answers missing files with a web page'),
    });
    expect(log.length).toBe(5);
  });

  test('stops when told to, and one that gives up does not stop another', async () => {
    handler = (request, response, bytes) => void setTimeout(() => good(request, response, bytes), 30);
    const source = urlFolderSource(base);
    const controller = new AbortController();
    const first = sizeOf(source, 'big.bin', { signal: controller.signal });
    const second = sizeOf(source, 'big.bin');
    controller.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect(await second).toBe(400_000);
  });

  test('refuses the address of a file', () => {
    expect(() => urlFolderSource('model/')).toThrow(InputError); // there is no page here that it could be relative to
    expect(() => urlFolderSource('http://x/y/config.json')).toThrow('Give that of its folder, "http://x/y/"');
  });
});
