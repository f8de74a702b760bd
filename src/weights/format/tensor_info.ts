/** Tensors as a file's header describes them. */

/** The number formats of safetensors that take whole bytes, with the bytes of one number. */
export const DTYPE_BYTES: Readonly<Record<string, number>> = {
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
};

/** A tensor in a file: its type, its shape and its byte range. Numbers are row-major and little-endian. */
export interface TensorInfo {
  /** The key in the checkpoint, translated to diffusers' names. */
  readonly name: string;
  /** The number format by its safetensors name. Newer files may have formats that are not in `DTYPE_BYTES`. */
  readonly dtype: string;
  /** Empty for a single number. */
  readonly shape: readonly number[];
  /** The file's path in its source. */
  readonly file: string;
  /** The first byte, counted from the start of the file. It is not aligned. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** The number formats that weights can be loaded from. */
export const WEIGHT_DTYPES = ['F32', 'F16', 'BF16', 'F64'] as const;

/** A tensor whose numbers can be loaded as weights. */
export interface WeightInfo extends TensorInfo {
  readonly dtype: (typeof WEIGHT_DTYPES)[number];
}

/** Whether a tensor's numbers can be loaded as weights. */
export function isWeight(tensor: TensorInfo): tensor is WeightInfo {
  return WEIGHT_DTYPES.some((dtype) => dtype === tensor.dtype);
}
