/**
 * Errors on their way between threads. Structured cloning would turn each error class of this package into a plain
 * `Error`.
 */
import {
  CheckpointError,
  ConfigError,
  DcAeError,
  DeviceError,
  DisposedError,
  FormatError,
  InputError,
  SourceError,
  WorkerError,
  type ErrorCode,
  type FormatProblem,
} from '../errors.ts';

/** The fields of an error, or another thrown value. */
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
      readonly needed: string | undefined;
      readonly cause: SerializedError | undefined;
    };

/** Number of nested causes that are sent along. */
const MAX_CAUSES = 4;

/** Turns an error into an object that survives structured cloning. */
export function serializeError(error: unknown, causesLeft = MAX_CAUSES): SerializedError {
  // A DOMException, such as the reason of an abort, survives structured cloning.
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
      needed: error instanceof FormatError ? error.needed : undefined,
      cause: error.cause === undefined || causesLeft === 0 ? undefined : serializeError(error.cause, causesLeft - 1),
    };
  }
  try {
    return { kind: 'value', value: structuredClone(error) };
  } catch {
    return { kind: 'value', value: String(error) };
  }
}

/** Restores an error in its original class. */
export function deserializeError(serialized: SerializedError): unknown {
  if (serialized.kind === 'value') return serialized.value;
  const error = restore(serialized);
  if (serialized.stack !== undefined) error.stack = serialized.stack;
  return error;
}

type ErrorFields = Extract<SerializedError, { kind: 'error' }>;

function restore({ name, message, code, status, problem, needed, cause }: ErrorFields): Error {
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
      return new FormatError(problem ?? 'damaged', message, { ...options, needed });
    case 'disposed':
      return Object.assign(new DisposedError('object'), { message });
    case 'worker':
      return new WorkerError(message, options);
    case 'limits':
    case 'unsupported':
    case 'device-lost':
    case 'gpu':
      return new DeviceError(code, message, options);
  }
}
