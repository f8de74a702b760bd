import type { BindingType, Shader } from '../gpu/pipelines.ts';
import type { StorageType, Tensor } from '../graph/tensor.ts';

/** One value for each storage type of activations. */
export type ByStorage<T> = Readonly<Record<StorageType, T>>;

/** A shader by the storage type of the activations that it reads, then of those that it writes. */
export type StoredShader = ByStorage<ByStorage<Shader>>;

/** A shader by one storage type. */
export function byStorage(name: string, code: ByStorage<string>, bindings: readonly BindingType[]): ByStorage<Shader> {
  return { f32: { name, code: code.f32, bindings }, f16: { name, code: code.f16, bindings } };
}

/** A shader by the storage types of its input and output. */
export function storedShader(
  name: string,
  code: ByStorage<ByStorage<string>>,
  bindings: readonly BindingType[],
): StoredShader {
  return { f32: byStorage(name, code.f32, bindings), f16: byStorage(name, code.f16, bindings) };
}

/**
 * The storage type of activations that one shader reads or writes as the same WGSL type.
 *
 * @throws RangeError if they differ
 */
export function commonStorage(tensors: readonly Tensor[]): StorageType {
  const { storage = 'f32' } = tensors[0] ?? {};
  const other = tensors.find((tensor) => tensor.storage !== storage);
  if (other)
    throw new RangeError(`${other.label} is stored in ${other.storage}, but ${tensors[0]?.label ?? ''} in ${storage}.`);
  return storage;
}

/**
 * The variant of a shader for its activations.
 *
 * @param reads - its `Input`s; may be empty
 * @param writes - its `Output`
 * @throws RangeError if the inputs are stored in different types
 */
export function variantFor(shader: StoredShader, reads: readonly Tensor[], writes: Tensor): Shader {
  return shader[commonStorage(reads)][writes.storage];
}
