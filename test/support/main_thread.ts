// What the main thread of a page is busy with, as Chromium's own trace tells it.
import type { Page } from 'playwright';

/** One task on the main thread, in milliseconds. */
export interface MainTask {
  /** By the clock on the wall; on a busy machine others' time is in it. */
  readonly wall: number;
  /** By the thread's own clock. */
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

/** Does something, in which a worker takes part, and gives the tasks of the page's main thread, the longest (by its own clock) first. */
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
