/** Unknown options are errors that name the most similar known option. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../src/errors.ts';
import { nearestName, optionsCheck } from '../src/options.ts';

interface Options {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (() => void) | undefined;
  readonly memoryBudget?: number | undefined;
}

const check = optionsCheck<Options>({ signal: true, onProgress: true, memoryBudget: true });

describe('unknown options', () => {
  it.each([
    ['progress_callback', 'onProgress'],
    ['onprogress', 'onProgress'],
    ['abortSignal', 'signal'],
    ['sginal', 'signal'],
    ['memory_budget', 'memoryBudget'],
    ['budget', 'memoryBudget'],
    ['colour', undefined],
  ])('%s is nearest to %s', (name, nearest) => {
    expect(nearestName(name, ['signal', 'onProgress', 'memoryBudget'])).toBe(nearest);
  });

  it('an unknown option throws an InputError with the nearest name, or with all names', () => {
    const wrong = (options: object) => () => {
      check('decode', options);
    };
    expect(wrong({ progress_callback: () => undefined })).toThrow(InputError);
    expect(wrong({ budget: 1 })).toThrow('decode has no option "budget". Did you mean "memoryBudget"?');
    expect(wrong({ colour: 1 })).toThrow('Its options are signal, onProgress, memoryBudget.');
    expect(wrong(null as never)).toThrow("decode's options must be an object; they were null.");
  });

  it('known options and undefined values pass', () => {
    check('decode', { memoryBudget: 1, ...{ colour: undefined } });
  });
});
