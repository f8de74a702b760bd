/**
 * AVIF by libavif, for browsers that encode none. The only WebAssembly on the page: it is fetched when AVIF is asked
 * for, and runs in this thread, so that neither the page nor the model's thread needs `'wasm-unsafe-eval'` in its
 * policy.
 */
import avifModule from '@jsquash/avif/codec/enc/avif_enc.js';
import { defaultOptions } from '@jsquash/avif/meta.js';
import { unknownFailure, type Failure } from '../failure.ts';
import { serve } from '../rpc.ts';
import type { Pixels } from './protocol.ts';

export interface AvifMethods {
  /** A picture as a file. */
  readonly encode: {
    readonly args: Pixels & { readonly quality: number };
    readonly result: Uint8Array<ArrayBuffer>;
    readonly report: never;
  };
}

/** From 0, the best, to 10, the fastest: a still page asks for seven files one after another. */
const SPEED = 8;

let loading: ReturnType<typeof avifModule> | undefined;

serve<AvifMethods>(
  {
    encode: async ({ data, width, height, quality }, { handOver }) => {
      loading ??= avifModule({ noInitialRun: true });
      const module = await loading;
      const bytes = module.encode(new Uint8Array(data.buffer), width, height, {
        ...defaultOptions,
        quality,
        speed: SPEED,
      });
      if (!bytes) throw new TypeError('libavif made no file.');
      const own = new Uint8Array(bytes);
      handOver(own.buffer);
      return own;
    },
  },
  failureOf,
);

/** Describes an error. A policy that forbids WebAssembly is the host's choice, not a fault. */
function failureOf(error: unknown): Failure {
  const failure = unknownFailure(error);
  return /wasm|WebAssembly|unsafe-eval/i.test(failure.message) ? { ...failure, code: 'no-wasm' } : failure;
}
