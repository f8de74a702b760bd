/** Starts the package's worker, and says what to do if a page's policy or a bundler prevents that. */
import { WorkerError } from '../errors.ts';
import { foreignScheme, startForeignWorker } from '../rpc/foreign_worker.ts';

/** A worker that the browser has accepted. Its script may still fail to load. */
export interface StartedWorker {
  readonly worker: Worker;
  /** Advice for a script that does not load. */
  readonly remedy: string;
}

const OWN_WORKER =
  "start a worker of your own whose script contains import 'dc-ae-webgpu/worker', and pass it as the option `worker`.";

/** Advice for a worker of the app that does not start. */
export const OWN_WORKER_REMEDY =
  'Check that the script of the option `worker` loads, that it is a module which contains import ' +
  "'dc-ae-webgpu/worker', " +
  "and that worker-src of the page's Content-Security-Policy allows it.";

const VITE_REMEDY =
  "Vite's development server has moved the package away from its worker.js. " +
  "Add optimizeDeps: { exclude: ['dc-ae-webgpu'] } to vite.config.js.";

const TRUSTED_TYPES_REMEDY =
  "The page's Content-Security-Policy may require trusted types (require-trusted-types-for). In that case create a " +
  "TrustedScriptURL of your own script that contains import 'dc-ae-webgpu/worker', start a worker with it, and pass " +
  'it as the option `worker`.';

/**
 * Starts the package's worker, also if the package is on another origin than the page.
 *
 * @throws WorkerError if the environment has no workers or forbids this one
 */
export function startWorker(): StartedWorker {
  if (typeof Worker === 'undefined') {
    throw new WorkerError('This environment has no web workers. Load the model with AutoencoderDC.fromPretrained().');
  }
  try {
    // Bundlers look for this very expression; Vite 5 accepts only literals in it.
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'dc-ae-webgpu' });
    return { worker, remedy: localRemedy(import.meta.url) };
  } catch (cause) {
    // A page that requires trusted types throws a TypeError. It would throw for a blob: URL, too.
    const isPolicy = cause instanceof TypeError;
    const worker = isPolicy ? undefined : startForeignWorker('./worker.js', import.meta.url, 'dc-ae-webgpu');
    if (worker !== undefined) return { worker, remedy: foreignRemedy(import.meta.url) };
    const remedy = isPolicy ? TRUSTED_TYPES_REMEDY : localRemedy(import.meta.url);
    throw new WorkerError(`The worker could not start: ${String(cause)}. ${remedy}`, { cause });
  }
}

function localRemedy(base: string): string {
  if (base.includes('/.vite/deps/')) return VITE_REMEDY;
  return (
    "Check that worker.js is served beside the package's own file, and that worker-src of the page's " +
    `Content-Security-Policy allows it. Otherwise ${OWN_WORKER}`
  );
}

function foreignRemedy(base: string): string {
  const { origin } = new URL(base);
  const scheme = foreignScheme();
  return (
    `The page's origin is ${globalThis.origin} and the package's is ${origin}, so the worker is a ${scheme} URL that ` +
    `imports worker.js. Check that ${origin} sends Access-Control-Allow-Origin for worker.js, and that the page's ` +
    `Content-Security-Policy has ${scheme} in worker-src and ${origin} in script-src. Otherwise ${OWN_WORKER}`
  );
}
