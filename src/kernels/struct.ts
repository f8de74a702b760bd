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
export interface GatherParams {
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
  gather: GatherParams;
}

/** The fields of a WGSL params struct in their order. */
export type Fields = Readonly<Record<string, keyof FieldTypes>>;

/** What a struct with these fields is filled with. */
export type Values<F extends Fields> = { readonly [K in keyof F]: FieldTypes[F[K]] };

/**
 * The one writer of uniform structs. `fields` repeats the WGSL declaration: views and gathers (32 bytes each) come first, so that no field
 * needs padding before it.
 */
export function struct<const F extends Fields>(fields: F): (values: Values<F>) => ArrayBuffer {
  return (values) => {
    const words: number[] = [];
    const scratch = new DataView(new ArrayBuffer(4));
    for (const [name, type] of Object.entries(fields)) {
      const value: unknown = values[name];
      if (type === 'view' && isView(value)) {
        words.push(value.height, value.width, value.quads, value.quad, value.y, value.x, 0, 0);
      } else if (type === 'gather' && isGather(value)) {
        const { repeats, group, shuffle, unshuffle, nearest, plain, channels } = value;
        words.push(repeats, group, +shuffle, +unshuffle, +nearest, +plain, channels, 0);
      } else if (type === 'f32') {
        scratch.setFloat32(0, Number(value));
        words.push(scratch.getUint32(0));
      } else {
        words.push(Number(value));
      }
    }
    while (words.length % 4 !== 0) words.push(0);
    return Uint32Array.from(words, (word) => word >>> 0).buffer;
  };
}

function isView(value: unknown): value is View {
  return typeof value === 'object' && value !== null && 'quad' in value;
}

function isGather(value: unknown): value is GatherParams {
  return typeof value === 'object' && value !== null && 'repeats' in value;
}
