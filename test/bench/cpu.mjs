import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU seconds of a process and all below it, so far; NaN where there is no /proc.
 *
 * @param {number} pid
 */
export function cpuSeconds(pid) {
  if (process.platform !== 'linux') return NaN;
  /** @type {Map<number, number[]>} */
  const children = new Map();
  /** @type {Map<number, number>} */
  const ticks = new Map();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      const parent = Number(fields[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
      ticks.set(Number(name), Number(fields[11]) + Number(fields[12]));
    } catch {
      // the process has ended
    }
  }
  /** @param {number} id @returns {number} */
  const sum = (id) => (ticks.get(id) ?? 0) + (children.get(id) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(pid) / 100;
}
