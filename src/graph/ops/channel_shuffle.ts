import { aligned, scaled, type Rect } from '../rects.ts';

/**
 * A rearrangement of channels and pixels with a mean as its only arithmetic:
 * `out[o] = mean over j < group of in[(o' / repeats) * group + j]`. With `pixelShuffle`, `o'` is `o` seen through a
 * pixel shuffle; `pixelUnshuffle` and `upsampleNearest` state how `in` is seen. Source: the shortcuts of diffusers'
 * `DCDownBlock2d` and `DCUpBlock2d` (arXiv 2410.10733, section 3.2).
 */
export interface ChannelShuffle {
  readonly repeats: number;
  readonly group: number;
  readonly pixelShuffle: boolean;
  readonly pixelUnshuffle: boolean;
  readonly upsampleNearest: boolean;
}

/** The output equals the source. */
export const IDENTITY: ChannelShuffle = {
  repeats: 1,
  group: 1,
  pixelShuffle: false,
  pixelUnshuffle: false,
  upsampleNearest: false,
};

/** Source pixels for each output pixel, along a side. */
export function shuffleScale({ pixelShuffle, pixelUnshuffle, upsampleNearest }: ChannelShuffle): number {
  return pixelShuffle || upsampleNearest ? 0.5 : pixelUnshuffle ? 2 : 1;
}

/** The source pixels that a rectangle of the output reads. */
export function shuffleInput(shuffle: ChannelShuffle, rect: Rect): Rect {
  const scale = shuffleScale(shuffle);
  return scaled(scale < 1 ? aligned(rect, 1 / scale) : rect, scale);
}

/** Whether the output is larger than the source, so that it is written in blocks of 2 x 2 pixels. */
export function enlarges({ pixelShuffle, upsampleNearest }: ChannelShuffle): boolean {
  return pixelShuffle || upsampleNearest;
}
