import type { BindingType, Shader } from '../gpu/pipelines.ts';
import type { StorageType, Tensor } from '../graph/tensor.ts';

/** What a shader has one of for each way to store activations: what it reads first, then what it writes (shaders/quad.wgsl). */
type Forms<T> = Readonly<Record<StorageType, Readonly<Record<StorageType, T>>>>;

/** A shader that reads or writes activations. */
export type StoredShader = Forms<Shader>;

/** A shader in its forms. */
export function storedShader(name: string, code: Forms<string>, bindings: readonly BindingType[]): StoredShader {
  const row = ({ f32, f16 }: Forms<string>[StorageType]): StoredShader[StorageType] => ({
    f32: { name, code: f32, bindings },
    f16: { name, code: f16, bindings },
  });
  return { f32: row(code.f32), f16: row(code.f16) };
}

/**
 * The form for some activations.
 *
 * @param reads - what its `Input`s are, none where it reads no activation
 * @param writes - what its `Output` is
 * @throws RangeError where what it reads isn't all stored alike
 */
export function variantFor(shader: StoredShader, reads: readonly Tensor[], writes: Tensor): Shader {
  const { storage = 'f32' } = reads[0] ?? {};
  const other = reads.find((tensor) => tensor.storage !== storage);
  if (other)
    throw new RangeError(`${other.label} is stored in ${other.storage}, and what is read with it in ${storage}`);
  return shader[storage][writes.storage];
}
