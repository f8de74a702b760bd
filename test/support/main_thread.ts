// The tasks on a page's main thread, from Chromium's trace.
import type { Page } from 'playwright';

/** One task on the main thread, in milliseconds. */
export interface MainTask {
  /** Wall time. On a busy machine it includes other processes' time. */
  readonly wall: number;
  /** The thread's CPU time. */
  readonly cpu: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/**
 * Runs `work`, which must use a worker, and returns the tasks of the page's main thread, the longest in CPU time first.
 */
export async function traceMainThread(page: Page, work: () => Promise<void>): Promise<MainTask[]> {
  const devtools = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  devtools.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const complete = new Promise((resolve) => devtools.once('Tracing.tracingComplete', resolve));
  await devtools.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', '__metadata'], excludedCategories: ['*'] },
  });
  try {
    await work();
  } finally {
    await devtools.send('Tracing.end');
    await complete;
    await devtools.detach();
  }
  const threads = events.filter(({ name }) => name === 'thread_name');
  const named = (name: string) => threads.filter(({ args }) => args?.name === name);
  const workers = new Set(named('DedicatedWorker thread').map(({ pid }) => pid));
  const main = named('CrRendererMain').find(({ pid }) => workers.has(pid));
  if (!main) throw new Error('the trace does not tell which thread is the main one');
  return events
    .filter(({ name, ph, pid, tid }) => /RunTask/.test(name) && ph === 'X' && pid === main.pid && tid === main.tid)
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1000, cpu: tdur / 1000 }))
    .sort((a, b) => b.cpu - a.cpu);
}
