// The files of src import one way: no file reaches itself through its imports.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** The files of src that a file imports, type imports included. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const specifiers = [...source.matchAll(/(?:from|import\()\s*'(\.[^']+\.ts)'/g)].map((match) => match[1]!);
  return specifiers.map((specifier) => normalize(join(dirname(file), specifier)));
}

/** The files of a cycle that can be reached from `file`; undefined if there is none. */
function cycleFrom(
  file: string,
  path: readonly string[],
  done: Set<string>,
  graph: Map<string, string[]>,
): string[] | undefined {
  if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
  if (done.has(file)) return undefined;
  for (const next of graph.get(file) ?? []) {
    const cycle = cycleFrom(next, [...path, file], done, graph);
    if (cycle) return cycle;
  }
  done.add(file);
  return undefined;
}

test('no file of src imports itself through others', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => join('src', file));
  const graph = new Map(files.map((file) => [file, importsOf(file)]));
  expect(files.length).toBeGreaterThan(100);
  const done = new Set<string>();
  for (const file of files) expect(cycleFrom(file, [], done, graph)).toBeUndefined();
});
