import { spawnSync } from 'node:child_process';

/** Runs a program and returns its output. Throws with the output if the program fails. */
export function runProgram(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...environment(), ...env },
    encoding: 'utf8',
  });
  if (status === 0) return stdout;
  const output = `${stdout}\n${stderr}`.trim().slice(-4000);
  throw new Error(`${command} ${args.join(' ')} ended with status ${status}: ${output}`, { cause: error });
}

/** The environment without Vitest's own variables, which would turn vite.config.ts and other tools to test mode. */
export function environment(): NodeJS.ProcessEnv {
  const { VITEST: _, NODE_ENV: __, VITE_USER_NODE_ENV: ___, ...rest } = process.env;
  return { ...rest, CI: '1', NEXT_TELEMETRY_DISABLED: '1' };
}
