/** Failures of the page itself; the library has typed errors of its own. */

/** No WebGPU: the page is not secure, or the browser has none. */
export class PageError extends Error {
  override readonly name = 'PageError';

  constructor(
    readonly code: 'insecure' | 'no-webgpu',
    message: string,
  ) {
    super(message);
  }
}

/** The user pressed Cancel: unlike work that newer work replaces, this is worth a notice. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** Returns the name and message of anything that was thrown. */
export function detailOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
