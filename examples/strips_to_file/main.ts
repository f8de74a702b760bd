// Decodes a large picture strip by strip to a PNG file on the disk. It is never whole in memory.
import { createWorkerClient } from 'dc-ae-webgpu';
import { pngFile } from './png_file.ts';

const MODEL = '/model/vae/'; // or 'mit-han-lab/dc-ae-f32c32-sana-1.1-diffusers'
const HEIGHT = 256; // 8192 for 64 megapixels
const WIDTH = 256;

const button = document.querySelector('button') ?? document.createElement('button');
const progress = document.querySelector('progress') ?? document.createElement('progress');
const link = document.querySelector('a') ?? document.createElement('a');

const ae = await createWorkerClient().fromPretrained(MODEL, { networks: 'decoder' });
button.disabled = false;

button.addEventListener('click', () => void decode());

async function decode(): Promise<void> {
  button.disabled = true;
  const folder = await navigator.storage.getDirectory();
  const handle = await folder.getFileHandle('picture.png', { create: true });
  const response = await fetch('/latent.bin');
  const { spatialCompressionRatio: ratio, config } = ae;
  const latent = {
    data: await response.arrayBuffer(),
    shape: [1, config.latentChannels, HEIGHT / ratio, WIDTH / ratio],
  };
  await ae.decodeTo(pngFile(await handle.createWritable()), latent, {
    scaled: true,
    memoryBudget: 8 * 2 ** 20, // so small that even this picture takes several strips
    onProgress: ({ fraction }) => (progress.value = fraction),
  });
  link.href = URL.createObjectURL(await handle.getFile());
  link.hidden = false;
}
