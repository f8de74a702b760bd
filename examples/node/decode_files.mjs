// Decodes every .dcae file of a folder to a PNG beside it.
//
//     npm install dc-ae-webgpu webgpu sharp
//     node decode_files.mjs ./models/dc-ae-f32c32-sana-1.1-diffusers/ ./pictures/
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AutoencoderDC } from 'dc-ae-webgpu';
import { decompress } from 'dc-ae-webgpu/codec';
import sharp from 'sharp';
import { create, globals } from 'webgpu';

const [model, folder] = process.argv.slice(2);
if (!model || !folder) throw new Error('usage: node decode_files.mjs MODEL_FOLDER PICTURE_FOLDER');

Object.assign(globalThis, globals); // GPUBufferUsage and other names of WebGPU
const gpu = create([]);
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
if (!adapter) throw new Error('There is no GPU. On Linux, a Vulkan driver must be installed.');
const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });

const ae = await AutoencoderDC.fromPretrained(model, { device, networks: 'decoder' });
for (const name of await readdir(folder)) {
  if (!name.endsWith('.dcae')) continue;
  const file = await readFile(join(folder, name));
  // Files from Python name no checkpoint, so any model with fitting latents may decode them.
  const { image } = await decompress(ae, file);
  const { data, width, height } = image;
  const path = join(folder, name.replace(/dcae$/, 'png'));
  await sharp(data, { raw: { width, height, channels: 4 } }).toFile(path);
  console.log(`${path}: ${width} × ${height}`);
}
process.exit(0); // Dawn would keep the process alive
