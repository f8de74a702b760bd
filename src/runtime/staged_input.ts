import type { InputSize } from '../graph/build.ts';
import type { Band } from './bands.ts';

/** An input of a network, of which any rectangle can be written to the GPU. */
export interface StagedInput extends InputSize {
  /** The network may pad the input by repeating its edge. True for pictures, false for raw tensors and latents. */
  readonly isPadded: boolean;
  /**
   * Writes the rectangle that `band` holds into the band's buffer.
   *
   * @param first - the picture of the batch that becomes the band's first
   */
  write(band: Band, first: number): Promise<void>;
}

/**
 * An input as it was when the call was made, waiting for the call's turn. Changes that the caller makes to the original
 * later have no effect.
 */
export interface InputSnapshot {
  /**
   * Prepares the input. Called once, at the call's turn.
   *
   * @throws InputError if the input turns out to be unreadable
   */
  stage(): Promise<StagedInput>;
  /** Frees the snapshot and the staged input. */
  dispose(): void;
}
