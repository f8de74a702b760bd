/** How numbers are stored; they are computed with in f32 whatever that is. */
export type StorageType = 'f32' | 'f16';

/** How channels lie in storage: every `group` consecutive channels are padded with zeros to whole quads of four. */
export interface ChannelLayout {
  readonly channels: number;
  /** All channels for an ordinary activation; the head dimension for qkv and attention's output. */
  readonly group: number;
}

/** An activation `[n, height, width, channels]`: which rectangle of the image it holds, and how its channels lie. */
export interface Tensor {
  readonly id: number;
  /** Layer path, for labels and messages. */
  readonly label: string;
  readonly n: number;
  readonly height: number;
  readonly width: number;
  readonly layout: ChannelLayout;
  readonly storage: StorageType;
  /** Row and column, at this tensor's resolution, of its first pixel in the image. */
  readonly origin: { readonly y: number; readonly x: number };
}

/** Channels in one run, as all activations but attention's have them. */
export function channelsOf(channels: number): ChannelLayout {
  return { channels, group: channels };
}

/** Quads of four that a layout takes in storage. */
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
