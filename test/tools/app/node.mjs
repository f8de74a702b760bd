// A minimal program for Node and Deno: decodes a latent of the small checkpoint on Dawn.
import { AutoencoderDC } from 'dc-ae-webgpu';
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';

const [, , checkpoint = '', golden = ''] = process.argv;
const numbers = (/** @type {string} */ name) =>
  new Float32Array(new Uint8Array(readFileSync(`${golden}/${name}`)).buffer);
Object.assign(globalThis, globals);
const adapter = await create([]).requestAdapter();
if (!adapter) throw new Error('Dawn found no adapter');
const device = await adapter.requestDevice();
const ae = await AutoencoderDC.fromPretrained(checkpoint, { networks: 'decoder', device });
const { sample } = await ae.decode({ data: numbers('golden_latent.f32'), shape: [1, 16, 32, 32] });
const expected = numbers('golden_output.f32');
const found = await sample.toArray();
console.log(found.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (expected[i] ?? NaN))), 0));
process.exit(0); // Dawn keeps the process alive
