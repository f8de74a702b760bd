// Virtual files of weights: the header is real, and the numbers are hashed when they are read.
import { fromOriginal } from '../../src/weights/format/original.ts';
import { readBytes } from './fixtures.ts';
import { hashTensor } from './hash_weights.ts';

/** A tensor of a file: one or more of diffusers' tensors stacked (the original format's fused qkv has three). */
export interface FileTensor {
  readonly name: string;
  readonly dtype: 'F32' | 'I64';
  readonly shape: readonly number[];
  /** diffusers' keys and shapes, which decide the numbers. */
  readonly parts: readonly { readonly key: string; readonly shape: readonly number[] }[];
}

/** A file whose ranges can be read. */
export interface VirtualFile {
  readonly size: number;
  read(start: number, end: number): Uint8Array;
}

/** The safetensors file of these tensors in the order of the `safetensors` library: by type, then by name. */
export function hashFile(tensors: readonly FileTensor[]): VirtualFile {
  const sorted = [...tensors].sort((a, b) => width(b) - width(a) || (a.name < b.name ? -1 : 1));
  let position = 0;
  const entries: [string, object][] = [['__metadata__', { format: 'pt' }]];
  const runs = sorted.flatMap(({ name, dtype, shape, parts }) => {
    const begin = position;
    const placed = parts.map((part) => {
      const start = position;
      position += count(part.shape) * (dtype === 'I64' ? 8 : 4);
      return { ...part, dtype, start, end: position };
    });
    entries.push([name, { dtype, shape, data_offsets: [begin, position] }]);
    return placed;
  });
  const json = JSON.stringify(Object.fromEntries(entries));
  const text = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 8) * 8));
  const header = new Uint8Array(8 + text.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true);
  header.set(text, 8);

  const read = (start: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - start);
    if (start < header.length) bytes.set(header.subarray(start, end));
    for (const run of runs) {
      const [from, to] = [Math.max(start, header.length + run.start), Math.min(end, header.length + run.end)];
      if (from >= to || run.dtype === 'I64') continue; // counters are zero
      const offset = from - header.length - run.start;
      const first = Math.floor(offset / 4);
      const last = Math.ceil((offset + to - from) / 4);
      const values = new Uint8Array(hashTensor(run.key, run.shape, new Float32Array(last - first), first).buffer);
      bytes.set(values.subarray(offset - 4 * first, offset - 4 * first + to - from), from - start);
    }
    return bytes;
  };
  return { size: header.length + position, read };
}

/**
 * The tensors of a released checkpoint, as test/fixtures/keys lists them.
 *
 * @param network - `dc-ae-f32c32-mix-1.0`
 * @param divisor - all widths divided by this
 */
export async function releasedTensors(
  network: string,
  format: 'diffusers' | 'original',
  divisor = 1,
): Promise<FileTensor[]> {
  const table = await readTable(network, format === 'original' ? '.original' : '');
  if (format === 'diffusers') {
    return table.map(({ name, dtype, shape }) => {
      const narrow = narrowed(name, shape, divisor);
      return { name, dtype, shape: narrow, parts: [{ key: name, shape: narrow }] };
    });
  }
  // Each tensor gets a byte range, which identifies it after the conversion.
  let position = 0;
  const infos = table.map(({ name, dtype, shape }) => {
    const start = position;
    position += count(shape) * (dtype === 'I64' ? 8 : 4);
    return { name, dtype, shape, file: 'x', start, end: position };
  });
  const converted = [...fromOriginal(infos).values()];
  return infos.map(({ name, dtype, shape, start, end }) => {
    const parts = converted
      .filter((info) => info.start >= start && info.end <= end && (info.start < info.end || start === end))
      .sort((a, b) => a.start - b.start)
      .map((info) => ({ key: info.name, shape: narrowed(info.name, info.shape, divisor) }));
    const [part] = parts;
    if (!part) throw new Error(`nothing becomes of ${name}`);
    const rows = parts.reduce((sum, { shape: [n = 1] }) => sum + n, 0);
    const narrow = shape.length === 0 ? [] : [rows, ...part.shape.slice(1), ...shape.slice(part.shape.length)];
    return { name, dtype, shape: narrow, parts };
  });
}

/** The config of a released checkpoint with all widths divided, as JSON. */
export function narrowConfig(config: Readonly<Record<string, unknown>>, divisor: number): Record<string, unknown> {
  const narrow = (widths: unknown) => (widths as number[]).map((width) => width / divisor);
  return {
    ...config,
    encoder_block_out_channels: narrow(config['encoder_block_out_channels']),
    decoder_block_out_channels: narrow(config['decoder_block_out_channels']),
  };
}

/** The shape of diffusers' `key` with all widths divided. The channels of the image and of the latent stay. */
function narrowed(key: string, shape: readonly number[], divisor: number): readonly number[] {
  if (divisor === 1) return shape;
  const kept = new Map<string, readonly number[]>([
    ['encoder.conv_in', [1]],
    ['encoder.conv_out', [0]],
    ['decoder.conv_in', [1]],
    ['decoder.conv_out', [0]],
  ]).get(key.replace(/(\.conv)?\.(weight|bias)$/, ''));
  // The multi-scale 1×1 convolutions are grouped by heads of 32 channels, which keep their width.
  const inputs = key.includes('.to_qkv_multiscale.') ? [1] : [];
  return shape.map((n, axis) => {
    if (axis > 1 || kept?.includes(axis) === true || inputs.includes(axis)) return n;
    return n === 1 ? n : n / divisor;
  });
}

async function readTable(network: string, suffix: string) {
  const text = new TextDecoder().decode(await readBytes(`test/fixtures/keys/${network}${suffix}.tsv`));
  const rows = text.trimEnd().split('\n').slice(1);
  return rows.map((row) => {
    const [name = '', dtype, shape = '[]'] = row.split('\t');
    return { name, dtype: dtype === 'I64' ? ('I64' as const) : ('F32' as const), shape: JSON.parse(shape) as number[] };
  });
}

function count(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function width({ dtype }: FileTensor): number {
  return dtype === 'I64' ? 8 : 4;
}
