import type { LoadProgress } from './load_options.ts';

/** The time over which the rate is measured. */
const RATE_WINDOW_MS = 3000;

/** Reports a load's progress to the caller. */
export class Progress {
  readonly #listener: ((progress: LoadProgress) => void) | undefined;
  readonly #total: number;
  #phase: LoadProgress['phase'] = 'resolve';
  #loaded = 0;
  #fromCache = 0;
  /** The loaded bytes at points in time, the oldest about `RATE_WINDOW_MS` ago. */
  #samples: { readonly time: number; readonly loaded: number }[] = [];

  constructor(listener: ((progress: LoadProgress) => void) | undefined, total: number) {
    this.#listener = listener;
    this.#total = total;
    this.#emit(undefined);
  }

  /** Begins a new phase. */
  phase(phase: LoadProgress['phase']): void {
    this.#phase = phase;
    this.#emit(undefined);
  }

  /**
   * Reports that the GPU has taken `loaded` bytes in all. Of those since the last call, `cached` came from the cache.
   */
  download(loaded: number, cached: number, file: string): void {
    this.#phase = 'download';
    this.#loaded = loaded;
    this.#fromCache += cached;
    this.#emit(file);
  }

  #emit(file: string | undefined): void {
    if (this.#listener === undefined) return;
    this.#listener({
      phase: this.#phase,
      loaded: this.#loaded,
      total: this.#total,
      fromCache: this.#fromCache,
      rate: this.#rate(),
      file,
    });
  }

  #rate(): number {
    const now = performance.now();
    if (this.#phase === 'download') this.#samples.push({ time: now, loaded: this.#loaded });
    while (this.#samples.length > 2 && now - (this.#samples[1]?.time ?? now) > RATE_WINDOW_MS) this.#samples.shift();
    const [first] = this.#samples;
    if (first === undefined || now - first.time < 1) return 0;
    return ((this.#loaded - first.loaded) * 1000) / (now - first.time);
  }
}
