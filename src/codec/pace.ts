/** Pauses for long loops: other tasks run every few milliseconds, the signal is checked, and progress is reported. */
import type { CodecProgress, CallOptions } from './types.ts';

/** Milliseconds of work between two pauses. */
const SLICE_MS = 12;

/** Called after each step of a loop with the share that is done. The loop awaits the promise, if there is one. */
export type Pace = (fraction: number) => Promise<void> | undefined;

/**
 * Starts a phase.
 *
 * @throws the signal's reason, now and from the returned function
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

/** Lets other tasks run. A message does, because browsers delay nested timers by 4 ms. */
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
