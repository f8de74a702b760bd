/** Reads JSON fields one by one and remembers every complaint, so that one error can name them all. */

/** A JSON object whose values have not been checked. */
type JsonObject = Readonly<Record<string, unknown>>;

/** Whether `value` is a JSON object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `value` as JSON for a message, cut to about 60 characters. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  let text: string;
  try {
    text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Turns one JSON value into a `T`, or complains (naming `path`) and returns `undefined`. */
export type Reader<T> = (value: unknown, path: string, complain: Complain) => T | undefined;

/** Notes that the value at `path` was `was` (in words, see `show`) where only `allowed` will do. */
export type Complain = (path: string, was: string, allowed: string) => void;

/** A whole number between `min` and `max`, both included. */
export function integer(min: number, max: number): Reader<number> {
  return (value, path, complain) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    complain(path, show(value), `a whole number from ${min} to ${max}`);
    return undefined;
  };
}

/** `true` or `false`, and nothing that merely looks like it. */
export const flag: Reader<boolean> = (value, path, complain) => {
  if (typeof value === 'boolean') return value;
  complain(path, show(value), 'true or false');
  return undefined;
};

/** Any string. */
export const text: Reader<string> = (value, path, complain) => {
  if (typeof value === 'string') return value;
  complain(path, show(value), 'a string');
  return undefined;
};

/** A finite number other than zero: latents are divided by it. */
export const nonZero: Reader<number> = (value, path, complain) => {
  if (typeof value === 'number' && Number.isFinite(value) && value !== 0) return value;
  complain(path, show(value), 'a finite number other than 0');
  return undefined;
};

/** A finite number above zero. */
export const positive: Reader<number> = (value, path, complain) => {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  complain(path, show(value), 'a finite number above 0');
  return undefined;
};

/**
 * A string out of `choices`, keyed by how it may be written.
 *
 * @param foldCase - compare in lower case
 * @param rejected - strings that deserve a reason of their own
 */
export function oneOf<T>(
  choices: ReadonlyMap<string, T>,
  { foldCase = false, rejected }: { foldCase?: boolean; rejected?: ReadonlyMap<string, string> } = {},
): Reader<T> {
  const names = [...choices.keys()].map((name) => `"${name}"`).join(', ');
  return (value, path, complain) => {
    const key = typeof value === 'string' && foldCase ? value.toLowerCase() : value;
    if (typeof key === 'string') {
      const choice = choices.get(key);
      if (choice !== undefined) return choice;
      const reason = rejected?.get(key);
      if (reason !== undefined) {
        complain(path, show(value), `${names} (${reason})`);
        return undefined;
      }
    }
    complain(path, show(value), names);
    return undefined;
  };
}

/** A list of anything from `min` to `max` items long, each read by `item`; `undefined` as soon as one item is wrong. */
export function listOf<T>(item: Reader<T>, min: number, max: number): Reader<readonly T[]> {
  return (value, path, complain) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      complain(path, Array.isArray(value) ? listLength(value) : show(value), `a list of ${min} to ${max} items`);
      return undefined;
    }
    const items: T[] = [];
    for (const [i, entry] of value.entries()) {
      const read = item(entry, `${path}[${i}]`, complain);
      if (read !== undefined) items.push(read);
    }
    return items.length === value.length ? items : undefined;
  };
}

/** A list for a message, in words that say its length as well. */
export function listLength(value: readonly unknown[]): string {
  return `a list of ${value.length}: ${show(value)}`;
}
