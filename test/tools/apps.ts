// Packs the package, and installs, builds and serves apps with it.
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { environment, runProgram } from '../support/run_program.ts';
import type { Tool } from './tools.ts';

const root = resolve(import.meta.dirname, '../..');
const cache = join(root, '.cache/tools');

/** Time for a development server to answer. */
const SERVER_TIMEOUT_MS = 180_000;

/** Builds and packs the package. Returns the path of the tarball. */
export function packPackage(): string {
  mkdirSync(cache, { recursive: true });
  runProgram('npm', ['run', 'build'], root);
  const packed = JSON.parse(runProgram('npm', ['pack', '--json', '--pack-destination', cache], root)) as unknown;
  const [first] = Object.values(packed as object) as { filename: string }[];
  if (first === undefined) throw new Error('npm pack gave no file');
  return join(cache, basename(first.filename));
}

/** Writes the app for a tool, and installs the tarball and the tool. Returns the app's folder. */
export function installApp(
  { name, packages, files = {} }: Pick<Tool, 'name' | 'packages' | 'files'>,
  tarball: string,
): string {
  const app = join(cache, name.toLowerCase().replaceAll(/\W+/g, '_'));
  mkdirSync(app, { recursive: true });
  for (const built of ['dist', 'out', '.next', '.parcel-cache', 'served', 'node_modules/.vite']) {
    rmSync(join(app, built), { recursive: true, force: true });
  }
  cpSync(join(root, 'test/tools/app'), app, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(app, file)), { recursive: true });
    writeFileSync(join(app, file), text);
  }
  writeFileSync(join(app, 'tsconfig.json'), '{}'); // otherwise esbuild reads this repository's, with its paths
  writeFileSync(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  runProgram('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', tarball, ...packages], app);
  return app;
}

/** The installed version of a package, such as `8.3.8`. */
export function installedVersion(app: string, spec: string): string {
  const name = spec.replace(/(?<=.)@.*$/, '');
  const { version } = JSON.parse(readFileSync(join(app, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

/** Builds the app. Returns the folder of the result. */
export function buildApp(app: string, { build, out, copy = [] }: Tool): string {
  for (const [command = '', ...args] of build) runProgram(bin(app, command), args, app);
  for (const file of copy) cpSync(join(app, file), join(app, out, basename(file)));
  return join(app, out);
}

/** A running development server. */
export interface DevServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the tool's development server and waits until it answers. */
export async function startDevServer(app: string, command: readonly string[], port: string): Promise<DevServer> {
  mkdirSync(join(app, 'served'), { recursive: true });
  cpSync(join(app, 'index.html'), join(app, 'served/index.html'));
  const [name = '', ...args] = command;
  const server = spawn(bin(app, name), args, { cwd: app, env: environment(), stdio: 'pipe', detached: true });
  let output = '';
  server.stdout.on('data', (data: Buffer) => (output += data.toString()));
  server.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const url = `http://127.0.0.1:${port}/`;
  const end = performance.now() + SERVER_TIMEOUT_MS;
  while (!(await answers(url))) {
    if (performance.now() < end && server.exitCode === null) continue;
    await stop(server);
    throw new Error(`${command.join(' ')} does not answer: ${output.slice(-4000)}`);
  }
  return { url, close: () => stop(server) };
}

/** A TCP port that nothing uses. */
export async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return String(address.port);
}

function bin(app: string, command: string): string {
  const path = join(app, 'node_modules/.bin', command);
  if (!existsSync(path)) throw new Error(`${path} is not there`);
  return path;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(60_000) })).ok;
  } catch {
    await new Promise((done) => setTimeout(done, 500));
    return false;
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.pid === undefined) return;
  const ended = new Promise((done) => server.once('exit', done));
  process.kill(-server.pid); // its own children, too
  await ended;
}
