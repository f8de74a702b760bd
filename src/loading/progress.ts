import type { LoadProgress } from './load_options.ts';

/** The rate is that of the last seconds: this many milliseconds. */
const windowMs = 3000;

/** Makes progress events out of what happens while a model loads. */
export class Progress {
  readonly #listener: ((progress: LoadProgress) => void) | undefined;
  readonly #total: number;
  #phase: LoadProgress['phase'] = 'resolve';
  #loaded = 0;
  #fromCache = 0;
  /** Bytes at points in time, the oldest about `windowMs` ago. */
  #samples: { readonly time: number; readonly loaded: number }[] = [];

  constructor(listener: ((progress: LoadProgress) => void) | undefined, total: number) {
    this.#listener = listener;
    this.#total = total;
    this.#emit(undefined);
  }

  /** A new phase begins. */
  phase(phase: LoadProgress['phase']): void {
    this.#phase = phase;
    this.#emit(undefined);
  }

  /** The GPU has taken `loaded` bytes in all; `cached` of those that came since the last call are from the cache. */
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
    while (this.#samples.length > 2 && now - (this.#samples[1]?.time ?? now) > windowMs) this.#samples.shift();
    const [first] = this.#samples;
    if (first === undefined || now - first.time < 1) return 0;
    return ((this.#loaded - first.loaded) * 1000) / (now - first.time);
  }
}
