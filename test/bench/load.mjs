import { loadavg } from 'node:os';

/** The load above which results are not saved: another program then takes time from the bench. */
const MAX_LOAD = 1.5;

/**
 * Returns why results cannot be saved; `undefined` if they can, or if nobody asks for it.
 *
 * @param {number} load of the machine over the last minute
 * @param {{ save?: boolean, busy?: boolean }} options `busy` saves them all the same
 */
export function refusalToSave(load, { save = false, busy = false }) {
  if (!save || busy || load <= MAX_LOAD) return undefined;
  return (
    `Results are not saved above a load of ${MAX_LOAD}, because other programs slow the bench down. Wait for the machine ` +
    'to be idle, leave --save out, or pass --busy.'
  );
}

/**
 * Prints the machine's load before a bench, and ends the process if results must not be saved.
 *
 * @param {{ save?: boolean, busy?: boolean }} options
 */
export function checkLoad(options) {
  const [load = 0] = loadavg();
  console.log(`Load of this machine over the last minute: ${load.toFixed(2)}`);
  const refusal = refusalToSave(load, options);
  if (refusal === undefined) return;
  console.error(refusal);
  process.exit(1);
}
