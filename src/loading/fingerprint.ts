import type { TensorInfo } from '../weights/format/tensor_info.ts';
import { Sha256 } from './sha256.ts';

/** The checkpoint that a model was loaded from. */
export interface CheckpointReference {
  /** `owner/name` or `owner/name/subfolder` on the hub; `undefined` elsewhere. */
  readonly id: string | undefined;
  /** The fingerprint of the encoder's weights, 16 hex digits; `undefined` if they were not loaded. */
  readonly encoder: string | undefined;
  /** The fingerprint of the decoder's weights. */
  readonly decoder: string | undefined;
}

/** The bytes of each tensor that are hashed. */
const SAMPLE_BYTES = 64;

/**
 * Tells checkpoints apart by the first bytes of every tensor, taken as they stream by, so no further byte is
 * downloaded. The same weights have the same fingerprint in one file or many, under diffusers' names or the original
 * ones, and loaded together or one network at a time. The same weights in another number format have another
 * fingerprint.
 */
export class Fingerprint {
  readonly #samples = new Map<string, { readonly dtype: string; readonly bytes: Uint8Array }>();

  /** Takes bytes of a tensor, which begin at `offset`. */
  take({ name, dtype }: TensorInfo, offset: number, bytes: Uint8Array): void {
    if (offset >= SAMPLE_BYTES) return;
    const before = this.#samples.get(name)?.bytes ?? new Uint8Array(0);
    const sample = new Uint8Array([...before, ...bytes.subarray(0, SAMPLE_BYTES - before.length)]);
    this.#samples.set(name, { dtype, bytes: sample });
  }

  /**
   * Hashes the tensors whose key begins with `prefix`: the first 16 hex digits of SHA-256 over, for each tensor in the
   * order of keys, `key dtype\n` and its first 64 bytes, or all if it has fewer. `undefined` if there are no such
   * tensors.
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

  /** Names the checkpoint once all of its tensors have been taken. */
  reference(id: string | undefined): CheckpointReference {
    return { id, encoder: this.of('encoder.'), decoder: this.of('decoder.') };
  }
}
