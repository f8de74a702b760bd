/** What can go wrong between us and the bytes, told apart: gone, not what was meant, worth another try. */
import { DcAeError, SourceError } from '../../errors.ts';

/** An answer from a server, or an interruption, that another try may well mend. */
export class TransientError extends SourceError {
  /** How long the server asks us to wait before the next try, in milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(message: string, options?: ErrorOptions & { status?: number; retryAfter?: number }) {
    super(message, options);
    this.retryAfter = options?.retryAfter;
  }
}

/** A web page came where a file was meant: what many servers answer, with status 200, for a file that isn't there. */
export class WebPageError extends SourceError {
  constructor(where: string, options?: ErrorOptions & { status?: number }) {
    super(
      `${where} answered with a web page (HTML) instead of the file. The file is missing there, or the address is a page's and not a ` +
        "file's: give the folder that holds config.json (on huggingface.co: https://huggingface.co/<repository>/resolve/main/).",
      options,
    );
  }
}

/** There is no such repository, or no such revision of it: looking for other files there is of no use. */
export class NoRepositoryError extends SourceError {}

/** Whether `error` says that a file isn't there: status 404 or 410, a file system's "not found", or a web page in its place. */
export function isMissing(error: unknown): boolean {
  if (error instanceof WebPageError) return true;
  if (error instanceof NoRepositoryError) return false;
  if (typeof error !== 'object' || error === null) return false;
  if ('status' in error && (error.status === 404 || error.status === 410)) return true;
  return ('code' in error && error.code === 'ENOENT') || ('name' in error && error.name === 'NotFoundError');
}

/** Whether another try could help: the network broke, or the server was busy. Our own errors say so themselves. */
export function isTransient(error: unknown): boolean {
  return error instanceof TransientError || !(error instanceof DcAeError || isMissing(error));
}

/** `error` as one of ours: what a source of the caller's throws becomes the cause of a `SourceError`. */
export function asSourceError(error: unknown, path: string): DcAeError {
  if (error instanceof DcAeError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  if (isMissing(error))
    return new SourceError(`${path} isn't there (${detail}). Check the source's address.`, {
      cause: error,
      status: 404,
    });
  return new SourceError(`${path} could not be read (${detail}). Check the connection or the disk, then load again.`, {
    cause: error,
  });
}

/** Rejects with the signal's reason once it aborts, whatever `promise` does; `promise` itself is left to end on its own. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', abort);
    });
  });
}
