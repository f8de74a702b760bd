// Streaming tensors: every byte once, bounded memory, true progress.
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/weights/sources/byte_source.ts';
import { openCheckpoint } from '../../src/weights/read/checkpoint.ts';
import { BufferPool } from '../../src/weights/sources/buffer_pool.ts';
import { planReads } from '../../src/weights/read/read_plan.ts';
import { type StreamProgress, streamTensors } from '../../src/weights/read/stream.ts';
import type { TensorSink } from '../../src/weights/read/tensor_cutter.ts';
import type { TensorInfo } from '../../src/weights/format/tensor_info.ts';
import { collector, expectAll, info, randomBytes } from '../support/collector.ts';
import { folderSource, type MemorySource, memorySource, randomFrom, streamOf } from '../support/memory_source.ts';

const MB = 1024 * 1024;

/** Tensors of random sizes with random gaps, over two files. */
function randomFiles(
  seed: number,
  sizes: readonly number[],
): { source: MemorySource; infos: TensorInfo[]; chunk: number } {
  const random = randomFrom(seed);
  const files = new Map<string, Uint8Array>();
  const infos: TensorInfo[] = [];
  for (const file of ['b.safetensors', 'a.safetensors']) {
    let position = random(100);
    for (let i = 0; i < 12; i++) {
      const length = random(sizes[random(sizes.length)]!);
      infos.push(info(`${file}.${i}`, file, position, position + length));
      position += length + (random(2) === 0 ? 0 : random(300));
    }
    files.set(file, randomBytes(position + random(10), seed + position));
  }
  const chunk = 1 + random(sizes.at(-1)!);
  return { source: memorySource(files, chunk), infos, chunk };
}

