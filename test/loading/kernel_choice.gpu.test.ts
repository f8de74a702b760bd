// Which form of the convolutions' kernel is the fastest: timed once on an adapter, and remembered. Loading asks only on
// GPUs; what it calls is tried here.
import { expect, test } from 'vitest';
import type { ConvVariants } from '../../src/graph/target.ts';
import { checkpointCache } from '../../src/index.ts';
import { fastestKernels, shortest, timeKernels } from '../../src/loading/kernel_choice.ts';
import { supportedVariants, targetOf } from '../../src/loading/target.ts';
import { CacheStore } from '../../src/weights/cache/store.ts';
import { fileGpu } from '../support/device.ts';

const shared = fileGpu();
const PATIENT = { limit: 120_000 };

async function notesFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('dc-ae-webgpu');
  return await root.getDirectoryHandle('notes');
}

/** Notes that have been written to their end. */
async function noteCount(): Promise<number> {
  let count = 0;
  for await (const handle of (await notesFolder()).values()) {
    if ((await (handle as FileSystemFileHandle).getFile()).size > 0) count++;
  }
  return count;
}

async function emptyStore(): Promise<CacheStore> {
  await checkpointCache.clear();
  const store = await CacheStore.open();
  if (!store) throw new Error('this browser has no file system of its own');
  return store;
}

test('every form is timed, and one of them wins', async () => {
  const { gpu } = shared;
  const candidates = supportedVariants(gpu, 'f32');
  const { conv, multiply } = await timeKernels(gpu, targetOf(gpu), candidates);
  console.log(`fastest of ${candidates.join(', ')}: ${conv} for convolutions, ${multiply} for Winograd's products`);
  expect(candidates).toContain(conv);
  expect(candidates).toContain(multiply);
});

test('what takes the shortest time wins, however it is ordered', async () => {
  const work = (ms: number) => (runs: number) => Promise.resolve(ms * runs);
  expect(await shortest([['slow', work(3)], ['fast', work(1)], ['middling', work(2)]])).toBe('fast'); // prettier-ignore
  expect(await shortest([['only', () => Promise.reject(new Error('not to be timed'))]])).toBe('only');
  expect(await shortest([])).toBeUndefined();
});

test('the winners are remembered until the cache is cleared', async () => {
  const { gpu } = shared;
  const store = await emptyStore();
  const target = targetOf(gpu);
  const candidates = supportedVariants(gpu, 'f32');
  const timed = await fastestKernels(gpu, target, candidates, store, PATIENT);
  const remembered = async () =>
    await fastestKernels(gpu, { ...target, kernels: NEVER }, candidates, store, { limit: 0 });
  expect(await remembered()).toEqual(timed);
  // Other forms to choose from are another question.
  expect(await fastestKernels(gpu, target, ['registers'], store, PATIENT)).toEqual({
    conv: 'registers',
    multiply: 'registers',
  });
  await checkpointCache.clear();
  expect(await noteCount()).toBe(0);
});

test('what comes too late serves the next load', async () => {
  const { gpu } = shared;
  const store = await emptyStore();
  const late = async () =>
    await fastestKernels(gpu, { ...targetOf(gpu), kernels: NEVER }, ['registers'], store, { limit: 0 });
  expect(await late()).toEqual(NEVER);
  await expect.poll(noteCount).toBe(1);
  expect(await late()).toEqual({ conv: 'registers', multiply: 'registers' });
});

test('who has no kernel that compiles gets the usual ones', async () => {
  const { gpu } = shared;
  const store = await emptyStore();
  const target = targetOf(gpu);
  expect(await fastestKernels(gpu, target, ['nothing' as 'registers'], store, PATIENT)).toEqual(target.kernels);
});

test('an abort ends the timing', async () => {
  const { gpu } = shared;
  const target = targetOf(gpu);
  await expect(timeKernels(gpu, target, ['registers', 'workgroup'], AbortSignal.abort('enough'))).rejects.toBe(
    'enough',
  );
});

test('a note that is none of ours is not believed', async () => {
  const { gpu } = shared;
  const store = await emptyStore();
  const target = targetOf(gpu);
  await fastestKernels(gpu, target, ['registers'], store, PATIENT);
  for await (const handle of (await notesFolder()).values()) {
    const note = JSON.parse(await (await (handle as FileSystemFileHandle).getFile()).text()) as object;
    const writable = await (handle as FileSystemFileHandle).createWritable();
    await writable.write(JSON.stringify({ ...note, value: { conv: 'subgroups', multiply: 'none' } }));
    await writable.close();
  }
  expect(await fastestKernels(gpu, target, ['registers'], store, PATIENT)).toEqual({
    conv: 'registers',
    multiply: 'registers',
  });
});

/** No device's kernels: what only the limit gives. */
const NEVER: ConvVariants = { conv: 'f16', multiply: 'f16' };
