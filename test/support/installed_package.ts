import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runProgram } from './run_program.ts';

const here = (path: string): string => resolve(import.meta.dirname, '../..', path);

/** An empty app with the package, as npm installs it. The project's global setup has built the scripts. */
export interface InstalledPackage {
  /** The app's folder. */
  readonly app: string;
  /** The package's folder in the app's node_modules. */
  readonly folder: string;
}

/** Copies the built scripts to an app and writes the types beside them. */
export function installPackage(): InstalledPackage {
  const app = here('.cache/installed');
  const folder = resolve(app, 'node_modules/dc-ae-webgpu');
  rmSync(app, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(resolve(app, 'package.json'), '{ "private": true, "type": "module" }');
  for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'])
    cpSync(here(file), resolve(folder, file));
  cpSync(here('.cache/loading-dist'), resolve(folder, 'dist'), { recursive: true });
  const tsc = [here('node_modules/typescript/bin/tsc'), '-p', here('.config/tsconfig.build.json')];
  runProgram(process.execPath, [...tsc, '--outDir', resolve(folder, 'dist')], here('.'));
  return { app, folder };
}
