/** Plans byte ranges to request: few of them, with few bytes that nobody needs. */
import { CheckpointError } from '../../errors.ts';
import type { TensorInfo } from '../format/tensor_info.ts';

/** One request: the bytes `[start, end)` of a file. */
export interface ReadWindow {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** The requests in order, and the tensors in the order in which their bytes arrive. */
export interface ReadPlan<Info extends TensorInfo> {
  readonly tensors: readonly Info[];
  readonly windows: readonly ReadWindow[];
}

/** Gaps up to this length are read through, which costs less than another request. */
const MAX_GAP_BYTES = 64 * 1024;
/** The most that all gaps may add to the bytes that are needed. */
const MAX_GAP_SHARE = 0.005;

/**
 * Joins the tensors' ranges into runs, and cuts the runs into windows at multiples of `windowBytes` in the file. Tabs
 * that read the same file therefore request the same windows. A file that is not seekable becomes one run and one
 * window.
 *
 * @param windowBytes - the most bytes in a window
 * @param seekable - whether a file can be read from the middle
 * @param whole - the sizes of files that are read from the first byte to the last, even if only parts of them are
 * needed
 * @throws CheckpointError if two tensors share bytes
 */
export function planReads<Info extends TensorInfo>(
  infos: readonly Info[],
  windowBytes: number,
  seekable: (file: string) => boolean,
  whole: ReadonlyMap<string, number> = new Map(),
): ReadPlan<Info> {
  const tensors = [...infos].sort((a, b) => compare(a.file, b.file) || a.start - b.start || a.end - b.end);
  const solid = tensors.filter(({ start, end }) => end > start);
  const joined = gapsToRead(solid);
  const runs: { file: string; start: number; end: number }[] = [];
  for (const tensor of solid) {
    const run = runs.at(-1);
    const gap = run?.file === tensor.file ? tensor.start - run.end : undefined;
    if (gap !== undefined && gap < 0) {
      throw new CheckpointError(
        `${tensor.file}: "${tensor.name}" shares bytes with another tensor. Fetch the file again.`,
      );
    }
    if (run !== undefined && gap !== undefined && (gap === 0 || joined.has(tensor) || !seekable(tensor.file)))
      run.end = tensor.end;
    else runs.push({ file: tensor.file, start: tensor.start, end: tensor.end });
  }
  const inFull = [...whole].map(([file, size]) => ({ file, start: 0, end: size }));
  const all = [...runs.filter(({ file }) => !whole.has(file)), ...inFull].sort((a, b) => compare(a.file, b.file));
  const windows: ReadWindow[] = [];
  for (const { file, start, end } of all) {
    const step = seekable(file) ? Math.max(8, windowBytes) : Infinity;
    for (let from = start; from < end;) {
      const to = Math.min(end, step === Infinity ? end : (Math.floor(from / step) + 1) * step);
      windows.push({ file, start: from, end: to });
      from = to;
    }
  }
  return { tensors, windows };
}

/** Chooses gaps to read through, the shortest first. Returns the tensors after them. */
function gapsToRead<Info extends TensorInfo>(tensors: readonly Info[]): ReadonlySet<Info> {
  const gaps: { tensor: Info; length: number }[] = [];
  let needed = 0;
  let previous: Info | undefined;
  for (const tensor of tensors) {
    needed += tensor.end - tensor.start;
    const length = previous?.file === tensor.file ? tensor.start - previous.end : 0;
    if (length > 0 && length <= MAX_GAP_BYTES) gaps.push({ tensor, length });
    previous = tensor;
  }
  const chosen = new Set<Info>();
  let left = needed * MAX_GAP_SHARE;
  for (const { tensor, length } of gaps.sort((a, b) => a.length - b.length)) {
    left -= length;
    if (left < 0) break;
    chosen.add(tensor);
  }
  return chosen;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
