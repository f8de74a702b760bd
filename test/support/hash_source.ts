// A virtual checkpoint: its weights are hashed when they are read.
import { parseConfig } from '../../src/config/config.ts';
import { decoder, encoder } from '../../src/model/autoencoder.ts';
import { parameters } from '../../src/model/layers.ts';
import type { ByteSource } from '../../src/weights/sources/byte_source.ts';
import { hashTensor } from './hash_weights.ts';

/** Bytes that are hashed at a time. */
const PIECE = 2 ** 20;

interface HashedTensor {
  readonly key: string;
  readonly shape: readonly number[];
  /** Its bytes in the file. */
  readonly start: number;
  readonly end: number;
}

/**
 * The folder of a diffusers checkpoint with this config and the weights of test/fixtures/README.md in f32. It may have
 * gigabytes; only one piece at a time is in memory.
 *
 * @param config - config.json, parsed
 */
export function hashSource(config: unknown): ByteSource {
  const parsed = parseConfig(config);
  const { header, tensors, size } = layOut([encoder(parsed), decoder(parsed)].flatMap(parameters));
  const configBytes = new TextEncoder().encode(JSON.stringify(config));
  const isConfig = (path: string): boolean => {
    if (path === 'config.json') return true;
    if (path === 'diffusion_pytorch_model.safetensors') return false;
    throw Object.assign(new Error(`no ${path}`), { status: 404 });
  };

  const piece = (start: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - start);
    if (start < header.length) bytes.set(header.subarray(start, end));
    for (const tensor of tensors) {
      if (tensor.end <= start || tensor.start >= end) continue;
      const from = Math.max(start, tensor.start);
      const first = Math.floor((from - tensor.start) / 4);
      const last = Math.ceil((Math.min(end, tensor.end) - tensor.start) / 4);
      const values = new Uint8Array(hashTensor(tensor.key, tensor.shape, new Float32Array(last - first), first).buffer);
      const skip = from - tensor.start - 4 * first;
      bytes.set(values.subarray(skip, skip + Math.min(end, tensor.end) - from), from - start);
    }
    return bytes;
  };

  return {
    label: 'a checkpoint made by hash',
    size: async (path) => (isConfig(path) ? configBytes.length : size),
    read: async (path, start, end) => {
      if (isConfig(path)) return configBytes.slice(start, end);
      let position = start;
      return new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (position >= end) return controller.close();
            const next = Math.min(end, position + PIECE);
            controller.enqueue(piece(position, next));
            position = next;
          },
        },
        { highWaterMark: 0 },
      );
    },
  };
}

/** The places of these parameters in a safetensors file, one after the other. */
function layOut(parameters: readonly { readonly key: string; readonly shape: readonly number[] }[]): {
  header: Uint8Array;
  tensors: HashedTensor[];
  size: number;
} {
  let position = 0;
  const placed = parameters.map(({ key, shape }) => {
    const start = position;
    position += shape.reduce((a, b) => a * b, 4);
    return { key, shape, start, end: position };
  });
  const entries = placed.map(({ key, shape, start, end }) => [
    key,
    { dtype: 'F32', shape, data_offsets: [start, end] },
  ]);
  const json = JSON.stringify(Object.fromEntries(entries));
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const header = new Uint8Array(8 + text.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true);
  header.set(text, 8);
  const tensors = placed.map((tensor) => ({
    ...tensor,
    start: header.length + tensor.start,
    end: header.length + tensor.end,
  }));
  return { header, tensors, size: header.length + position };
}
