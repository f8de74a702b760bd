/** The fields of a WGSL struct in order: the name and the type of each. */
export type Fields = Readonly<Record<string, FieldType>>;

type FieldType = 'u32' | 'i32' | 'f32' | keyof typeof STRUCTS;

/** The structs that params contain, as in shaders/view.wgsl and shaders/channel_shuffle.wgsl. Both take 32 bytes. */
export const STRUCTS = {
  View: {
    height: 'u32',
    width: 'u32',
    quads: 'u32',
    quad: 'u32',
    y: 'i32',
    x: 'i32',
    reserved0: 'u32',
    reserved1: 'u32',
  },
  ChannelShuffle: {
    repeats: 'u32',
    group: 'u32',
    shuffle: 'u32',
    unshuffle: 'u32',
    nearest: 'u32',
    plain: 'u32',
    channels: 'u32',
    reserved0: 'u32',
  },
} as const;

/** The values of a View. */
export interface View {
  readonly height: number;
  readonly width: number;
  readonly quads: number;
  /** First channel quad of the slice in use. */
  readonly quad: number;
  /** Row and column of the op's pixel (0, 0) in the stored extents. A kernel's padding makes them negative. */
  readonly y: number;
  readonly x: number;
}

/** The values of a ChannelShuffle. */
export interface ChannelShuffleParams {
  readonly repeats: number;
  readonly group: number;
  readonly shuffle: boolean;
  readonly unshuffle: boolean;
  readonly nearest: boolean;
  readonly plain: boolean;
  readonly channels: number;
}

interface ValueTypes {
  u32: number;
  i32: number;
  f32: number;
  View: View;
  ChannelShuffle: ChannelShuffleParams;
}

/** The values that fill a struct with these fields. */
export type Values<F extends Fields> = { readonly [K in keyof F]: ValueTypes[F[K]] };

/** Fills a params struct. */
export interface StructWriter<F extends Fields> {
  (values: Values<F>): ArrayBuffer;
  readonly fields: F;
}

/**
 * A writer for a uniform struct. `fields` repeats the WGSL declaration, and a unit test compares the two. Nested
 * structs come first, so no field needs padding before it.
 */
export function struct<const F extends Fields>(fields: F): StructWriter<F> {
  const bytes = Math.ceil(sizeOf(fields) / 16) * 16;
  const write = (values: Values<F>): ArrayBuffer => {
    const view = new DataView(new ArrayBuffer(bytes));
    writeFields(view, 0, fields, values);
    return view.buffer;
  };
  return Object.assign(write, { fields });
}

/** The bytes that fields take. */
export function sizeOf(fields: Fields): number {
  return Object.values(fields).reduce((sum, type) => sum + bytesOf(type), 0);
}

function bytesOf(type: FieldType): number {
  return type === 'View' || type === 'ChannelShuffle' ? sizeOf(STRUCTS[type]) : 4;
}

function writeFields(view: DataView<ArrayBuffer>, start: number, fields: Fields, values: object): void {
  let offset = start;
  for (const [name, type] of Object.entries(fields)) {
    // `Values` ties each value to its field's type; Object.entries loses that. Reserved fields have no value.
    const value = (values as Readonly<Record<string, number | boolean | object | undefined>>)[name] ?? 0;
    if (typeof value === 'object') writeFields(view, offset, STRUCTS[type as keyof typeof STRUCTS], value);
    else if (type === 'f32') view.setFloat32(offset, Number(value), true);
    else view.setInt32(offset, Number(value), true);
    offset += bytesOf(type);
  }
}
