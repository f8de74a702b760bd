// The page of the loading tests: the package as a bundler gives it to an app, and a few handles for Playwright to pull.
import * as dcae from 'dc-ae-webgpu';
import * as codec from 'dc-ae-webgpu/codec';
import type { AutoencoderDC, LoadOptions, LoadProgress } from 'dc-ae-webgpu';
import { hashTensor } from '../../support/hash_weights.ts';
import { countGpu, liveBytes, liveLabels, uncapturedErrors } from './gpu-count.ts';

/** An error as it crosses from the page to the test. */
export interface SeenError {
  readonly name: string;
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly message: string;
}

/** The outcome of a load. */
export interface Outcome {
  readonly error: SeenError | undefined;
  readonly events: readonly LoadProgress[];
  readonly warnings: readonly string[];
  /** The first and last numbers of an encoded and decoded picture, and a sum of all: equal where the weights are. */
  readonly numbers: readonly number[] | undefined;
  readonly scalingFactor: number | undefined;
  /** Bytes of GPU buffers on the page's device when the model was ready. */
  readonly gpuBytes: number;
  /** The growth of the page's JavaScript heap. */
  readonly heapGrowth: number;
  /** Milliseconds between the abort and the rejection. */
  readonly abortedIn: number | undefined;
  /** Labels of GPU objects that were left at the end. */
  readonly leaked: readonly string[];
  readonly uncaptured: readonly string[];
  readonly ms: number;
}

/** A load for the page. */
export interface LoadRequest {
  /** Whether to call `fromSingleFile`; otherwise `fromPretrained`. */
  readonly single?: boolean;
  readonly source: string;
  readonly options?: Pick<
    LoadOptions,
    'revision' | 'subfolder' | 'hubUrl' | 'accessToken' | 'dtype' | 'networks' | 'variant' | 'verify'
  > & { readonly config?: object | string; readonly cache?: boolean };
  /** Silence that counts as a break, in milliseconds. */
  readonly stallTimeoutMs?: number;
  /** Abort after so many milliseconds, or at the first event whose `loaded` reaches `abortAt`. */
  readonly abortAfter?: number;
  readonly abortAt?: number;
  /** Don't run the model. */
  readonly dry?: boolean;
  /** Load in a worker; it has a device of its own, so `dry` goes with it. */
  readonly worker?: boolean;
}

countGpu();
const shared = device();

/** One device for all loads of a page, since each device compiles every shader anew. */
async function device(): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error('navigator.gpu.requestAdapter() found no adapter');
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  return await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
}

/** Loads a model, runs it once on a picture made by hash, and frees it. */
async function load(request: LoadRequest): Promise<Outcome> {
  const { single, source, options, stallTimeoutMs = 30_000, abortAfter, abortAt, dry, worker } = request;
  const events: LoadProgress[] = [];
  const warnings: string[] = [];
  const controller = new AbortController();
  let abortedAt: number | undefined;
  const stop = (): void => {
    abortedAt ??= performance.now();
    controller.abort(new DOMException('enough', 'AbortError'));
  };
  if (abortAfter !== undefined) setTimeout(stop, abortAfter);
  const all: LoadOptions = {
    ...options,
    device: await shared,
    retry: { stallTimeoutMs, sleep: (ms) => sleep(ms / 20) }, // tests are in a hurry
    signal: controller.signal,
    onWarning: (message) => warnings.push(message),
    onProgress: (event) => {
      events.push(event);
      page.last = event;
      if (abortAt !== undefined && event.loaded >= abortAt) stop();
    },
  };
  const heap = heapWatch();
  const client = worker === true ? dcae.createWorkerClient() : undefined;
  const before = performance.now();
  let error: SeenError | undefined;
  let numbers: number[] | undefined;
  let scalingFactor: number | undefined;
  let ms = 0;
  let gpuBytes = 0;
  try {
    if (client) {
      const { device: _, retry: __, ...sendable } = all;
      using ae = await client.fromPretrained(source, sendable);
      ms = performance.now() - before;
      ({ scalingFactor } = ae.config);
    } else {
      const load = single === true ? dcae.AutoencoderDC.fromSingleFile : dcae.AutoencoderDC.fromPretrained;
      using ae = await load.call(dcae.AutoencoderDC, source, all);
      ms = performance.now() - before;
      ({ scalingFactor } = ae.config);
      gpuBytes = liveBytes();
      if (dry !== true) numbers = await run(ae);
    }
  } catch (caught) {
    ms = performance.now() - before;
    error = seen(caught);
  }
  const heapGrowth = heap();
  client?.dispose();
  await sleep(50); // work that goes on in the background must not create buffers
  for (let tries = 0; tries < 600 && liveLabels().length > 0; tries++) await sleep(50);
  await (await shared).queue.onSubmittedWorkDone();
  const leaked = liveLabels();
  const abortedIn = abortedAt === undefined ? undefined : before + ms - abortedAt;
  return {
    error,
    events,
    warnings,
    numbers,
    scalingFactor,
    gpuBytes,
    heapGrowth,
    abortedIn,
    leaked,
    uncaptured: uncapturedErrors(),
    ms,
  };
}

