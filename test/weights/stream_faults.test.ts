// Streaming from a source that fails, stalls or is aborted.
import { describe, expect, test } from 'vitest';
import { SourceError } from '../../src/errors.ts';
import type { ByteSource } from '../../src/weights/sources/byte_source.ts';
import { TransientError } from '../../src/weights/sources/failures.ts';
import { type StreamOptions, streamTensors } from '../../src/weights/read/stream.ts';
import type { TensorSink } from '../../src/weights/read/tensor_cutter.ts';
import type { TensorInfo } from '../../src/weights/format/tensor_info.ts';
import { collector, expectAll, info, randomBytes } from '../support/collector.ts';
import { type MemorySource, memorySource, randomFrom } from '../support/memory_source.ts';

const MB = 1024 * 1024;
const patient = { tries: 3, sleep: async () => {} };

describe('a source that fails', () => {
  /** Breaks each read after a number of bytes that `next` tells; `Infinity` lets it pass. */
  const flaky = (source: MemorySource, next: () => number): ByteSource => ({
    ...source,
    async read(path, start, end) {
      await source.read(path, start, end); // for the log
      let left = next();
      const bytes = source.files.get(path)!.slice(start, end);
      if (left === 0) throw new TypeError('Failed to fetch');
      let position = 0;
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          if (position >= bytes.length) controller.close();
          else if (left <= 0) controller.error(new TypeError('network error'));
          else {
            const part = bytes.slice(position, position + Math.min(left, 4096));
            controller.enqueue(part);
            position += part.length;
            left -= part.length;
          }
        },
      });
    },
  });

  test('is asked again from the byte where it broke', async () => {
    const source = memorySource([['f', randomBytes(40_000, 1)]]);
    const breaks = [10_000, 0, Infinity];
    const sink = collector();
    const waits: number[] = [];
    const infos = [info('x', 'f', 100, 40_000)];
    await streamTensors(
      flaky(source, () => breaks.shift()!),
      infos,
      sink,
      {
        retry: { sleep: async (ms) => void waits.push(ms) },
      },
    );
    expectAll(sink, source, infos);
    expect(source.reads.map((read) => read.start)).toEqual([100, 10_100, 10_100]);
    expect(waits).toEqual([500, 1000]);
  });

  test('may fail as often as it likes while it gets on', async () => {
    const source = memorySource([['f', randomBytes(MB, 1)]]);
    const sink = collector();
    const infos = [info('x', 'f', 0, MB)];
    await streamTensors(
      flaky(source, () => 70_000),
      infos,
      sink,
      { retry: patient },
    );
    expectAll(sink, source, infos);
    expect(source.reads.length).toBe(Math.ceil(MB / 70_000));
  });

  test('is given up after three tries in a row, with the cause', async () => {
    const source = memorySource([['f', randomBytes(40_000, 1)]]);
    const broken = flaky(source, () => 10);
    const error: unknown = await streamTensors(broken, [info('x', 'f', 0, 40_000)], collector(), {
      retry: patient,
    }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({
      message: expect.stringContaining('f could not be read (network error)'),
      cause: expect.any(TypeError),
    });
    expect(source.reads.length).toBe(3);
  });

  test('is not asked again when it refused', async () => {
    const source = memorySource([['f', randomBytes(100, 1)]]);
    for (const [error, status] of [
      [new SourceError('no', { status: 403 }), 403],
      [Object.assign(new Error('gone'), { status: 404 }), 404],
    ] as const) {
      let reads = 0;
      const refusing = { ...source, read: () => (reads++, Promise.reject(error)) };
      await expect(streamTensors(refusing, [info('x', 'f', 0, 100)], collector())).rejects.toMatchObject({
        status,
        name: 'SourceError',
      });
      expect(reads).toBe(1);
    }
  });

  test('is waited for as long as it asks', async () => {
    const source = memorySource([['f', randomBytes(100, 1)]]);
    let first = true;
    const busy: ByteSource = {
      ...source,
      read: (...args) => {
        if (!first) return source.read(...args);
        first = false;
        return Promise.reject(new TransientError('busy', { status: 429, retryAfterMs: 7000 }));
      },
    };
    const waits: number[] = [];
    await streamTensors(busy, [info('x', 'f', 0, 100)], collector(), {
      retry: { sleep: async (ms) => void waits.push(ms) },
    });
    expect(waits).toEqual([7000]);
  });

  test('and hangs is given up after a while', async () => {
    const source = memorySource([['f', randomBytes(100, 1)]]);
    for (const read of [() => new Promise<never>(() => {}), () => Promise.resolve(new ReadableStream<Uint8Array>())]) {
      const hanging = streamTensors({ ...source, read }, [info('x', 'f', 0, 100)], collector(), {
        retry: { ...patient, stallTimeoutMs: 20 },
      });
      await expect(hanging).rejects.toThrow('f: nothing has arrived for 0.02 s');
    }
  });

  test('by giving too much, too little or something else is told so', async () => {
    const source = memorySource([['f', randomBytes(100, 1)]]);
    const answer = (value: unknown) =>
      ({ ...source, label: 'my source', read: () => Promise.resolve(value) }) as ByteSource;
    const stream = (value: unknown) =>
      streamTensors(answer(value), [info('x', 'f', 0, 100)], collector(), { retry: patient });
    await expect(stream(new Uint8Array(101))).rejects.toThrow('my source gave more than the bytes 0-99');
    await expect(stream(new ArrayBuffer(0))).rejects.toThrow('f ended at byte 0, before byte 100');
    await expect(stream('text')).rejects.toThrow("the source's read() gave string");
  });
});

