import type { Profile } from '../session/profile.ts';

/** How far a run is. */
export interface RunProgress {
  /** Regions that are done. */
  readonly done: number;
  /** Regions in all: 1 where everything fits in one piece. */
  readonly total: number;
}

/** Options of a run. */
export interface RunOptions {
  /** Looked at between submits, which take some ten milliseconds each. */
  readonly signal?: AbortSignal | undefined;
  /** Called when a region of the image is computed. */
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Times the run dispatch by dispatch and says where the time went; slower than a run without. */
  readonly onProfile?: ((profile: Profile) => void) | undefined;
  /**
   * Bytes that the activations may take on the GPU, weights and results apart. What doesn't fit in one piece is computed region by region, with the
   * same numbers. Unless given, twice what the device binds at once, between 512 MiB and 2 GiB.
   */
  readonly memoryBudget?: number | undefined;
}
