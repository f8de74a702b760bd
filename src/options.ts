import { InputError } from './errors.ts';

/**
 * A check of an options object. `keyof T` keeps the list of names complete: a name that is missing from `known`, or one
 * too many, does not compile.
 *
 *     const checkRunOptions = optionsCheck<RunOptions>({ signal: true, onProgress: true, … });
 *     checkRunOptions('encode', options);
 *
 * @param known - every option's name
 * @returns a function that throws an InputError for an unknown option, naming the most similar known one. Options that
 * are `undefined` pass.
 */
export function optionsCheck<T extends object>(
  known: Readonly<Record<keyof T, true>>,
): (method: string, options: T) => void {
  const names = Object.keys(known);
  return (method, options) => {
    const given: unknown = options;
    if (typeof given !== 'object' || given === null) {
      throw new InputError(`${method}'s options must be an object; they were ${String(given)}.`);
    }
    for (const [name, value] of Object.entries(given)) {
      if (value === undefined || Object.hasOwn(known, name)) continue;
      const nearest = nearestName(name, names);
      throw new InputError(
        `${method} has no option "${name}". ` +
          (nearest === undefined ? `Its options are ${names.join(', ')}.` : `Did you mean "${nearest}"?`),
      );
    }
  };
}

/** The known name most similar to `name`, if any is similar: `progress_callback` gives `onProgress`. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const given = plain(name);
  const [best] = known
    .map((candidate) => ({ candidate, score: similarity(given, plain(candidate)) }))
    .sort((a, b) => b.score - a.score);
  return best && best.score >= 0.6 ? best.candidate : undefined;
}

/**
 * 1 for equal words, towards 0 for unlike ones: by edits, or by the longest run of at least four letters that both
 * share.
 */
function similarity(a: string, b: string): number {
  const byEdits = 1 - editDistance(a, b) / Math.max(a.length, b.length, 1);
  const shared = longestSharedRun(a, b);
  return shared < 4 ? byEdits : Math.max(byEdits, (0.99 * shared) / Math.min(a.length, b.length));
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function longestSharedRun(a: string, b: string): number {
  let longest = 0;
  for (let start = 0; start + longest < a.length; start++) {
    while (start + longest < a.length && b.includes(a.slice(start, start + longest + 1))) longest += 1;
  }
  return longest;
}
