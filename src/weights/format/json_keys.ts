/**
 * Lists the keys of the outermost object of `json`, in order and with repetitions. `JSON.parse` cannot: it keeps the
 * last of two entries that share a key.
 *
 * @param json - the text of an object, which `JSON.parse` has accepted
 */
export function objectKeys(json: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  let expectKey = false;
  for (let i = 0; i < json.length; i++) {
    switch (json.charCodeAt(i)) {
      case 0x7b: // {
      case 0x5b: // [
        depth++;
        expectKey = depth === 1;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
      case 0x2c: // ,
        expectKey = depth === 1;
        break;
      case 0x22: {
        // "
        const start = i;
        i = endOfString(json, i);
        if (expectKey) keys.push(String(JSON.parse(json.slice(start, i + 1))));
        expectKey = false;
        break;
      }
    }
  }
  return keys;
}

/** The index of the quote that ends the string which begins at `start`. */
function endOfString(json: string, start: number): number {
  for (let i = start + 1; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) return i;
  }
  return json.length;
}
