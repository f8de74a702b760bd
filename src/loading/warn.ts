import type { LoadOptions } from './load_options.ts';

/** Passes a warning to `onWarning`, or to the console if the caller has not set that. */
export function warn(message: string, { onWarning }: Pick<LoadOptions, 'onWarning'>): void {
  if (onWarning !== undefined) onWarning(message);
  // eslint-disable-next-line no-console -- a warning that nobody can see would be lost
  else console.warn(`dc-ae-webgpu: ${message}`);
}
