// A browser without DevTools, which keep copies of the bytes that a page fetches and so distort memory measurements.
// The page polls this process for tasks instead (`?control=` in its address, see test/loading/page/page.ts).
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright';
import { fastestAdapter, launchOptions } from '../../scripts/chromium.mjs';

/** Resources of one kind of process: resident bytes, and seconds of CPU time since its start. */
export interface ProcessUse {
  readonly bytes: number;
  readonly cpu: number;
}

/** A browser that shows one page. */
export interface BareBrowser {
  /** Runs a function in the page. The function sees no variables of this file; its argument and result are JSON. */
  evaluate<A, R>(task: (argument: A) => Promise<R> | R, argument: A): Promise<R>;
  /** Resources of its processes by kind (`renderer`, `gpu-process`, …). Empty on systems without /proc. */
  processes(): Promise<Map<string, ProcessUse>>;
  close(): Promise<void>;
}

interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** Starts a browser on the test page. */
export async function startBareBrowser(pageUrl: string, profile: string): Promise<BareBrowser> {
  let waiting: ServerResponse | undefined;
  let wake: (() => void) | undefined;
  let finish: ((answer: Answer) => void) | undefined;
  const control = createServer((request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    if (request.method !== 'POST') {
      waiting = response;
      wake?.();
      return;
    }
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => {
      response.end();
      finish?.(JSON.parse(body) as Answer);
    });
  });
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  const { port } = control.address() as AddressInfo;

  const { executablePath = chromium.executablePath(), args, env } = launchOptions(fastestAdapter());
  const own = ['--headless=new', `--user-data-dir=${profile}`, '--enable-precise-memory-info', '--hide-scrollbars'];
  const address = `${pageUrl}?control=${encodeURIComponent(`http://127.0.0.1:${port}/`)}`;
  const child = spawn(executablePath, [...args, ...own, address], { env, stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));

  return {
    async evaluate<A, R>(task: (argument: A) => Promise<R> | R, argument: A): Promise<R> {
      while (waiting === undefined) await new Promise<void>((resolve) => (wake = resolve));
      const answered = new Promise<Answer>((resolve) => (finish = resolve));
      waiting.end(JSON.stringify({ code: String(task), argument }));
      waiting = undefined;
      const { result, error } = await answered;
      if (error !== undefined) throw new Error(error);
      return result as R;
    },
    processes: () => processTree(child.pid ?? 0),
    async close() {
      child.kill('SIGKILL');
      await exited;
      control.closeAllConnections();
      control.close();
    },
  };
}

/** Resources of a process and its descendants, by kind. */
async function processTree(root: number): Promise<Map<string, ProcessUse>> {
  const found = new Map<string, ProcessUse>();
  const all = new Map<number, { readonly parent: number; readonly cpu: number }>();
  const names = await readdir('/proc').catch(() => []);
  for (const name of names.filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    all.set(Number(name), { parent: Number(fields[1]), cpu: (Number(fields[11]) + Number(fields[12])) / 100 });
  }
  const isBelow = (id: number): boolean => id === root || (all.has(id) && isBelow(all.get(id)!.parent));
  for (const [id, { cpu }] of all) {
    if (!isBelow(id)) continue;
    const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
    const kind = /--utility-sub-type=([\w.]+)/.exec(command)?.[1] ?? /--type=([\w-]+)/.exec(command)?.[1] ?? 'browser';
    const before = found.get(kind) ?? { bytes: 0, cpu: 0 };
    const bytes = 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0);
    found.set(kind, { bytes: before.bytes + bytes, cpu: before.cpu + cpu });
  }
  return found;
}
