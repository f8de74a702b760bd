/**
 * The header of a safetensors file: 8 bytes little-endian length N, N bytes of JSON, then the tensors' bytes without holes.
 * Source: https://github.com/huggingface/safetensors, "Format", and the checks of its `safetensors/src/tensor.rs`.
 */
import { CheckpointError } from '../../errors.ts';
import type { ByteSource } from '../sources/byte_source.ts';
import { objectKeys } from './json_keys.ts';
import { bullets, nameText, shapeText } from './problems.ts';
import { readAll, type RetryPolicy, sizeOf } from '../read/read.ts';
import { dtypeBytes, isDtype, type TensorInfo } from './tensor_info.ts';

/** The most that a header may take, as in the reference implementation. */
const headerLimit = 100_000_000;

/** What a file's header says. */
export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly TensorInfo[];
  /** The file's `__metadata__`: strings by name. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the tensors' bytes begin in the file; not aligned to anything. */
  readonly dataStart: number;
  /** The file's size in bytes. */
  readonly size: number;
}

/**
 * Reads and checks the header of the file at `path`.
 *
 * Rejects with a CheckpointError where the file is damaged, a SourceError where it can't be had, or the signal's reason.
 */
export async function readHeader(
  source: ByteSource,
  path: string,
  signal?: AbortSignal,
  retry?: Partial<RetryPolicy>,
): Promise<SafetensorsHeader> {
  const size = await sizeOf(source, path, { signal, retry });
  const start = await readAll(source, path, 0, Math.min(8, size), signal, retry);
  const headerEnd = 8 + headerLength(start, size, path);
  return parseHeader(await readAll(source, path, 0, headerEnd, signal, retry), size, path);
}

/**
 * The length of the JSON, from the file's first 8 bytes.
 *
 * @throws CheckpointError where the file can't hold it
 */
export function headerLength(start: Uint8Array, fileSize: number, file: string): number {
  if (start.length < 8 || fileSize < 8) {
    throw new CheckpointError(`${file} has ${fileSize} bytes, too few for a safetensors file. Fetch it again.`);
  }
  const view = new DataView(start.buffer, start.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length <= headerLimit && 8 + length <= fileSize) return length;
  // Only now: 60 bytes of JSON begin with a `<` as well.
  const other = otherFormat(start);
  if (other !== undefined) throw new CheckpointError(`${file} is not a safetensors file: ${other}`);
  if (length > headerLimit) {
    throw new CheckpointError(
      `${file} is not a safetensors file, or is damaged: its header would have ${length} bytes, allowed are ${headerLimit}. Fetch it again.`,
    );
  }
  throw new CheckpointError(
    `${file} is cut short or damaged: its header has ${length} bytes, but the whole file only ${fileSize}. Fetch it again.`,
  );
}

/**
 * Parses and checks a header.
 *
 * @param bytes - the start of the file, at least the 8 bytes of the length and the whole JSON
 * @param fileSize - the size of the whole file in bytes
 * @param file - the file's path, for messages and the tensors' `file`
 * @throws CheckpointError that names everything that is wrong
 */
export function parseHeader(bytes: Uint8Array, fileSize: number, file: string): SafetensorsHeader {
  const length = headerLength(bytes, fileSize, file);
  const dataStart = 8 + length;
  if (bytes.length < dataStart)
    throw new CheckpointError(`${file}: only ${bytes.length} of the header's ${dataStart} bytes came. Fetch it again.`);
  const { json, text } = parseJson(bytes.subarray(8, dataStart), file);

  const problems: string[] = [];
  const tensors: TensorInfo[] = [];
  for (const name of duplicates(objectKeys(text))) problems.push(`${nameText(name)} appears twice`);
  for (const [name, entry] of Object.entries(json)) {
    if (name === '__metadata__') continue;
    const read = readEntry(name, entry, dataStart, fileSize, file);
    if (typeof read === 'string') problems.push(`${nameText(name)} ${read}`);
    else tensors.push(read);
  }
  tensors.sort((a, b) => a.start - b.start || a.end - b.end);
  // Holes and overlaps follow from any other damage; naming them too would only hide the cause.
  if (problems.length === 0) problems.push(...layoutProblems(tensors, dataStart, fileSize));
  if (problems.length > 0) {
    throw new CheckpointError(
      `The header of ${file} is damaged:${bullets(problems)}\nFetch the file again, or take it from its original place.`,
    );
  }
  return { tensors, metadata: metadataOf(json['__metadata__']), dataStart, size: fileSize };
}

