/** Long loops in a page: they let others run every few milliseconds, look at the signal, and say how far they are. */
import type { CodecProgress, CallOptions } from './types.ts';

/** Milliseconds of work between two pauses. */
const SLICE_MS = 12;

/** Called after each piece of a loop, with the share of it that is done; wait for what it returns, where it returns anything. */
export type Pace = (fraction: number) => Promise<void> | undefined;

/**
 * The pace of one phase.
 *
 * @throws the signal's reason, in the call and in what it returns
 */
export function pace(phase: CodecProgress['phase'], { signal, onProgress }: CallOptions): Pace {
  signal?.throwIfAborted();
  onProgress?.({ phase, fraction: 0 });
  let until = performance.now() + SLICE_MS;
  return (fraction) => {
    if (performance.now() < until) return undefined;
    return pause().then(() => {
      signal?.throwIfAborted();
      onProgress?.({ phase, fraction });
      until = performance.now() + SLICE_MS;
    });
  };
}

/** Lets other tasks run; by a message, since timers that follow each other are held back by 4 ms. */
function pause(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
