import type { TensorInfo } from '../weights/format/tensor_info.ts';
import { Sha256 } from '../weights/read/sha256.ts';

/** Which checkpoint a model was loaded from. */
export interface CheckpointReference {
  /** `owner/name`, or `owner/name/subfolder`, on the hub; `undefined` for one from elsewhere. */
  readonly id: string | undefined;
  /** The fingerprint of the encoder's weights, 16 hex digits; `undefined` where they weren't loaded. */
  readonly encoder: string | undefined;
  /** The same of the decoder's. */
  readonly decoder: string | undefined;
}

/** Bytes of each tensor that are looked at. */
const SAMPLE_BYTES = 64;

/**
 * Tells checkpoints apart by the first bytes of every tensor, taken as they stream by: no byte more is downloaded, and the same weights have the
 * same fingerprint whether they come in one file or many, under diffusers' names or the original ones, whole or by halves. The same weights in
 * another number format have another one.
 */
export class Fingerprint {
  readonly #samples = new Map<string, { readonly dtype: string; readonly bytes: Uint8Array }>();

  /** Takes bytes of a tensor that begin at `offset`. */
  take({ name, dtype }: TensorInfo, offset: number, bytes: Uint8Array): void {
    if (offset >= SAMPLE_BYTES) return;
    const before = this.#samples.get(name)?.bytes ?? new Uint8Array(0);
    const sample = new Uint8Array([...before, ...bytes.subarray(0, SAMPLE_BYTES - before.length)]);
    this.#samples.set(name, { dtype, bytes: sample });
  }

  /**
   * SHA-256 over the tensors whose key begins with `prefix`, sorted by key: `key dtype\n`, then their first 64 bytes, or all where there are fewer.
   * Its first 16 hex digits; `undefined` without such tensors.
   */
  of(prefix: string): string | undefined {
    const hash = new Sha256();
    const names = [...this.#samples.keys()].filter((name) => name.startsWith(prefix)).sort();
    for (const name of names) {
      const sample = this.#samples.get(name);
      if (sample === undefined) continue;
      hash.update(new TextEncoder().encode(`${name} ${sample.dtype}\n`));
      hash.update(sample.bytes);
    }
    return names.length === 0 ? undefined : hash.hex().slice(0, 16);
  }

  /** The identity of a checkpoint whose tensors have all been taken. */
  identity(id: string | undefined): CheckpointReference {
    return { id, encoder: this.of('encoder.'), decoder: this.of('decoder.') };
  }
}
