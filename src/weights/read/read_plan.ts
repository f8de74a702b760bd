/** Which byte ranges to ask for, so that few requests bring little that isn't wanted. */
import { CheckpointError } from '../../errors.ts';
import type { TensorInfo } from '../format/tensor_info.ts';

/** Bytes `[start, end)` of a file: one request. */
export interface ReadWindow {
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

/** What to read, in order, and the tensors in the order in which their bytes come. */
export interface ReadPlan {
  readonly tensors: readonly TensorInfo[];
  readonly windows: readonly ReadWindow[];
}

/** Reading through a gap this long costs less than another request... */
const longestGap = 64 * 1024;
/** ...as long as all gaps together stay below this part of what is needed. */
const gapShare = 0.005;

/**
 * Joins the tensors' ranges into runs and cuts the runs into windows at multiples of `window` in the file, so that whoever reads the
 * same file asks for the same windows. A file that can't be read from the middle becomes one run
 * and one window.
 *
 * @param window - bytes in a window at most
 * @param seekable - whether a file can be read from the middle
 * @param whole - sizes of files that are to be read from their first byte to their last, whatever is wanted of them
 * @throws CheckpointError where two tensors share bytes
 */
export function planReads(
  infos: readonly TensorInfo[],
  window: number,
  seekable: (file: string) => boolean,
  whole: ReadonlyMap<string, number> = new Map(),
): ReadPlan {
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
    const step = seekable(file) ? Math.max(8, window) : Infinity;
    for (let from = start; from < end;) {
      const to = Math.min(end, step === Infinity ? end : (Math.floor(from / step) + 1) * step);
      windows.push({ file, start: from, end: to });
      from = to;
    }
  }
  return { tensors, windows };
}

/** The tensors that are read together with the one before, though a gap lies between: the shortest gaps first. */
function gapsToRead(tensors: readonly TensorInfo[]): ReadonlySet<TensorInfo> {
  const gaps: { tensor: TensorInfo; length: number }[] = [];
  let needed = 0;
  let previous: TensorInfo | undefined;
  for (const tensor of tensors) {
    needed += tensor.end - tensor.start;
    const length = previous?.file === tensor.file ? tensor.start - previous.end : 0;
    if (length > 0 && length <= longestGap) gaps.push({ tensor, length });
    previous = tensor;
  }
  const chosen = new Set<TensorInfo>();
  let left = needed * gapShare;
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
