import { InputError } from '../errors.ts';
import type { LoadOptions } from '../loading/load_options.ts';
import { checkOptions } from '../loading/load_options.ts';
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
 * What of the options can be cloned.
 *
 * @throws InputError for what can't leave the page, and for what no load takes
 */
export function sendOptions(options: LoadOptions): Omit<SentOptions, 'fetch'> {
  checkOptions(options);
  if (options.device !== undefined) {
    throw new InputError(
      "options.device can't leave the page for a worker: leave it out (the worker requests its own), or load on the page with AutoencoderDC.fromPretrained().",
    );
  }
  if (options.retry?.sleep !== undefined) {
    throw new InputError(
      "options.retry.sleep can't leave the page for a worker. Leave it out; tries and stallTimeoutMs can.",
    );
  }
  return Object.fromEntries(SENT.map((name) => [name, options[name]]));
}
