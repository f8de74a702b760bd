// A dedicated worker, where there is no DOM: loads a checkpoint from a URL and sends picture and numbers back.
import { AutoencoderDC, type PixelInput } from '../../src/index.ts';

/** The request to the worker, and its answer. */
export interface WorkerRequest {
  readonly url: string;
  readonly picture: PixelInput;
}
export type WorkerAnswer =
  { readonly latent: Float32Array; readonly pixels: Uint8ClampedArray } | { readonly error: string };

self.onmessage = async ({ data }: MessageEvent<WorkerRequest>) => {
  const answer = (message: WorkerAnswer) => self.postMessage(message);
  try {
    if (typeof document !== 'undefined') throw new Error('this is no worker');
    using ae = await AutoencoderDC.fromPretrained(data.url, { cache: false });
    const { latent } = await ae.encode(data.picture);
    const { sample } = await ae.decode(latent);
    answer({ latent: await latent.toArray(), pixels: (await sample.toImageData()).data });
  } catch (error) {
    answer({ error: String(error) });
  }
};
