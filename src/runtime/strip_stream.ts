import { InputError } from '../errors.ts';
import type { Strip } from './strips.ts';

/** Between the producer and the consumer of strips: at most one strip is on offer. */
interface Rendezvous {
  offer?: { readonly strip: Strip; readonly taken: () => void } | undefined;
  isEnded: boolean;
  /** Wakes the consumer. */
  wake: () => void;
}

/**
 * Turns a producer of strips into an async generator. The producer waits until each strip is used; leaving the
 * generator early aborts the producer.
 *
 * @param signal - the caller's own signal
 * @param produce - runs until all strips are given, or until the signal that it receives aborts
 * @throws what `produce` throws
 */
export async function* streamStrips(
  signal: AbortSignal | undefined,
  produce: (signal: AbortSignal, give: (strip: Strip) => Promise<void>) => Promise<void>,
): AsyncGenerator<Strip, void, void> {
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const meeting: Rendezvous = { isEnded: false, wake: () => undefined };
  const give = (strip: Strip): Promise<void> =>
    new Promise((taken) => {
      meeting.offer = { strip, taken };
      either.addEventListener('abort', () => taken(), { once: true }); // then the run itself sees the abort
      meeting.wake();
    });
  const producing = produce(either, give).finally(() => {
    meeting.isEnded = true;
    meeting.wake();
  });
  producing.catch(() => undefined);
  try {
    for (;;) {
      if (!meeting.offer && !meeting.isEnded) await new Promise<void>((resolve) => (meeting.wake = resolve));
      const { offer } = meeting;
      if (!offer) break;
      meeting.offer = undefined;
      yield offer.strip;
      offer.taken();
    }
    await producing;
  } finally {
    stop.abort(new DOMException('The caller takes no more strips.', 'AbortError'));
    await producing.catch(() => undefined);
  }
}

/** A receiver of strips: a canvas with a 2D context or with no context yet, or a stream. */
export type StripTarget = HTMLCanvasElement | OffscreenCanvas | WritableStream<Strip>;

/**
 * Sends strips to a canvas or a stream, one after another.
 *
 * @param decode - starts the strips; called once the target is known to be valid
 * @throws what the strips throw; InputError for a canvas with another kind of context
 */
export async function sendStrips(target: StripTarget, decode: () => AsyncIterable<Strip>): Promise<void> {
  if (typeof target !== 'object' || (target as unknown) === null) throw invalidTarget(String(target));
  const writer: StripWriter = 'getWriter' in target ? target.getWriter() : canvasWriter(target);
  try {
    for await (const strip of decode()) await writer.write(strip);
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
}

/** The methods of a stream's writer that strips need. */
interface StripWriter {
  write(strip: Strip): Promise<void>;
  close(): Promise<void>;
  abort(reason: unknown): Promise<void>;
}

/** Draws strips on a canvas, which takes the picture's size with the first strip. */
function canvasWriter(canvas: HTMLCanvasElement | OffscreenCanvas): StripWriter {
  const context = 'getContext' in canvas ? canvas.getContext('2d') : null;
  if (!context || !('putImageData' in context))
    throw invalidTarget('getContext' in canvas ? 'a canvas with another context' : 'another object');
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

function invalidTarget(found: string): InputError {
  return new InputError(
    `decodeTo needs a canvas with a "2d" context or none yet, or a WritableStream; it was given ${found}.`,
  );
}
