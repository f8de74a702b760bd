// Reads files of test/fixtures and demo: from the test server in a browser, from the disk in Node.

/** A tensor of a fixture, row-major. */
export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** A safetensors file of f32 tensors. */
export interface Fixture {
  readonly tensors: ReadonlyMap<string, FixtureTensor>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Returns the tensor `name`, or throws if the file has none. */
  get(name: string): FixtureTensor;
}

/** The bytes of a file of this repository. `path` counts from its top: `test/fixtures/ops/conv3x3.safetensors`. */
export async function readBytes(path: string): Promise<ArrayBuffer> {
  if (typeof window === 'undefined') {
    const { readFile } = await import('node:fs/promises');
    const { buffer, byteOffset, byteLength } = await readFile(new URL(`../../${path}`, import.meta.url));
    return (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength);
  }
  const response = await fetch(`/${path}`);
  // Vite answers an unknown path with a page.
  if (!response.ok || response.headers.get('content-type')?.startsWith('text/html')) {
    throw new Error(`no such file: ${path} (status ${response.status})`);
  }
  return response.arrayBuffer();
}

/** A JSON file of this repository. The caller states its type. */
export async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await readBytes(path))) as T;
}

/** A file of raw little-endian f32 values. */
export async function readFloats(path: string): Promise<Float32Array<ArrayBuffer>> {
  return new Float32Array(await readBytes(path));
}

/** A safetensors file of this repository, without batch norm's I64 counters. Throws if another tensor is not f32. */
export async function readFixture(path: string): Promise<Fixture> {
  const bytes = await readBytes(path);
  const headerLength = Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, headerLength))) as Record<
    string,
    HeaderEntry
  >;
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = new Map<string, FixtureTensor>();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    if (name.endsWith('num_batches_tracked')) continue;
    if (dtype !== 'F32') throw new Error(`${path}: ${name} is ${dtype}, not F32`);
    const [begin, end] = offsets.map((offset) => 8 + headerLength + offset) as [number, number];
    tensors.set(name, { shape, data: new Float32Array(bytes.slice(begin, end)) });
  }
  const get = (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${path} has no tensor ${name}, only: ${[...tensors.keys()].join(', ')}`);
    return tensor;
  };
  return { tensors, metadata: metadata as unknown as Record<string, string>, get };
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly number[];
}

/**
 * The error of `actual`: max|a - b| / max|b| over the whole tensor, the measure of test/fixtures/README.md. Infinity if
 * either holds a value that is not finite, or if only `expected` is all zeros.
 */
export function relativeMaxError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length)
    throw new Error(`${actual.length} values where ${expected.length} were expected`);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const b = expected[i]!;
    if (!Number.isFinite(a) || !Number.isFinite(b)) return Infinity;
    difference = Math.max(difference, Math.abs(a - b));
    largest = Math.max(largest, Math.abs(b));
  }
  return difference === 0 ? 0 : difference / largest;
}

/** Describes the first difference of two lists of numbers in one line; `undefined` if they are equal. */
export function firstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} numbers, not ${expected.length}`;
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) return `${actual[i]} at index ${i}, not ${expected[i]}`;
  }
  return undefined;
}
