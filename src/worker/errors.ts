/** Errors as they cross between threads: structured cloning would make a plain `Error` of each of our classes. */
import {
  CheckpointError,
  ConfigError,
  DcAeError,
  DeviceError,
  DisposedError,
  FormatError,
  InputError,
  SourceError,
  type ErrorCode,
  type FormatProblem,
} from '../errors.ts';

/** An error in parts, or whatever else was thrown. */
export type SerializedError =
  | { readonly kind: 'value'; readonly value: unknown }
  | {
      readonly kind: 'error';
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly code: ErrorCode | undefined;
      readonly status: number | undefined;
      readonly problem: FormatProblem | undefined;
      readonly cause: SerializedError | undefined;
    };

/** How many causes of causes come along. */
const depth = 4;

/** Takes an error apart. */
export function serializeError(error: unknown, left = depth): SerializedError {
  // A DOMException (an abort's reason) crosses as it is.
  if (typeof DOMException !== 'undefined' && error instanceof DOMException) return { kind: 'value', value: error };
  if (error instanceof Error) {
    return {
      kind: 'error',
      name: error.name,
      message: error.message,
      stack: error.stack,
      code: error instanceof DcAeError ? error.code : undefined,
      status: error instanceof SourceError ? error.status : undefined,
      problem: error instanceof FormatError ? error.problem : undefined,
      cause: error.cause === undefined || left === 0 ? undefined : serializeError(error.cause, left - 1),
    };
  }
  try {
    return { kind: 'value', value: structuredClone(error) };
  } catch {
    return { kind: 'value', value: String(error) };
  }
}

/** Puts an error together again, of the class that it had. */
export function deserializeError(packed: SerializedError): unknown {
  if (packed.kind === 'value') return packed.value;
  const error = revive(packed);
  if (packed.stack !== undefined) error.stack = packed.stack;
  return error;
}

type Parts = Extract<SerializedError, { kind: 'error' }>;

function revive({ name, message, code, status, problem, cause }: Parts): Error {
  const options: ErrorOptions = cause === undefined ? {} : { cause: deserializeError(cause) };
  switch (code) {
    case undefined:
      return Object.assign(new Error(message, options), { name });
    case 'config':
      return new ConfigError(message, options);
    case 'checkpoint':
      return new CheckpointError(message, options);
    case 'source':
      return new SourceError(message, { ...options, ...(status !== undefined && { status }) });
    case 'input':
      return new InputError(message, options);
    case 'format':
      return new FormatError(problem ?? 'damaged', message, options);
    case 'disposed':
      return Object.assign(new DisposedError('object'), { message });
    case 'limits':
    case 'unsupported':
    case 'device-lost':
    case 'gpu':
      return new DeviceError(code, message, options);
  }
}
