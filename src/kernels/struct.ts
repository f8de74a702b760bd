/** A View of shaders/view.wgsl. */
export interface View {
  readonly height: number;
  readonly width: number;
  readonly quads: number;
  /** First channel quad of the slice in use. */
  readonly quad: number;
  /** Row and column of the op's pixel (0, 0) in the stored extents; a kernel's padding makes them negative. */
  readonly y: number;
  readonly x: number;
}

/** A Gather of shaders/gather.wgsl. */
export interface ChannelShuffleParams {
  readonly repeats: number;
  readonly group: number;
  readonly shuffle: boolean;
  readonly unshuffle: boolean;
  readonly nearest: boolean;
  readonly plain: boolean;
  readonly channels: number;
}

interface FieldTypes {
  u32: number;
  f32: number;
  view: View;
  gather: ChannelShuffleParams;
}

/** Words of 32 bits that a field takes. */
const WORDS: Readonly<Record<keyof FieldTypes, number>> = { u32: 1, f32: 1, view: 8, gather: 8 };

/** The fields of a WGSL params struct in their order. */
export type Fields = Readonly<Record<string, keyof FieldTypes>>;

/** What a struct with these fields is filled with. */
export type Values<F extends Fields> = { readonly [K in keyof F]: FieldTypes[F[K]] };

/**
 * The one writer of uniform structs. `fields` repeats the WGSL declaration: views and gathers (32 bytes each) come first, so that no field
 * needs padding before it.
 */
export function struct<const F extends Fields>(fields: F): (values: Values<F>) => ArrayBuffer {
  const entries = Object.entries(fields);
  const size = entries.reduce((sum, [, type]) => sum + WORDS[type], 0);
  return (values) => {
    const words = new Uint32Array(Math.ceil(size / 4) * 4);
    const floats = new Float32Array(words.buffer);
    let at = 0;
    for (const [name, type] of entries) {
      const value: unknown = values[name];
      if (type === 'view' && isView(value)) {
        words.set([value.height, value.width, value.quads, value.quad, value.y, value.x], at);
      } else if (type === 'gather' && isGather(value)) {
        const { repeats, group, shuffle, unshuffle, nearest, plain, channels } = value;
        words.set([repeats, group, +shuffle, +unshuffle, +nearest, +plain, channels], at);
      } else if (type === 'f32') {
        floats[at] = Number(value);
      } else {
        words[at] = Number(value);
      }
      at += WORDS[type];
    }
    return words.buffer;
  };
}

function isView(value: unknown): value is View {
  return typeof value === 'object' && value !== null && 'quad' in value;
}

function isGather(value: unknown): value is ChannelShuffleParams {
  return typeof value === 'object' && value !== null && 'repeats' in value;
}
