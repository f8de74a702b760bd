import { InputError } from '../errors.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import { checkOptions } from '../loading/check_options.ts';
import type { SentOptions } from './protocol.ts';

/** The options that can be cloned. */
const SENT = [
  'revision',
  'subfolder',
  'hubUrl',
  'accessToken',
  'dtype',
  'activations',
  'numerics',
  'products',
  'kernels',
  'networks',
  'variant',
  'config',
  'cache',
  'verify',
  'retry',
] as const satisfies readonly Exclude<keyof SentOptions, 'fetch'>[];

/**
 * Picks the options that can be cloned.
 *
 * @param method - the method that was called, for messages
 * @throws InputError if an option is invalid, or cannot leave the page
 */
export function sendOptions(method: string, options: LoadOptions): Omit<SentOptions, 'fetch'> {
  checkOptions(method, options);
  if (options.device !== undefined) {
    throw new InputError(
      'options.device cannot leave the page for a worker. Leave it out (the worker requests its own), or load on the page ' +
        'with AutoencoderDC.fromPretrained().',
    );
  }
  if (options.retry?.sleep !== undefined) {
    throw new InputError(
      'options.retry.sleep cannot leave the page for a worker. Leave it out; tries and stallTimeoutMs are sent.',
    );
  }
  return Object.fromEntries(SENT.map((name) => [name, options[name]]));
}
