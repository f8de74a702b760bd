/** Work on the picture at hand: newer work stops older work, and failures are told. */
import { DcAeError } from 'dc-ae-webgpu';
import { Cancelled } from '../errors.ts';
import type { LoadedModel } from '../model/load.ts';
import { runNotice } from '../notices.ts';
import type { Picture } from '../state/state.ts';
import { showWork, tell, type Context } from './context.ts';

/** Stops the work before, and does this work. Without a model or a picture it does nothing. */
export async function working(
  context: Context,
  work: (model: LoadedModel, picture: Picture, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { model, picture } = context.store.state;
  if (!model || !picture) return;
  const signal = context.startRun();
  try {
    await work(model, picture, signal);
  } catch (error) {
    runFailed(context, signal, error);
  }
}

/** Tells of a failed run, unless newer work has replaced it. */
export function runFailed(context: Context, signal: AbortSignal, error: unknown): void {
  const reason: unknown = signal.aborted ? signal.reason : error;
  if (signal.aborted && !(reason instanceof Cancelled)) return;
  context.store.update({ work: undefined });
  if (isDeviceLoss(reason)) return; // the lost model tells of it
  tell(context, runNotice(reason, context.store.state.model?.choice.name));
}

/** Whether an error says that the GPU device, or the worker that has it, is gone. */
export function isDeviceLoss(error: unknown): boolean {
  return error instanceof DcAeError && (error.code === 'device-lost' || error.code === 'disposed');
}

/** Shows a run's regions as progress, if there are several. */
export function regionProgress(context: Context, label: string) {
  return ({ done, total }: { readonly done: number; readonly total: number }): void => {
    if (total > 1) showWork(context, `${label}: region ${done} of ${total}`, done / total);
  };
}

/** Waits. @throws the signal's reason when aborted */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((done, stopped) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      stopped(new DOMException('Stopped.', 'AbortError'));
    });
  });
}
