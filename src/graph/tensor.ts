/** The storage type of numbers. Computation is f32 with either. */
export type StorageType = 'f32' | 'f16';

/**
 * The layout of channels in storage: every `group` consecutive channels are padded with zeros to whole quads of four.
 */
export interface ChannelLayout {
  readonly channels: number;
  /** All channels for an ordinary activation; the head dimension for qkv and attention's output. */
  readonly group: number;
}

/** An activation `[n, height, width, channels]`: a rectangle of the image and the layout of its channels. */
export interface Tensor {
  readonly id: number;
  /** Layer path, for labels and messages. */
  readonly label: string;
  readonly n: number;
  readonly height: number;
  readonly width: number;
  readonly layout: ChannelLayout;
  readonly storage: StorageType;
  /** Row and column of the tensor's first pixel in the image, at the tensor's resolution. */
  readonly origin: { readonly y: number; readonly x: number };
}

/** A layout with one group, as all activations but attention's have. */
export function channelsOf(channels: number): ChannelLayout {
  return { channels, group: channels };
}

/** Quads of four channels that a layout takes in storage. */
export function quadsOf({ channels, group }: ChannelLayout): number {
  return Math.ceil(channels / group) * Math.ceil(group / 4);
}

/** Bytes of a pixel of a tensor. */
export function pixelBytes({ layout, storage }: Pick<Tensor, 'layout' | 'storage'>): number {
  return quadsOf(layout) * (storage === 'f16' ? 8 : 16);
}

/** Bytes of a tensor. */
export function tensorBytes(tensor: Tensor): number {
  return tensor.n * tensor.height * tensor.width * pixelBytes(tensor);
}
