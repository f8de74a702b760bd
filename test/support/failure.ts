// A failure must be a typed error with a code and a remedy in its message.
import { expect } from 'vitest';
import { DcAeError } from '../../src/errors.ts';

type ErrorClass = abstract new (...args: never[]) => DcAeError;

/** Returns the error of `work`, which must have this class and code and a message that matches all `patterns`. */
export async function failure(
  work: Promise<unknown>,
  type: ErrorClass,
  code: string,
  ...patterns: RegExp[]
): Promise<DcAeError> {
  const error = await work.then(
    () => expect.fail('it went well'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(type);
  expect(error).toBeInstanceOf(DcAeError);
  expect((error as DcAeError).code).toBe(code);
  for (const pattern of patterns) expect((error as DcAeError).message).toMatch(pattern);
  return error as DcAeError;
}
