/** Failures in a form that crosses between threads. */
import type { ErrorCode } from 'dc-ae-webgpu';
import type { FormatProblem } from 'dc-ae-webgpu/codec';

/** A failure in a word that code can branch on and a sentence for a person. */
export interface Failure {
  /** The library's own codes, and what this page tells apart besides. */
  readonly code: ErrorCode | 'insecure' | 'no-webgpu' | 'no-adapter' | 'no-wasm' | 'worker' | 'unknown';
  readonly message: string;
  /** With `format`: what is wrong with the file. */
  readonly problem?: FormatProblem | undefined;
  /** With `wrong-model`: the checkpoint that the file needs, where it says so. */
  readonly needed?: string | undefined;
}

/** Describes a thrown value. */
export function unknownFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'unknown', message: String(error) };
  return { code: 'unknown', message: `${error.name}: ${error.message}` };
}
