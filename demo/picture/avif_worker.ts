/**
 * AVIF by libavif, for browsers that cannot encode AVIF. It is the only WebAssembly of the page, and is fetched when
 * AVIF is asked for. It runs in a worker of its own, so that no other script needs `'wasm-unsafe-eval'` in its policy.
 */
import avifModule from '@jsquash/avif/codec/enc/avif_enc.js';
import { defaultOptions } from '@jsquash/avif/meta.js';
import { serve } from '../worker_channel.ts';
import type { AvifMethods } from './protocol.ts';

/** From 0, the best, to 10, the fastest: one comparison takes up to seven files. */
const SPEED = 8;

let loading: ReturnType<typeof avifModule> | undefined;

serve<AvifMethods>({
  encode: async ({ pixels: { data, width, height }, quality }, { transfer }) => {
    loading ??= avifModule({ noInitialRun: true });
    const module = await loading;
    const bytes = module.encode(new Uint8Array(data.buffer), width, height, {
      ...defaultOptions,
      quality,
      speed: SPEED,
    });
    if (!bytes) throw new TypeError('libavif wrote no file.');
    const copy = new Uint8Array(bytes); // the original lies in WebAssembly's memory
    transfer(copy.buffer);
    return copy;
  },
});