async function run(ae: AutoencoderDC): Promise<number[]> {
  // At least one pixel of latent, whichever network it is, and the size of the fixtures where there are any.
  const side = Math.max(64, 2 ** (ae.config.encoder.layersPerBlock.length - 1));
  const shape = [1, 3, side, side];
  const { latent } = await ae.encode({ data: hashTensor('input', shape), shape });
  const { sample } = await ae.decode(latent);
  const numbers = [await latent.toArray(), await sample.toArray()].flatMap((array) => [
    array.length,
    ...array.slice(0, 4),
    ...array.slice(-4),
    array.reduce((sum, value) => sum + Math.abs(value), 0),
  ]);
  latent.dispose();
  sample.dispose();
  return numbers;
}

/** Runs a model once as soon as it is loaded, then frees it. */
async function numbersOf(loading: Promise<AutoencoderDC>): Promise<number[]> {
  using ae = await loading;
  return await run(ae);
}

/**
 * Watches the JavaScript heap; the function that it gives ends that, and tells how far it grew. Chromium's own API, or
 * 0.
 */
function heapWatch(): () => number {
  const used = (): number => {
    const memory = Reflect.get(performance, 'memory') as { readonly usedJSHeapSize: number } | undefined;
    return memory?.usedJSHeapSize ?? 0;
  };
  const start = used();
  let peak = start;
  const timer = setInterval(() => (peak = Math.max(peak, used())), 50); // it takes a millisecond
  return () => {
    clearInterval(timer);
    return Math.max(peak, used()) - start;
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function seen(error: unknown): SeenError {
  const of = (key: string): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, key) : undefined;
  return {
    name: String(of('name')),
    code: of('code') as string | undefined,
    status: of('status') as number | undefined,
    message: String(of('message')),
  };
}

/**
 * The package's worker with its GPU buffers counted. It answers with the labels of what is alive on its GPU. `fail`
 * lets memory run out in the next call; `lose` destroys the device during it.
 */
function countingWorker(): { worker: Worker; alive(then?: 'fail' | 'lose'): Promise<readonly string[]> } {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const channel = new BroadcastChannel('gpu-count');
  return {
    worker,
    alive: (then) =>
      new Promise((resolve) => {
        channel.addEventListener('message', ({ data }: MessageEvent<readonly string[]>) => resolve(data), {
          once: true,
        });
        channel.postMessage(then ?? 'count');
      }),
  };
}

/** Bytes of the cache's chunks that are written in full. */
async function flushed(): Promise<number> {
  const root = await navigator.storage.getDirectory();
  let bytes = 0;
  try {
    const files = await (await root.getDirectoryHandle('dc-ae-webgpu')).getDirectoryHandle('files');
    for await (const folder of files.values()) {
      if (folder.kind !== 'directory') continue;
      for await (const file of folder.values()) {
        const [, start, end] = /^(\d+)-(\d+)$/.exec(file.name) ?? [];
        const length = Number(end) - Number(start);
        if (file.kind === 'file' && (await file.getFile()).size === length) bytes += length;
      }
    }
  } catch {
    // the folder is being made
  }
  return bytes;
}

const nothing: LoadProgress = { phase: 'resolve', loaded: 0, total: 0, fromCache: 0, rate: 0, file: undefined };

const page = {
  dcae,
  codec,
  load,
  numbersOf,
  hashTensor,
  countingWorker,
  flushed,
  liveLabels,
  liveBytes,
  shared,
  last: nothing,
};

declare global {
  interface Window {
    page: typeof page;
  }
}

window.page = page;

/** Does what the process at this address asks for: the tests' way in where DevTools would disturb what is measured. */
async function obey(control: string): Promise<never> {
  for (;;) {
    const { code, argument } = (await (await fetch(control)).json()) as { code: string; argument: unknown };
    let answer: object;
    try {
      const task = new Function(`return (${code})`)() as (argument: unknown) => unknown;
      answer = { result: await task(argument) };
    } catch (error) {
      answer = { error: String(error) };
    }
    await fetch(control, { method: 'POST', body: JSON.stringify(answer) });
  }
}

const control = new URLSearchParams(location.search).get('control');
if (control !== null) void obey(control);
