/**
 * The kind of an error, for code to branch on. The message says what happened and what to do.
 *
 * - `config`: an invalid value in config.json.
 * - `checkpoint`: weight files that are damaged or do not match the config.
 * - `source`: bytes could not be fetched (HTTP status, network, a missing file).
 * - `input`: an invalid argument: an image, a latent, an option.
 * - `limits`: the work does not fit this device.
 * - `unsupported`: no WebGPU, or a feature that this adapter lacks.
 * - `device-lost`: the GPU device was lost; load the model again.
 * - `gpu`: the driver refused work.
 * - `disposed`: the object was used after `dispose()`.
 * - `worker`: the worker of `createWorkerClient` could not start or failed.
 * - `format`: a `.dcae` file cannot be opened; `FormatError.problem` says why.
 */
export type ErrorCode =
  | 'config'
  | 'checkpoint'
  | 'source'
  | 'input'
  | 'limits'
  | 'unsupported'
  | 'device-lost'
  | 'gpu'
  | 'disposed'
  | 'worker'
  | 'format';

/** The base class of this package's errors. Aborted calls reject with the signal's own reason instead. */
export class DcAeError extends Error {
  override readonly name: string = 'DcAeError';

  /**
   * @param code - the kind of failure, stable across releases
   * @param message - what happened, to what, and what to do about it
   * @param options - `cause`: the underlying error, if any
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An invalid value in config.json. The message names the key, the value and the allowed values. */
export class ConfigError extends DcAeError {
  override readonly name = 'ConfigError';

  constructor(message: string, options?: ErrorOptions) {
    super('config', message, options);
  }
}

/** Weight files that are damaged, incomplete, or do not match the config. */
export class CheckpointError extends DcAeError {
  override readonly name = 'CheckpointError';

  constructor(message: string, options?: ErrorOptions) {
    super('checkpoint', message, options);
  }
}

/** Bytes that could not be fetched: a network failure, an HTTP status, a missing file. */
export class SourceError extends DcAeError {
  override readonly name = 'SourceError';

  /** The HTTP status, if a server answered. */
  readonly status: number | undefined;

  constructor(message: string, options?: ErrorOptions & { status?: number }) {
    super('source', message, options);
    this.status = options?.status;
  }
}

/** An invalid argument: an image, a latent, an option. */
export class InputError extends DcAeError {
  override readonly name = 'InputError';

  constructor(message: string, options?: ErrorOptions) {
    super('input', message, options);
  }
}

/**
 * A failure of the GPU: missing (`unsupported`), too small (`limits`), lost (`device-lost`), or refusing work (`gpu`).
 */
export class DeviceError extends DcAeError {
  override readonly name = 'DeviceError';

  constructor(code: 'limits' | 'unsupported' | 'device-lost' | 'gpu', message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** The worker of `createWorkerClient` could not start, or failed later. */
export class WorkerError extends DcAeError {
  override readonly name = 'WorkerError';

  constructor(message: string, options?: ErrorOptions) {
    super('worker', message, options);
  }
}

/** An object was used after its `dispose()`. */
export class DisposedError extends DcAeError {
  override readonly name = 'DisposedError';

  constructor(what: string) {
    super(
      'disposed',
      `This ${what} was used after its dispose(). Call dispose() after the last use, or create a new one.`,
    );
  }
}

/**
 * The reason why a `.dcae` file cannot be opened.
 *
 * - `not-dcae`: the file is not a `.dcae` file.
 * - `version`: a later version of the format.
 * - `unsupported`: the file has a required section that this version does not know.
 * - `truncated`: the end of the file is missing.
 * - `trailing`: bytes follow the end of the file.
 * - `damaged`: a checksum or a value is wrong.
 * - `too-large`: the file declares more data than its bytes can hold, or than the caller allows.
 * - `wrong-model`: the file was made with another checkpoint; `FormatError.needed` names it.
 */
export type FormatProblem =
  'not-dcae' | 'version' | 'unsupported' | 'truncated' | 'trailing' | 'damaged' | 'too-large' | 'wrong-model';

/** A `.dcae` file that cannot be opened, or not with this model. */
export class FormatError extends DcAeError {
  override readonly name = 'FormatError';

  /** For `wrong-model`: the checkpoint that the file needs, `owner/name` on the hub or a URL, if the file names it. */
  readonly needed: string | undefined;

  constructor(
    readonly problem: FormatProblem,
    message: string,
    options?: ErrorOptions & { needed?: string | undefined },
  ) {
    super('format', message, options);
    this.needed = options?.needed;
  }
}
