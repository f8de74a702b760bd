// Prints the worst error of each group of tests after its file's last test.
import { afterAll, inject } from 'vitest';

/** Notes `error` of the test `name` in `group`, `f32 latent` for instance. */
export type NoteError = (group: string, name: string, error: number) => void;

/** Collects errors and prints one line for each group after the file's last test. */
export function worstErrors(subject: string): NoteError {
  const groups = new Map<string, { error: number; name: string; count: number }>();
  afterAll(() => {
    const width = Math.max(...[...groups.keys()].map((group) => group.length));
    const lines = [...groups].map(
      ([group, { error, name, count }]) =>
        `${subject} | ${inject('adapter')} | ${group.padEnd(width)} | ${count} compared, worst ${error.toExponential(1)} (${name})`,
    );
    console.info(lines.join('\n'));
  });
  return (group, name, error) => {
    const worst = groups.get(group);
    const count = (worst?.count ?? 0) + 1;
    groups.set(group, !worst || error >= worst.error ? { error, name, count } : { ...worst, count });
  };
}
