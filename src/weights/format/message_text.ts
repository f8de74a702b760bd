/** Text for error messages: long lists are cut, and names from files stay on one line. */

/** The first `limit` lines, and the number of the others. */
function capped(lines: readonly string[], limit: number): string[] {
  const more = lines.length - limit;
  // A single extra line is printed: "and 1 more" would be no shorter.
  return more <= 1 ? [...lines] : [...lines.slice(0, limit), `and ${more} more`];
}

/** Formats `lines` as a bulleted list of at most `limit` entries. */
export function bullets(lines: readonly string[], limit = 12): string {
  return capped(lines, limit)
    .map((line) => `\n- ${line}`)
    .join('');
}

/** Joins `items` with commas, at most `limit` of them. */
export function commaList(items: readonly string[], limit = 6): string {
  return items.length === 0
    ? 'none'
    : capped(items, limit)
        .join(', ')
        .replace(/, (and \d+ more)$/, ' $1');
}

/** Formats a shape as `[128, 3, 3, 3]`, cut after eight dimensions. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.slice(0, 8).join(', ')}${shape.length > 8 ? `, ... (${shape.length} dimensions)` : ''}]`;
}

/** Quotes a name from a file, on one line and cut to about 120 characters. */
export function nameText(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);
}
