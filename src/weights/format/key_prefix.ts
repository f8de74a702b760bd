/** Prefixes that training code and pipelines put before an autoencoder's keys. */
import type { TensorInfo } from './tensor_info.ts';

/** The modules of an autoencoder: diffusers' names, then the original release's. */
const MODULE =
  /^(.*?)(?:encoder|decoder)\.(?:conv_in|conv_out|norm_out|down_blocks|up_blocks|project_in|project_out|stages)\./;

/** Prefixes in the order in which they are preferred. A file may hold the same model twice, for instance as `ema.`. */
const PREFERRED = ['', 'vae.', 'first_stage_model.', 'autoencoder.', 'model.', 'module.', '_orig_mod.'];

/**
 * Finds the prefix that all keys of the autoencoder share: `vae.`, `first_stage_model.`, `module.model.` and the like.
 *
 * @returns the prefix with its dot; empty if the keys have none, or if it is not clear which of several is meant
 */
export function keyPrefix(names: Iterable<string>): string {
  const prefixes = new Set<string>();
  for (const name of names) {
    const prefix = MODULE.exec(name)?.[1];
    if (prefix !== undefined && (prefix === '' || prefix.endsWith('.'))) prefixes.add(prefix);
  }
  const [first = '', second] = prefixes;
  return second === undefined ? first : (PREFERRED.find((prefix) => prefixes.has(prefix)) ?? '');
}

/** Removes the autoencoder's prefix from all keys that have it; the other keys stay as they are. */
export function withoutPrefix(tensors: readonly TensorInfo[]): readonly TensorInfo[] {
  const prefix = keyPrefix(tensors.map(({ name }) => name));
  if (prefix === '') return tensors;
  return tensors.map((tensor) =>
    tensor.name.startsWith(prefix) ? { ...tensor, name: tensor.name.slice(prefix.length) } : tensor,
  );
}
