// Options of a load: wrong names and values are refused before any work.
import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { checkOptions } from '../../src/loading/check_options.ts';
import type { LoadOptions } from '../../src/loading/load_options.ts';

const check = (options: Record<string, unknown>) => () => checkOptions('fromPretrained', options as LoadOptions);

describe('options of a load', () => {
  test('may be absent or undefined', () => {
    expect(check({})).not.toThrow();
    expect(check({ dtype: undefined, progress_callback: undefined })).not.toThrow();
  });

  test.each([
    ['progress_callback', 'Did you mean "onProgress"?'],
    ['onprogress', 'Did you mean "onProgress"?'],
    ['token', 'Did you mean "accessToken"?'],
    ['subFolder', 'Did you mean "subfolder"?'],
    ['network', 'Did you mean "networks"?'],
    ['zzz', 'Its options are revision, subfolder,'],
  ])('with the unknown name %s are refused: %s', (name, remedy) => {
    expect(check({ [name]: () => undefined })).toThrow(InputError);
    expect(check({ [name]: () => undefined })).toThrow(`fromPretrained has no option "${name}". ${remedy}`);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ subfolder: null }, 'options.subfolder must be a string; it was null.'],
    [{ revision: 1.1 }, 'options.revision must be a string; it was 1.1.'],
    [{ onProgress: true }, 'options.onProgress must be a function; it was true.'],
    [{ dtype: 'fp16' }, 'options.dtype must be one of "f32", "f16"; it was "fp16".'],
    [{ networks: 'vae' }, 'options.networks must be one of "both", "encoder", "decoder"'],
    [{ products: 'f16' }, 'options.products "f16" needs dtype "f16"'],
    [{ variant: 'fp16.safetensors' }, 'options.variant must be a word from the file'],
    [{ cache: 'no' }, 'options.cache must be true, false, or a FileSystemDirectoryHandle'],
    [{ device: {} }, 'options.device must be a GPUDevice'],
    [{ retry: { stallTimeout: 3 } }, 'has no option "stallTimeout". Did you mean "stallTimeoutMs"?'],
  ])('with an invalid value are refused: %j', (options, message) => {
    expect(check(options)).toThrow(InputError);
    expect(check(options)).toThrow(message);
  });
});