/** What a file is, where its first 8 bytes are those of something else that people mistake for weights. */
function otherFormat(start: Uint8Array): string | undefined {
  const text = String.fromCharCode(...start.subarray(0, 8));
  if (/^\s*</.test(text))
    return "it is a web page (HTML). The file is missing there, or the address is a page's; on huggingface.co write /resolve/ for /blob/.";
  if (text === 'version ')
    return 'it is a Git LFS pointer. Run `git lfs pull` in the repository to get the weights themselves.';
  if (text.startsWith('PK') || text.startsWith('\x80\x02'))
    return 'it is a PyTorch pickle. Save the weights as safetensors.';
  if (text.startsWith('GGUF')) return 'it is a GGUF file. Take the safetensors file of the same model.';
  return undefined;
}

function parseJson(bytes: Uint8Array, file: string): { json: Readonly<Record<string, unknown>>; text: string } {
  const damaged = (why: string, cause?: unknown): CheckpointError =>
    new CheckpointError(`${file} is not a safetensors file, or is damaged: its header ${why}. Fetch it again.`, {
      cause,
    });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw damaged('is not UTF-8 text', cause);
  }
  if (!text.startsWith('{')) throw damaged(`begins with ${JSON.stringify(text.slice(0, 16))} instead of "{"`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged('is not JSON', cause);
  }
  if (!isRecord(json)) throw damaged('is not a JSON object');
  return { json, text };
}

/** The tensor, or what is wrong with it. */
function readEntry(
  name: string,
  entry: unknown,
  dataStart: number,
  fileSize: number,
  file: string,
): TensorInfo | string {
  if (!isRecord(entry)) return 'is not an object with dtype, shape and data_offsets';
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) return `has the dtype ${shown(dtype)}; known are ${Object.keys(dtypeBytes).join(', ')}`;
  if (!isListOfCounts(shape)) return `has the shape ${shown(shape)}; allowed is a list of whole numbers, none below 0`;
  if (!isListOfCounts(offsets) || offsets.length !== 2)
    return `has the data_offsets ${shown(offsets)}; allowed are two whole numbers`;
  const [from = 0, to = 0] = offsets;
  const available = fileSize - dataStart;
  if (from > to) return `has data_offsets that run backwards: [${from}, ${to}]`;
  if (to > available)
    return `ends at byte ${to} of the data, but the file holds only ${available}: it is cut short, or damaged`;
  const bytes = shape.reduce((product, n) => product * n, dtypeBytes[dtype]);
  // A product beyond 2^53 isn't exact, but it is then beyond any file too.
  if (bytes !== to - from)
    return `is ${dtype} of shape ${shapeText(shape)}, ${bytes} bytes, but its data_offsets hold ${to - from}`;
  return { name, dtype, shape, file, start: dataStart + from, end: dataStart + to };
}

/** Overlaps, holes and a surplus at the end, in a list sorted by position. */
function layoutProblems(tensors: readonly TensorInfo[], dataStart: number, fileSize: number): string[] {
  const problems: string[] = [];
  let position = dataStart;
  let before = 'the header';
  for (const { name, start, end } of tensors) {
    if (start < position)
      problems.push(`${nameText(name)} overlaps ${before} by ${Math.min(end, position) - start} bytes`);
    if (start > position) problems.push(`${start - position} bytes before ${nameText(name)} belong to no tensor`);
    if (end > position) {
      position = end;
      before = nameText(name);
    }
  }
  if (position < fileSize) problems.push(`the last ${fileSize - position} bytes of the file belong to no tensor`);
  return problems;
}

function metadataOf(value: unknown): ReadonlyMap<string, string> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function duplicates(names: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  return [...twice];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 60);
}
