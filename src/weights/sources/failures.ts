/** The ways in which a source fails, told apart: the file is missing, access is refused, or another try may help. */
import { DcAeError, SourceError } from '../../errors.ts';

/** A failure that another try may mend: a busy server, or a broken connection. */
export class TransientError extends SourceError {
  /** The pause that the server asks for before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options?: ErrorOptions & { status?: number; retryAfterMs?: number }) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** A web page arrived instead of a file. Many servers answer so, with status 200, for a file that does not exist. */
export class WebPageError extends SourceError {
  constructor(url: string, options?: ErrorOptions & { status?: number }) {
    super(
      `${url} answered with a web page (HTML) instead of the file. Either the file does not exist there, or ` +
        'this is the ' +
        'address of a page: on a hub or its mirror, write /resolve/ instead of /blob/ or /tree/.',
      options,
    );
  }
}

/** The repository or its revision is missing or closed, so no other file of it can be read either. */
export class RepoError extends SourceError {}

/** Whether `error` says that a file does not exist: status 404 or 410, "not found" of a file system, or a web page. */
export function isMissing(error: unknown): boolean {
  if (error instanceof WebPageError) return true;
  if (error instanceof RepoError || typeof error !== 'object' || error === null) return false;
  if ('status' in error && (error.status === 404 || error.status === 410)) return true;
  if ('code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return true;
  return 'name' in error && (error.name === 'NotFoundError' || error.name === 'NotFound'); // the latter is Deno's
}

/**
 * Whether `error` may mean that a file does not exist. Storage servers that do not let anyone list their files (S3,
 * CloudFront) answer 401 or 403 for a missing one.
 */
export function mayBeMissing(error: unknown): boolean {
  if (isMissing(error)) return true;
  if (error instanceof RepoError || typeof error !== 'object' || error === null || !('status' in error)) return false;
  return error.status === 401 || error.status === 403;
}

/** Whether another try could help. Errors of this package say so themselves; all others count as network failures. */
export function isTransient(error: unknown): boolean {
  return error instanceof TransientError || !(error instanceof DcAeError || mayBeMissing(error));
}

/** Wraps an error of a caller's source in a `SourceError`. Errors of this package pass unchanged. */
export function asSourceError(error: unknown, path: string): DcAeError {
  if (error instanceof DcAeError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  if (isMissing(error)) return missingFile(path, detail, error);
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return new SourceError(`${path} could not be read (${detail}). Check the connection or the disk, then load again.`, {
    cause: error,
    ...(typeof status === 'number' && { status }),
  });
}

/** The error for a file that a source does not have. */
export function missingFile(path: string, detail: string, cause?: unknown): SourceError {
  return new SourceError(`${path} does not exist (${detail}). Check the address of the source.`, {
    status: 404,
    cause,
  });
}
