// Shared models: one load for all users, one worker, and an end with the last user.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { WorkerAutoencoderDC, WorkerLoadOptions } from '../../src/index.ts';
import { SharedModels } from '../../src/worker/shared_models.ts';

interface Load {
  readonly source: unknown;
  readonly options: WorkerLoadOptions;
  readonly finish: () => void;
  readonly fail: (error: Error) => void;
  readonly lose: () => void;
  disposed: boolean;
}

function bench() {
  const loads: Load[] = [];
  const clients: { disposed: boolean }[] = [];
  const models = new SharedModels(() => {
    const client = { disposed: false };
    clients.push(client);
    return {
      fromPretrained: (source, options = {}) =>
        new Promise((resolve, reject) => {
          let lose: () => void = () => undefined;
          const lost = new Promise<void>((done) => (lose = done));
          const load: Load = {
            source,
            options,
            finish: () => resolve(model as unknown as WorkerAutoencoderDC),
            fail: reject,
            lose: () => lose(),
            disposed: false,
          };
          const model = { dispose: () => (load.disposed = true), device: { lost } };
          options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
          loads.push(load);
        }),
      dispose: () => (client.disposed = true),
    };
  });
  return { models, loads, clients };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Lets promises settle. */
const settle = async () => void (await vi.advanceTimersByTimeAsync(0));

test('users with the same source and options share one load', async () => {
  const { models, loads } = bench();
  const first = models.acquire('owner/name', { dtype: 'f16', subfolder: undefined });
  const second = models.acquire('owner/name', { dtype: 'f16' });
  const third = models.acquire(new URL('https://example.com/name/'));
  const fourth = models.acquire('owner/name', { dtype: 'f32' });
  await settle();
  expect(loads).toHaveLength(3);
  for (const load of loads) load.finish();
  expect(await first.model).toBe(await second.model);
  expect(await first.model).not.toBe(await fourth.model);
  expect(await third.model).not.toBe(await fourth.model);
});

test('a component that mounts twice loads once, and the last release frees model and worker', async () => {
  const { models, loads, clients } = bench();
  models.acquire('owner/name').release();
  const lease = models.acquire('owner/name');
  await settle();
  loads[0]!.finish();
  await lease.model;
  await vi.advanceTimersByTimeAsync(5000);
  expect([loads.length, loads[0]!.disposed, clients[0]!.disposed]).toEqual([1, false, false]);
  lease.release();
  lease.release();
  await vi.advanceTimersByTimeAsync(5000);
  expect([loads[0]!.disposed, clients[0]!.disposed]).toEqual([true, true]);
  models.acquire('owner/name');
  await settle();
  expect([loads.length, clients.length]).toEqual([2, 2]);
});

test('two models live in one worker, which ends with the second', async () => {
  const { models, loads, clients } = bench();
  const [a, b] = [models.acquire('owner/a'), models.acquire('owner/b')];
  await settle();
  for (const load of loads) load.finish();
  await Promise.all([a.model, b.model]);
  a.release();
  await vi.advanceTimersByTimeAsync(5000);
  expect([clients.length, clients[0]!.disposed, loads[0]!.disposed, loads[1]!.disposed]).toEqual([
    1,
    false,
    true,
    false,
  ]);
  b.release();
  await vi.advanceTimersByTimeAsync(5000);
  expect(clients[0]!.disposed).toBe(true);
});

test('an abort ends one lease, and the load ends with the last', async () => {
  const { models, loads } = bench();
  const controller = new AbortController();
  const left = models.acquire('owner/name', { signal: controller.signal });
  const right = models.acquire('owner/name');
  await settle();
  controller.abort(new Error('enough'));
  await expect(left.model).rejects.toThrow('enough');
  await vi.advanceTimersByTimeAsync(5000);
  expect(loads[0]!.options.signal?.aborted).toBe(false);
  right.release();
  await expect(right.model).rejects.toMatchObject({ name: 'AbortError' });
  await vi.advanceTimersByTimeAsync(5000);
  expect(loads[0]!.options.signal?.aborted).toBe(true);
});

test('all users hear of the progress, those who join later too', async () => {
  const { models, loads } = bench();
  const heard: string[] = [];
  models.acquire('owner/name', { onProgress: ({ phase }) => heard.push(`a ${phase}`) });
  await settle();
  loads[0]!.options.onProgress?.({ phase: 'resolve' } as never);
  models.acquire('owner/name', { onProgress: ({ phase }) => heard.push(`b ${phase}`) });
  loads[0]!.options.onProgress?.({ phase: 'download' } as never);
  expect(heard).toEqual(['a resolve', 'b resolve', 'a download', 'b download']);
});

test('after a failed load, or a lost device, the next user loads again', async () => {
  const { models, loads } = bench();
  const failed = models.acquire('owner/name');
  await settle();
  loads[0]!.fail(new Error('offline'));
  await expect(failed.model).rejects.toThrow('offline');
  const second = models.acquire('owner/name');
  await settle();
  loads[1]!.finish();
  await second.model;
  loads[1]!.lose();
  await settle();
  models.acquire('owner/name');
  await settle();
  expect(loads).toHaveLength(3);
});
