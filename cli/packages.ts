/** Optional packages, which are loaded when a command needs them. */
import { codeOf, SetupError } from './failure.ts';

/**
 * Loads an optional package.
 *
 * @param load - imports it
 * @throws SetupError with the commands that install it, if it is not installed
 */
export async function optionalPackage<T>(name: string, use: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new SetupError(
      `The npm package "${name}", which ${use}, is not installed. Run "npm install webgpu sharp". Without an ` +
        'installation, run ' +
        '"npx -p dc-ae-webgpu -p webgpu -p sharp dc-ae-webgpu" and the command.',
      { cause: error },
    );
  }
}
