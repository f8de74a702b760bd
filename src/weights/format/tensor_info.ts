/** What is known of a tensor before its bytes are read. */

/** The number formats of the safetensors format that take whole bytes, with the bytes that each takes. */
export const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  C64: 8,
} as const;

/** A number format by its safetensors name. */
export type Dtype = keyof typeof dtypeBytes;

/** Whether `name` is a number format that safetensors knows. */
export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(dtypeBytes, name);
}

/** A tensor in a file: its type and shape, and where its bytes lie. Row-major, little-endian. */
export interface TensorInfo {
  /** The key in the checkpoint; diffusers' key where the file was in the original format. */
  readonly name: string;
  readonly dtype: Dtype;
  /** Empty for a single number. */
  readonly shape: readonly number[];
  /** The file's path in its source. */
  readonly file: string;
  /** The first byte, counted from the start of the file; not aligned to anything. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}
