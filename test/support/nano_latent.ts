// A latent of the nano checkpoint, for tests in Node.
import { readFileSync } from 'node:fs';
import type { PlainLatent } from '../../src/codec/index.ts';

/** The nano checkpoint's latent of a photograph, `[1, 16, 32, 32]`. */
export function nanoLatent(): PlainLatent {
  const { buffer } = new Uint8Array(readFileSync('test/fixtures/nano/golden_latent.f32'));
  return { data: new Float32Array(buffer), shape: [1, 16, 32, 32], imageSize: { height: 250, width: 256 } };
}
