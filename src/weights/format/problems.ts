/** Long lists of complaints, made short enough to read. */

/** The first `limit` lines, and how many more there are. */
export function capped(lines: readonly string[], limit = 12): string[] {
  const more = lines.length - limit;
  // One line over the limit is printed: "and 1 more" would be no shorter.
  return more <= 1 ? [...lines] : [...lines.slice(0, limit), `and ${more} more`];
}

/** `lines` as a bulleted list, capped. */
export function bullets(lines: readonly string[], limit = 12): string {
  return capped(lines, limit)
    .map((line) => `\n- ${line}`)
    .join('');
}

/** A shape as it is printed: `[128, 3, 3, 3]`. What is hostile is cut short. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? `, ... (${shape.length} dimensions)` : ''}]`;
}

/** A name out of a file as it is printed: in quotes, on one line, cut to about 120 characters. */
export function nameText(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}
