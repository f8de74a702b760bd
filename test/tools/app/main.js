// A minimal app: decodes a latent of the small checkpoint, on the page or in a worker.
import { AutoencoderDC, createWorkerClient } from 'dc-ae-webgpu';

/**
 * @param {'page' | 'worker'} where
 * @param {string} files - the address of the folder with the checkpoint, the latent and the expected picture
 * @returns {Promise<number>} the largest difference from diffusers' picture
 */
async function decodeGolden(where, files) {
  const numbers = async (/** @type {string} */ name) =>
    new Float32Array(await (await fetch(`${files}/golden/${name}`)).arrayBuffer());
  const data = await numbers('golden_latent.f32');
  const expected = await numbers('golden_output.f32');
  const client = where === 'worker' ? createWorkerClient() : undefined;
  try {
    const load = client ?? AutoencoderDC;
    const ae = await load.fromPretrained(`${files}/nano`, { networks: 'decoder' });
    const { sample } = await ae.decode({ data, shape: [1, 16, 32, 32] });
    const found = await sample.toArray();
    sample.dispose();
    ae.dispose();
    return found.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (expected[i] ?? NaN))), 0);
  } finally {
    client?.dispose();
  }
}

Reflect.set(globalThis, 'decodeGolden', decodeGolden);
