/**
 * What went wrong, in a word that code can branch on. The message says it to a person and names the remedy.
 *
 * - `config`: a config.json whose value can't be used.
 * - `checkpoint`: weight files that are damaged, or don't belong to the config.
 * - `source`: bytes could not be had (HTTP status, network, a missing file).
 * - `input`: an argument of the caller's: an image, a latent, an option.
 * - `limits`: the work doesn't fit this device.
 * - `unsupported`: no WebGPU, or a feature that this adapter lacks.
 * - `device-lost`: the GPU device went away; make a new one and load again.
 * - `gpu`: the driver refused work that should have been valid; please report it.
 * - `disposed`: the object was used after `dispose()`.
 * - `format`: a `.dcae` file that can't be opened; `FormatError.problem` says why.
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
  | 'format';

/** The base of every error that this package throws on purpose. Aborted calls reject with the signal's own reason instead. */
export class DcAeError extends Error {
  override readonly name: string = 'DcAeError';

  /**
   * @param code - the kind of failure, stable across releases
   * @param message - what happened, to what, and what to do about it
   * @param options - `cause`: the error underneath, where there is one
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A value in config.json that can't be used; names the key, what it was and what is allowed. */
export class ConfigError extends DcAeError {
  override readonly name = 'ConfigError';

  constructor(message: string, options?: ErrorOptions) {
    super('config', message, options);
  }
}

/** Weight files that are damaged, incomplete, or don't belong to the config. */
export class CheckpointError extends DcAeError {
  override readonly name = 'CheckpointError';

  constructor(message: string, options?: ErrorOptions) {
    super('checkpoint', message, options);
  }
}

/** Bytes that could not be had: the network, an HTTP status, a file that isn't there. */
export class SourceError extends DcAeError {
  override readonly name = 'SourceError';

  /** The HTTP status, where a server answered with one. */
  readonly status: number | undefined;

  constructor(message: string, options?: ErrorOptions & { status?: number }) {
    super('source', message, options);
    this.status = options?.status;
  }
}

/** An argument of the caller's that can't be used: an image, a latent, an option. */
export class InputError extends DcAeError {
  override readonly name = 'InputError';

  constructor(message: string, options?: ErrorOptions) {
    super('input', message, options);
  }
}

/** The GPU: missing (`unsupported`), too small (`limits`), gone (`device-lost`), or refusing valid work (`gpu`). */
export class DeviceError extends DcAeError {
  override readonly name = 'DeviceError';

  constructor(code: 'limits' | 'unsupported' | 'device-lost' | 'gpu', message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** The object was used after its `dispose()`. */
export class DisposedError extends DcAeError {
  override readonly name = 'DisposedError';

  constructor(what: string) {
    super('disposed', `This ${what} was disposed of. Keep it until its last use, or make a new one.`);
  }
}

/**
 * Why a `.dcae` file can't be opened.
 *
 * - `not-dcae`: it is something else.
 * - `version`: it was written for a later version of this format.
 * - `unsupported`: it has a part that must be understood, and that this version doesn't know.
 * - `truncated`: its end is missing.
 * - `trailing`: something follows its end.
 * - `damaged`: a checksum or a value in it is wrong.
 * - `too-large`: it asks for more memory than its bytes can account for, or than the caller allows.
 * - `wrong-model`: it was made with another checkpoint than the one at hand; `FormatError.needed` says with which.
 */
export type FormatProblem =
  'not-dcae' | 'version' | 'unsupported' | 'truncated' | 'trailing' | 'damaged' | 'too-large' | 'wrong-model';

/** A `.dcae` file that can't be opened, or not with this model. */
export class FormatError extends DcAeError {
  override readonly name = 'FormatError';

  /** With `wrong-model`: the checkpoint that the file needs, `owner/name` on the hub or an address, where the file says so. */
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
