import type { InputSize } from '../graph/build.ts';
import type { Band } from './bands.ts';

/** An input of a network, read and checked, of which any rectangle can be written to the GPU. */
export interface StagedInput extends InputSize {
  /** The network may pad the input by repeating its edge. True for pictures, false for raw tensors and latents. */
  readonly isPadded: boolean;
  /**
   * Writes the rectangle that `band` holds into the band's buffer.
   *
   * @param first - the picture of the batch that becomes the band's first
   */
  write(band: Band, first: number): Promise<void>;
  /** Frees the staged input. */
  dispose(): void;
}
