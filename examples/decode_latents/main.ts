// Decodes a latent that a server's diffusion model made, and shows the picture on a canvas.
import { AutoencoderDC } from 'dc-ae-webgpu';

// The folder of a pipeline, with the autoencoder in `vae`: SANA's on the hub is
// 'Efficient-Large-Model/Sana_1600M_1024px_diffusers'.
const PIPELINE = '/model/';
const HEIGHT = 256;
const WIDTH = 256;

const status = document.querySelector('[role=status]') ?? document.body;
const canvas = document.querySelector('canvas') ?? document.createElement('canvas');

try {
  const ae = await AutoencoderDC.fromPretrained(PIPELINE, {
    subfolder: 'vae',
    networks: 'decoder',
    dtype: 'f16',
    onProgress: ({ loaded, total }) => (status.textContent = `Loading: ${Math.round((100 * loaded) / total)} %`),
  });
  const { spatialCompressionRatio: ratio, config } = ae;
  // The server sends f16 numbers in the order of the shape, scaled as the diffusion model works with them.
  const response = await fetch('/latent.bin');
  const latent = {
    data: await response.arrayBuffer(),
    shape: [1, config.latentChannels, HEIGHT / ratio, WIDTH / ratio],
  };
  const { sample } = await ae.decode(latent, { scaled: true });
  await sample.drawTo(canvas);
  sample.dispose();
  ae.dispose();
  status.textContent = 'Done.';
} catch (error) {
  status.textContent = String(error); // the message says what to do
  throw error;
}
