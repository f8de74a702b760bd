/** Errors of the command line. */

/** A command that cannot be understood. The exit status is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A file or a program that is missing. The message names the remedy, so no stack is printed. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/** The code of an error of Node, such as `ENOENT`; `undefined` if it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
