import type { Gpu } from '../gpu/gpu.ts';
import type { Tensor } from '../graph/tensor.ts';
import { BandedTensor, type Band } from './bands.ts';
import type { OutputSink } from './output_sink.ts';
import { cropSize, Sample } from './results.ts';
import type { Size } from './model_results.ts';

/** Whole rows of a picture as 8-bit RGBA in sRGB, clamped. */
export interface Strip {
  /** The strip's first row in the picture. */
  readonly y: number;
  /** Rows of the strip. */
  readonly height: number;
  /** Width of the picture. */
  readonly width: number;
  /** `height * width` pixels, row by row, four bytes each. */
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** Size of the whole picture. */
  readonly image: Size;
}

/** Assembles regions to strips of the picture and hands each complete strip over. */
export class StripSink implements OutputSink {
  readonly #gpu: Gpu;
  readonly #imageSize: Size | undefined;
  readonly #give: (strip: Strip) => Promise<void>;
  #whole: Tensor | undefined;
  #open: { readonly rows: BandedTensor; readonly y: number } | undefined;

  /**
   * @param imageSize - crops the picture; the whole output if absent
   * @param give - takes a strip; the run waits until it resolves
   */
  constructor(gpu: Gpu, imageSize: Size | undefined, give: (strip: Strip) => Promise<void>) {
    this.#gpu = gpu;
    this.#imageSize = imageSize;
    this.#give = give;
  }

  /** Keeps the size of the whole output. */
  begin(output: Tensor): Promise<void> {
    this.#whole = output;
    return Promise.resolve();
  }

  /** Adds a region; waits until a strip that it completes is taken. */
  async take(region: Band): Promise<void> {
    const whole = this.#whole;
    if (!whole) throw new RangeError('a region came before its output began');
    const { origin, height, width } = region.tensor;
    this.#open ??= {
      rows: await BandedTensor.create(this.#gpu, 'strip', { ...whole, height, origin: { y: 0, x: 0 } }),
      y: origin.y,
    };
    const { rows, y } = this.#open;
    await rows.copyFrom({ ...region, tensor: { ...region.tensor, origin: { y: origin.y - y, x: origin.x } } });
    if (origin.x + width < whole.width) return;
    this.#open = undefined;
    const image = cropSize(whole, this.#imageSize);
    const shown = Math.min(height, image.height - y);
    const sample = new Sample(this.#gpu, rows, { height: Math.max(shown, 1), width: image.width });
    try {
      if (shown <= 0) return;
      const { data } = await sample.toPixels();
      await this.#give({ y, height: shown, width: image.width, data, image });
    } finally {
      sample.dispose();
    }
  }

  /** Frees an incomplete strip. */
  dispose(): void {
    this.#open?.rows.dispose();
    this.#open = undefined;
  }
}
