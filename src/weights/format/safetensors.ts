/**
 * Parses the header of a safetensors file: 8 bytes of little-endian length N, then N bytes of JSON, then the tensors'
 * bytes without gaps. Source: https://github.com/huggingface/safetensors, "Format", and the checks in its
 * `safetensors/src/tensor.rs`.
 */
import { CheckpointError } from '../../errors.ts';
import { objectKeys } from './json_keys.ts';
import { bullets, nameText, shapeText } from './message_text.ts';
import { DTYPE_BYTES, type TensorInfo } from './tensor_info.ts';

/** The longest header that is accepted, as in the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;

/** The bytes before the JSON, which hold its length. */
export const LENGTH_BYTES = 8;

/** The contents of a file's header. */
export interface SafetensorsHeader {
  /** Sorted by position in the file. */
  readonly tensors: readonly TensorInfo[];
  /** The position of the tensors' first byte. It is not aligned. */
  readonly dataStart: number;
  /** The file's size in bytes. */
  readonly size: number;
}

/**
 * Reads the length of the JSON from the file's first 8 bytes.
 *
 * @throws CheckpointError if the file cannot hold a header of that length
 */
export function headerLength(start: Uint8Array, fileSize: number, file: string): number {
  if (start.length < LENGTH_BYTES || fileSize < LENGTH_BYTES) {
    throw new CheckpointError(`${file} has ${fileSize} bytes, too few for a safetensors file. Fetch it again.`);
  }
  const length = lengthField(start);
  if (length <= MAX_HEADER_BYTES && LENGTH_BYTES + length <= fileSize) return length;
  // Other formats are looked for only now: the length field of a valid header may begin with `<` (60), too.
  const other = otherFormat(start);
  if (other !== undefined) throw new CheckpointError(`${file} is not a safetensors file: ${other}`);
  if (length > MAX_HEADER_BYTES) {
    throw new CheckpointError(
      `${file} is not a safetensors file, or is damaged: its header would have ${length} bytes; allowed are ` +
        `${MAX_HEADER_BYTES}. Fetch it again.`,
    );
  }
  throw new CheckpointError(
    `${file} is cut short or damaged: its header has ${length} bytes, but the whole file has ${fileSize}. ` +
      'Fetch it again.',
  );
}

/**
 * The size of a safetensors file by its own header, for servers that do not send a length; `undefined` if `start` does
 * not hold a whole header.
 *
 * @param start - the file's first bytes
 */
export function impliedFileSize(start: Uint8Array): number | undefined {
  if (start.length < LENGTH_BYTES) return undefined;
  const dataStart = LENGTH_BYTES + lengthField(start);
  if (dataStart > start.length) return undefined;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(start.subarray(LENGTH_BYTES, dataStart)));
    const entries = isRecord(json) ? Object.values(json) : [];
    const ends = entries.map((entry) =>
      isRecord(entry) && isListOfCounts(entry['data_offsets']) ? entry['data_offsets'][1] : 0,
    );
    return dataStart + ends.reduce<number>((end, next = 0) => Math.max(end, next), 0);
  } catch {
    return undefined;
  }
}

/**
 * Parses and checks a header. A tensor of an unknown number format is kept: it may be one that nobody needs.
 *
 * @param bytes - the start of the file: at least the length and the whole JSON
 * @param fileSize - the size of the whole file in bytes
 * @param file - the file's path, for messages and for the tensors' `file`
 * @throws CheckpointError that lists everything that is wrong
 */
export function parseHeader(bytes: Uint8Array, fileSize: number, file: string): SafetensorsHeader {
  const length = headerLength(bytes, fileSize, file);
  const dataStart = LENGTH_BYTES + length;
  if (bytes.length < dataStart) {
    throw new CheckpointError(
      `${file}: only ${bytes.length} of the header's ${dataStart} bytes arrived. Fetch the file again.`,
    );
  }
  const { json, text } = parseJson(bytes.subarray(LENGTH_BYTES, dataStart), file);

  const problems: string[] = [];
  const tensors: TensorInfo[] = [];
  for (const name of duplicates(objectKeys(text))) problems.push(`${nameText(name)} appears twice`);
  for (const [name, entry] of Object.entries(json)) {
    if (name === '__metadata__') continue;
    const tensor = readEntry(name, entry, dataStart, fileSize, file);
    if (typeof tensor === 'string') problems.push(`${nameText(name)} ${tensor}`);
    else tensors.push(tensor);
  }
  tensors.sort((a, b) => a.start - b.start || a.end - b.end);
  // Gaps and overlaps follow from any other damage; listing them too would hide the cause.
  if (problems.length === 0) problems.push(...layoutProblems(tensors, dataStart, fileSize));
  if (problems.length > 0) {
    throw new CheckpointError(
      `The header of ${file} is damaged:${bullets(problems)}\nFetch the file again, or take it from its ` +
        'original place.',
    );
  }
  return { tensors, dataStart, size: fileSize };
}

function lengthField(start: Uint8Array): number {
  const view = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES);
  return view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
}

/** Names another format that people mistake for safetensors, with the remedy; `undefined` if it is not recognised. */
function otherFormat(start: Uint8Array): string | undefined {
  const text = String.fromCharCode(...start.subarray(0, LENGTH_BYTES));
  if (/^\s*</.test(text)) {
    return (
      'it is a web page (HTML). The file does not exist there, or the address is that of a page; on ' +
      'huggingface.co write ' +
      '/resolve/ instead of /blob/.'
    );
  }
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

/** The tensor of a header's entry, or what is wrong with the entry. */
function readEntry(
  name: string,
  entry: unknown,
  dataStart: number,
  fileSize: number,
  file: string,
): TensorInfo | string {
  if (!isRecord(entry)) return 'is not an object with dtype, shape and data_offsets';
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || dtype === '')
    return `has the dtype ${shown(dtype)}; allowed is a name such as "F32"`;
  if (!isListOfCounts(shape)) return `has the shape ${shown(shape)}; allowed is a list of whole numbers from 0`;
  if (!isListOfCounts(offsets) || offsets.length !== 2)
    return `has the data_offsets ${shown(offsets)}; allowed are two whole numbers`;
  const [from = 0, to = 0] = offsets;
  const available = fileSize - dataStart;
  if (from > to) return `has data_offsets that run backwards: [${from}, ${to}]`;
  if (to > available)
    return `ends at byte ${to} of the data, but the file holds only ${available}: it is cut short, or damaged`;
  const bytesEach = Object.hasOwn(DTYPE_BYTES, dtype) ? DTYPE_BYTES[dtype] : undefined;
  if (bytesEach !== undefined) {
    // A product beyond 2^53 is not exact, but it is larger than any file, too.
    const bytes = shape.reduce((product, n) => product * n, bytesEach);
    if (bytes !== to - from)
      return `is ${dtype} of shape ${shapeText(shape)}, ${bytes} bytes, but its data_offsets hold ${to - from}`;
  }
  return { name, dtype, shape, file, start: dataStart + from, end: dataStart + to };
}

/** Overlaps, gaps and surplus bytes at the end, in a list sorted by position. */
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
