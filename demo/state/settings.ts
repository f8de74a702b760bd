/** The user's settings, which the browser remembers between visits. */
import type { Dtype } from '../model/choices.ts';

/** The settings. */
export interface Settings {
  /** 1 to 100. */
  readonly quality: number;
  /** How weights are stored on the GPU. */
  readonly dtype: Dtype;
  /** Bytes that activations may take; undefined for the library's choice. */
  readonly memoryBudget: number | undefined;
  /** Whether each stage of a run is timed, which slows the run. */
  readonly profiled: boolean;
  /** Whether AVIF is measured, too. */
  readonly avif: boolean;
}

/** The settings of a first visit. The quality is low, where the difference to JPEG is plain to see. */
export const defaultSettings: Settings = {
  quality: 15,
  dtype: 'f32',
  memoryBudget: undefined,
  profiled: false,
  avif: false,
};

const KEY = 'settings';

/** Reads the remembered settings; a value that is missing or invalid becomes the default. */
export function readSettings(): Settings {
  const stored = parse();
  const { quality, dtype, memoryBudget, profiled, avif } = stored;
  return {
    quality: isQuality(quality) ? quality : defaultSettings.quality,
    dtype: dtype === 'f16' ? 'f16' : 'f32',
    memoryBudget: typeof memoryBudget === 'number' && memoryBudget > 0 ? memoryBudget : undefined,
    profiled: profiled === true,
    avif: avif === true,
  };
}

/** Remembers the settings. A browser that refuses storage forgets them with the page. */
export function storeSettings(settings: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Storage is full or forbidden: the page works without it.
  }
}

function parse(): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** Whether a value is a valid quality. */
export function isQuality(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 100;
}
