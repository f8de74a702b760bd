// The released networks at any width with hashed weights, on a hub.
import { readJson } from './fixtures.ts';
import { hashFile, narrowConfig, releasedTensors } from './hash_file.ts';
import type { Hub } from './hub.ts';

/** The released networks, each with the network whose keys and shapes it shares. */
export const networks: ReadonlyMap<string, string> = new Map([
  ['dc-ae-f32c32-sana-1.1', 'dc-ae-f32c32-sana-1.0'],
  ['dc-ae-f32c32-sana-1.0', 'dc-ae-f32c32-sana-1.0'],
  ['dc-ae-lite-f32c32-sana-1.1', 'dc-ae-lite-f32c32-sana-1.1'],
  ['dc-ae-f32c32-mix-1.0', 'dc-ae-f32c32-mix-1.0'],
  ['dc-ae-f32c32-in-1.0', 'dc-ae-f32c32-mix-1.0'],
  ['dc-ae-f64c128-mix-1.0', 'dc-ae-f64c128-mix-1.0'],
  ['dc-ae-f64c128-in-1.0', 'dc-ae-f64c128-mix-1.0'],
  ['dc-ae-f128c512-mix-1.0', 'dc-ae-f128c512-mix-1.0'],
  ['dc-ae-f128c512-in-1.0', 'dc-ae-f128c512-mix-1.0'],
]);

/** The config.json of a released network, with all widths divided. */
export async function networkConfig(network: string, divisor: number): Promise<Record<string, unknown>> {
  return narrowConfig(await readJson<Record<string, unknown>>(`test/fixtures/configs/${network}.json`), divisor);
}

/** Puts a network with hashed weights on a hub in both formats: `owner/<network>-diffusers` and `owner/<network>`. */
export async function putNetwork(hub: Hub, owner: string, network: string, divisor: number): Promise<void> {
  const keys = networks.get(network) ?? network;
  const diffusers = `${owner}/${network}-diffusers`;
  hub.put(diffusers, 'config.json', JSON.stringify(await networkConfig(network, divisor)));
  hub.put(
    diffusers,
    'diffusion_pytorch_model.safetensors',
    hashFile(await releasedTensors(keys, 'diffusers', divisor)),
  );
  hub.put(`${owner}/${network}`, 'config.json', JSON.stringify({ model_name: network }));
  hub.put(`${owner}/${network}`, 'model.safetensors', hashFile(await releasedTensors(keys, 'original', divisor)));
}
