// Latents and the model that their files name, for tests of the codec.
import type { ModelIdentity, PlainLatent } from '../../src/codec/index.ts';

/** The identity of a model with `channels` latent channels. */
export function modelWith(channels: number): ModelIdentity {
  return {
    config: { latentChannels: channels, scalingFactor: 0.53374 },
    checkpoint: { id: 'someone/nano', encoder: '0123456789abcdef', decoder: 'fedcba9876543210' },
  };
}

/** Numbers from 0 to 1 that are the same in every run. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A latent whose numbers `make` returns. */
export function latentOf(shape: PlainLatent['shape'], make: (index: number) => number): PlainLatent {
  const count = shape.reduce((product, side) => product * side, 1);
  return { data: Float32Array.from({ length: count }, (_, i) => make(i)), shape, imageSize: undefined };
}
