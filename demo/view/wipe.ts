/** The one motion on the page: a reconstruction that comes in from the right. */
import { wantsStillness } from '../dom.ts';

const DURATION_MS = 900;

/** Moves a share from 1 to a target, fast at first; not at all for readers who asked for little motion. */
export class Wipe {
  readonly #paint: () => void;
  #frame = 0;
  #value: number | undefined;

  /** @param paint - draws a frame; `value` is where it is at */
  constructor(paint: () => void) {
    this.#paint = paint;
  }

  /** Where it is at; undefined while nothing moves. */
  get value(): number | undefined {
    return this.#value;
  }

  start(target: number): void {
    this.stop();
    if (wantsStillness()) return;
    const started = performance.now();
    const step = (now: number): void => {
      const rest = 1 - Math.min(1, Math.max(0, (now - started) / DURATION_MS));
      this.#value = rest > 0 ? target + (1 - target) * rest ** 3 : undefined;
      if (rest > 0) this.#frame = requestAnimationFrame(step);
      this.#paint();
    };
    this.#value = 1;
    this.#frame = requestAnimationFrame(step);
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#value = undefined;
  }
}
