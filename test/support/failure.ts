// What a failure has to be: typed, coded, and with a remedy in its message.
import { expect } from 'vitest';
import { DcAeError } from '../../src/errors.ts';

type ErrorClass = abstract new (...args: never[]) => DcAeError;

/** The error that `work` ends in: of this class and code, its message matching all of `patterns`, the remedy among them. */
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
