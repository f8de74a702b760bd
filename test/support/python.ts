import { execFileSync } from 'node:child_process';

/** The command of this machine's Python 3.9 or later with NumPy; `undefined` if there is none. */
export function findPython(): string | undefined {
  return ['python3', 'python'].find((name) => {
    try {
      execFileSync(name, ['-c', 'import numpy, sys; assert sys.version_info >= (3, 9)'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}
