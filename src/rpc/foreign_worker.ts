/** Workers whose script is on another origin than the page, as with a package from a CDN. */

/**
 * The scheme of the small module that imports the script. Chromium starts no `blob:` module in a sandboxed frame; a
 * `data:` module would lose the origin, and with it the cache.
 */
export function foreignScheme(): 'blob:' | 'data:' {
  return globalThis.origin === 'null' ? 'data:' : 'blob:';
}

/**
 * Starts a module worker whose script may be on another origin. Browsers only start scripts of the page's own origin,
 * so a small module imports the script. The script's server must send `Access-Control-Allow-Origin`.
 *
 * @param file - the script's path, relative to `base`. It is a parameter because bundlers replace literals.
 * @param base - the address of the importing module
 * @returns undefined if the script is on the page's own origin, or is not on an HTTP server
 */
export function startForeignWorker(file: string, base: string, name = ''): Worker | undefined {
  const script = new URL(file, base);
  if (!/^https?:$/.test(script.protocol) || script.origin === globalThis.origin) return undefined;
  const code = `import ${JSON.stringify(script.href)};`;
  if (foreignScheme() === 'data:') {
    return new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: 'module', name });
  }
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module', name });
  const revoke = (): void => URL.revokeObjectURL(url);
  worker.addEventListener('message', revoke, { once: true });
  worker.addEventListener('error', revoke, { once: true });
  return worker;
}