describe('streamTensors', () => {
  test('brings every byte of a checkpoint, in pieces that start and end at multiples of 8', async () => {
    for (const name of ['sharded', 'bf16-weights', 'original-in']) {
      const source = await folderSource(`test/fixtures/e2e/${name}`, 777);
      const infos = [...(await openCheckpoint(source)).tensors.values()];
      const sink = collector();
      await streamTensors(source, infos, sink, { windowBytes: 4096 });
      expectAll(sink, source, infos);
    }
  });

  test('copes with any sizes, gaps, chunks, windows and numbers of requests', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { source, infos } = randomFiles(seed, [1, 9, 40, 300, 5000]);
      const sink = collector();
      const random = randomFrom(seed);
      await streamTensors(
        source,
        infos.sort(() => random(3) - 1),
        sink,
        { windowBytes: 1 + random(3000), requests: 1 + random(4) },
      );
      expectAll(sink, source, infos);
    }
  });

  test('hands long pieces on as they are and gathers short ones', async () => {
    const file = randomBytes(5 * MB + 13, 5);
    const infos = [info('x', 'f', 3, 3 * MB + 3), info('y', 'f', 3 * MB + 3, 5 * MB + 13)];
    for (const [chunk, most] of [
      [64 * 1024 + 1, 8],
      [200_001, 54], // what is left of one goes before the next
      [2 * MB, 12],
    ] as const) {
      const source = memorySource([['f', file]], chunk);
      const sink = collector();
      await streamTensors(source, infos, sink);
      expectAll(sink, source, infos);
      expect(sink.pieces.length).toBeLessThanOrEqual(most);
    }
  });

  test('reads streams into the same few buffers again and again', async () => {
    const file = randomBytes(20 * MB, 6);
    const infos = Array.from({ length: 40 }, (_, i) => info(`${i}`, 'f', (i * MB) / 2, ((i + 1) * MB) / 2));
    const memory = memorySource([['f', file]]);
    const source: ByteSource = {
      ...memory,
      read: async (_, start, end) => {
        let at = start;
        return new ReadableStream({
          type: 'bytes',
          pull(controller) {
            const part = file.slice(at, Math.min(end, at + 100_000));
            at += part.length;
            controller.enqueue(part);
            if (at === end) controller.close();
          },
        });
      },
    };
    const pool = new BufferPool();
    const sink = collector();
    await streamTensors(source, infos, sink, { windowBytes: 2 * MB, requests: 2, pool });
    expectAll(sink, memory, infos);
    expect(pool.allocated).toBeLessThan(14); // of half a megabyte, for 200 reads: two windows and one in hand for each
  });

  test('delivers in the order of the files, and ends tensors without bytes too', async () => {
    const order: string[] = [];
    const sink: TensorSink = { write: () => {}, end: ({ name }) => void order.push(name) };
    const source = memorySource([
      ['a', randomBytes(64, 1)],
      ['b', randomBytes(64, 2)],
    ]);
    const infos = [
      info('5', 'b', 60, 64),
      info('3', 'a', 40, 64),
      info('1', 'a', 0, 0),
      info('2', 'a', 8, 40),
      info('4', 'b', 8, 8),
      info('6', 'b', 64, 64),
    ];
    await streamTensors(source, infos, sink);
    expect(order).toEqual(['1', '2', '3', '4', '5', '6']);
    await streamTensors(source, [], sink);
    await streamTensors(source, [info('7', 'c', 8, 8)], sink); // nothing to read: c needn't even exist
    expect(order.at(-1)).toBe('7');
  });

  test('asks for few bytes beside those that are needed', async () => {
    const random = randomFrom(3);
    const infos: TensorInfo[] = [];
    let position = 500;
    for (let i = 0; i < 200; i++) {
      const length = 8 * (1 + random(100_000));
      infos.push(info(`${i}`, 'f', position, position + length));
      position += length + (i % 3 === 0 ? 0 : [8, 64, 5000, 200_000][random(4)]!);
    }
    const { windows } = planReads(infos, MB, () => true);
    const needed = infos.reduce((sum, { start, end }) => sum + end - start, 0);
    const asked = windows.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(asked / needed).toBeLessThanOrEqual(1.01);
    expect(asked).toBeGreaterThan(needed); // the shortest gaps were read through
    expect(windows.every(({ start, end }) => end - start <= MB)).toBe(true);
    expect(() => planReads([info('a', 'f', 0, 8), info('b', 'f', 4, 12)], MB, () => true)).toThrow('shares bytes');
  });

  test('keeps no more requests in flight, and no more bytes in hand, than it may', async () => {
    const window = 64 * 1024;
    let running = 0;
    let most = 0;
    let produced = 0;
    let consumed = 0;
    let ahead = 0;
    const source: ByteSource = {
      size: async () => 100 * window,
      read: async (_, start, end) => {
        most = Math.max(most, ++running);
        const body = streamOf(randomBytes(end - start, start), 8192);
        const reader = body.getReader();
        return new ReadableStream(
          {
            async pull(controller) {
              const { done, value } = await reader.read();
              if (done) {
                running--;
                controller.close();
              } else {
                produced += value.length;
                ahead = Math.max(ahead, produced - consumed);
                controller.enqueue(value);
              }
            },
          },
          { highWaterMark: 0 },
        );
      },
    };
    const sink: TensorSink = {
      async write(_, __, bytes) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        consumed += bytes.length;
      },
      end: () => {},
    };
    await streamTensors(source, [info('x', 'f', 0, 40 * window)], sink, { windowBytes: window, requests: 3 });
    expect(consumed).toBe(40 * window);
    expect(most).toBe(3);
    expect(ahead).toBeLessThanOrEqual(3 * (window + 2 * 8192) + MB); // the windows, and what is being gathered
  });

  test('reports progress that is true from the first event and never runs back', async () => {
    const { source, infos } = randomFiles(8, [3000, 50_000]);
    const events: StreamProgress[] = [];
    await streamTensors(source, infos, collector(), { onProgress: (event) => events.push(event) });
    const total = infos.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(events[0]).toMatchObject({ loaded: 0, total, file: 'a.safetensors' });
    expect(events.at(-1)).toMatchObject({ loaded: total, total, file: 'b.safetensors' });
    events.slice(1).forEach((event, i) => {
      expect(event.total).toBe(total);
      expect(event.loaded).toBeGreaterThan(events[i]!.loaded);
    });
  });

  test('reads a source that cannot seek in one go, from the first tensor to the last', async () => {
    const { source, infos } = randomFiles(4, [3000, 50_000]);
    const sink = collector();
    await streamTensors({ ...source, seekable: () => false }, infos, sink, { windowBytes: 1000 });
    expectAll(sink, source, infos);
    expect(source.reads.map((read) => read.path)).toEqual(['a.safetensors', 'b.safetensors']);
  });
});