describe('an abort', () => {
  /** Streams one long tensor from a source that takes its time, and tells when its streams are let go. */
  function slow(): { source: ByteSource; infos: TensorInfo[]; open: () => number } {
    let open = 0;
    const source: ByteSource = {
      size: async () => 64 * MB,
      read: async (_, start, end, signal) => {
        open++;
        let position = start;
        const close = (): void => void open--;
        return new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 2));
            if (signal?.aborted === true) return await new Promise<never>(() => undefined); // nobody may wait for it
            const next = Math.min(end, position + 100_000);
            controller.enqueue(new Uint8Array(next - position));
            position = next;
            if (position === end) {
              controller.close();
              close();
            }
          },
          cancel: close,
        });
      },
    };
    return { source, infos: [info('x', 'f', 0, 64 * MB)], open: () => open };
  }

  test("at any moment ends the call with the caller's reason, at once, and lets go of everything", async () => {
    const random = randomFrom(11);
    for (let i = 0; i < 20; i++) {
      const { source, infos, open } = slow();
      const controller = new AbortController();
      const reason = new Error(`stop ${i}`);
      setTimeout(() => controller.abort(reason), random(40));
      const run = streamTensors(
        source,
        infos,
        { write: () => {}, end: () => {} },
        { signal: controller.signal, windowBytes: MB },
      );
      await expect(run).rejects.toBe(reason);
      await expect.poll(open).toBe(0);
    }
  });

  test('does not wait for a sink, nor for a pause between tries, nor begin at all when it came before', async () => {
    const { source, infos } = slow();
    const never = new Promise<void>(() => {});
    const cases: [ByteSource, TensorSink, StreamOptions][] = [
      [source, { write: () => never, end: () => {} }, {}],
      [
        { ...source, read: () => Promise.reject(new TypeError('offline')) },
        collector(),
        { retry: { sleep: () => never } },
      ],
    ];
    for (const [from, sink, options] of cases) {
      const controller = new AbortController();
      setTimeout(() => {
        controller.abort();
      }, 20);
      await expect(streamTensors(from, infos, sink, { ...options, signal: controller.signal })).rejects.toMatchObject({
        name: 'AbortError',
      });
    }
    let reads = 0;
    const counting = { ...source, read: () => (reads++, never) as Promise<never> };
    await expect(streamTensors(counting, infos, collector(), { signal: AbortSignal.abort('early') })).rejects.toBe(
      'early',
    );
    expect(reads).toBe(0);
  });

  test('by a sink that fails passes its error on and stops the requests', async () => {
    const { source, infos, open } = slow();
    const failure = new Error('out of memory');
    const sink: TensorSink = { write: () => Promise.reject(failure), end: () => {} };
    await expect(streamTensors(source, infos, sink, { windowBytes: MB })).rejects.toBe(failure);
    await expect.poll(open).toBe(0);
  });
});
