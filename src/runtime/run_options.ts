import { InputError } from '../errors.ts';
import { optionsCheck } from '../options.ts';
import type { Profile } from '../session/profile.ts';
import type { Background } from './background.ts';

/** The progress of a run. */
export interface RunProgress {
  /** Regions (or tiles, with tiling) that are done. */
  readonly done: number;
  /** All regions: 1 if the input fits in one piece. */
  readonly total: number;
  /** Share of the run's FLOPs that are done, from 0 to 1. Grows within a region, too. */
  readonly fraction: number;
}

/** Options of a run. */
export interface RunOptions {
  /**
   * Aborts the call. A call that waits for earlier calls rejects at once; a running one stops at its next submit, some
   * 20 ms later.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called during the run, several times a second on a fast device, and after each region. */
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Called after the run with the time of each layer. A profiled run is slower: dispatches run one by one. */
  readonly onProfile?: ((profile: Profile) => void) | undefined;
  /**
   * Limit of the activations on the GPU in bytes, without weights and results. An input that does not fit in one piece
   * is computed region by region, with the same numbers. If absent, twice the device's largest binding, between 512 MiB
   * and 2 GiB.
   */
  readonly memoryBudget?: number | undefined;
}

/** Options of `encode` and `forward`. */
export interface EncodeOptions extends RunOptions {
  /** Colour under transparent pixels, white if absent. Raw tensors ignore it. */
  readonly background?: Background | undefined;
}

/** Options of `decode`, `decodeStrips` and `decodeTo`. */
export interface DecodeOptions extends RunOptions {
  /**
   * Whether the latent is scaled, as the latents of diffusion pipelines are: it is divided by `config.scalingFactor`
   * first. Only for raw numbers, because results of `encode` are not scaled.
   */
  readonly scaled?: boolean | undefined;
}

const RUN_OPTIONS = { signal: true, onProgress: true, onProfile: true, memoryBudget: true } as const;

const checkEncodeNames = /* @__PURE__ */ optionsCheck<EncodeOptions>({ ...RUN_OPTIONS, background: true });
const checkDecodeNames = /* @__PURE__ */ optionsCheck<DecodeOptions>({ ...RUN_OPTIONS, scaled: true });

/**
 * Checks options of `encode`. The memory budget is checked with the plan, and the background where it is parsed.
 *
 * @throws InputError for an unknown option or an invalid value
 */
export function checkEncodeOptions(method: string, options: EncodeOptions): void {
  checkEncodeNames(method, options);
  checkValues(options);
}

/**
 * Checks options of `decode`.
 *
 * @throws InputError for an unknown option or an invalid value
 */
export function checkDecodeOptions(method: string, options: DecodeOptions): void {
  checkDecodeNames(method, options);
  checkValues(options);
  const scaled: unknown = options.scaled;
  if (scaled !== undefined && typeof scaled !== 'boolean') {
    throw new InputError(`options.scaled must be true or false; it was ${String(scaled)}.`);
  }
}

function checkValues({ signal, onProgress, onProfile, memoryBudget }: RunOptions): void {
  const isSignal = (value: unknown): boolean => typeof value === 'object' && value !== null && 'aborted' in value;
  if (signal !== undefined && !isSignal(signal)) {
    throw new InputError('options.signal must be an AbortSignal, such as controller.signal.');
  }
  for (const [name, value] of Object.entries({ onProgress, onProfile }) as [string, unknown][]) {
    if (value !== undefined && typeof value !== 'function') {
      throw new InputError(`options.${name} must be a function; it was ${String(value)}.`);
    }
  }
  if (memoryBudget !== undefined && !(typeof (memoryBudget as unknown) === 'number' && memoryBudget > 0)) {
    throw new InputError(`options.memoryBudget must be a positive number of bytes; it was ${String(memoryBudget)}.`);
  }
}
