import { InputError } from '../errors.ts';
import type { Gpu } from '../gpu/gpu.ts';
import type { Tensor } from '../graph/tensor.ts';
import { copyCommon, makeBands, type Band } from './bands.ts';
import type { Network } from './network.ts';
import type { StagedInput } from './inputs.ts';
import { cropped, Sample, type Size } from './results.ts';
import type { RunOptions } from './run_options.ts';

/** Some whole rows of a picture as 8-bit RGBA, clamped, sRGB. */
export interface Strip {
  /** The picture's row that it begins with. */
  readonly y: number;
  readonly height: number;
  /** The picture's. */
  readonly width: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** The whole picture's size. */
  readonly image: Size;
}

/**
 * Decodes one picture and gives its strips as they are complete; waits until each was taken.
 *
 * @throws as `Half.run`
 */
export async function runInStrips(
  gpu: Gpu,
  half: Network,
  staged: StagedInput,
  imageSize: Size | undefined,
  options: RunOptions,
  give: (strip: Strip) => Promise<void>,
): Promise<void> {
  const cutter = new StripCutter(gpu, imageSize);
  try {
    await half.run(staged, staged, options, true, (output) =>
      Promise.resolve(async (region: Band) => {
        const strip = await cutter.add(region, output);
        if (strip) await give(strip);
      }),
    );
  } finally {
    cutter.dispose();
  }
}

/**
 * The strips that `run` gives, one after another. Who takes no more of them aborts the signal that it is given.
 *
 * @param aborted - the caller's own
 * @throws what `run` throws
 */
export async function* stripsOf(
  aborted: AbortSignal | undefined,
  run: (signal: AbortSignal, give: (strip: Strip) => Promise<void>) => Promise<void>,
): AsyncGenerator<Strip, void, void> {
  const stopped = new AbortController();
  const signal = aborted ? AbortSignal.any([aborted, stopped.signal]) : stopped.signal;
  const strips = new Rendezvous<Strip>();
  const running = run(signal, (strip) => strips.put(strip, signal));
  running.then(
    () => strips.end(),
    (error: unknown) => strips.end(error),
  );
  try {
    yield* strips;
  } finally {
    stopped.abort(new DOMException('No more strips are wanted.', 'AbortError'));
    await running.catch(() => undefined);
  }
}

/** Puts regions, which come row by row from left to right, together to strips. */
class StripCutter {
  readonly #gpu: Gpu;
  readonly #imageSize: Size | undefined;
  #open: { readonly bands: readonly Band[]; readonly y: number; readonly height: number } | undefined;

  /** @param imageSize - what of the whole is shown */
  constructor(gpu: Gpu, imageSize: Size | undefined) {
    this.#gpu = gpu;
    this.#imageSize = imageSize;
  }

  /** Adds a region of a whole; gives the strip that it completes, if that has rows of the picture. */
  async add(region: Band, whole: Tensor): Promise<Strip | undefined> {
    const image = cropped(whole, this.#imageSize);
    const { origin, height, width } = region.tensor;
    if (!this.#open) {
      const rows = { ...whole, height, origin: { y: 0, x: 0 } };
      const bands = await makeBands(this.#gpu, 'strip', rows);
      this.#open = { bands, y: origin.y, height };
    }
    const { bands, y } = this.#open;
    const encoder = this.#gpu.device.createCommandEncoder({ label: 'strip' });
    const inStrip = { ...region, tensor: { ...region.tensor, origin: { y: origin.y - y, x: origin.x } } };
    for (const band of bands) copyCommon(encoder, inStrip, band);
    this.#gpu.device.queue.submit([encoder.finish()]);
    if (origin.x + width < whole.width) return undefined;
    this.#open = undefined;
    const rows = Math.min(height, image.height - y);
    const sample = new Sample(this.#gpu, bands, { height: Math.max(rows, 1), width: image.width });
    try {
      if (rows <= 0) return undefined;
      const { data } = await sample.toPixels();
      return { y, height: rows, width: image.width, data, image };
    } finally {
      sample.dispose();
    }
  }

  /** Frees a strip that was begun. */
  dispose(): void {
    for (const { buffer } of this.#open?.bands ?? []) buffer.destroy();
    this.#open = undefined;
  }
}

/** Hands things from a producer that waits to a consumer that waits. */
class Rendezvous<T> implements AsyncIterable<T> {
  #offer: { readonly value: T; readonly taken: () => void } | undefined;
  #ended = false;
  #error: unknown;
  #wake: (() => void) | undefined;

  /** Resolves when the value was taken, or when nobody will. */
  put(value: T, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#offer = { value, taken: resolve };
      signal.addEventListener('abort', () => resolve(), { once: true });
      this.#wake?.();
    });
  }

  /** Nothing more will come; because of an error, if there is one. */
  end(error?: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  /** Takes one value after another, as they come. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const offer = this.#offer;
      if (offer) {
        this.#offer = undefined;
        yield offer.value;
        offer.taken();
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }
}

/** Where strips can be sent: a canvas with a 2D context, or none yet, or a stream. */
export type StripTarget = HTMLCanvasElement | OffscreenCanvas | WritableStream<Strip>;

/**
 * Sends strips where they are wanted, one after another.
 *
 * @throws what the strips throw; InputError for a canvas with a context of another kind
 */
export async function sendStrips(strips: AsyncIterable<Strip>, target: StripTarget): Promise<void> {
  const sink = 'getWriter' in target ? streamSink(target) : canvasSink(target);
  try {
    for await (const strip of strips) await sink.write(strip);
    await sink.close();
  } catch (error) {
    await sink.abort(error);
    throw error;
  }
}

/** Where strips go. */
interface StripSink {
  write(strip: Strip): Promise<void>;
  close(): Promise<void>;
  abort(reason: unknown): Promise<void>;
}

/** Writes strips into a stream. */
function streamSink(stream: WritableStream<Strip>): StripSink {
  const writer = stream.getWriter();
  return {
    async write(strip) {
      await writer.ready;
      await writer.write(strip);
    },
    async close() {
      await writer.close();
    },
    async abort(reason) {
      await writer.abort(reason).catch(() => undefined);
    },
  };
}

/** Shows strips on a canvas, which takes the picture's size with the first. */
function canvasSink(canvas: HTMLCanvasElement | OffscreenCanvas): StripSink {
  const context = canvas.getContext('2d');
  if (!context || !('putImageData' in context)) {
    throw new InputError('decodeTo needs a canvas with no context yet or a "2d" one, or a WritableStream.');
  }
  return {
    write({ y, height, width, data, image }) {
      if (y === 0) {
        canvas.width = image.width;
        canvas.height = image.height;
      }
      context.putImageData(new ImageData(data, width, height), 0, y);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
    abort: () => Promise.resolve(),
  };
}
