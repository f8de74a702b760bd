/** The services that actions share, and small changes of the state that many of them make. */
import type { Notice } from '../notices.ts';
import type { PictureMethods } from '../picture/protocol.ts';
import type { Settings } from '../state/settings.ts';
import type { Bitmaps, Picture, State } from '../state/state.ts';
import type { Store } from '../state/store.ts';
import type { Remote } from '../worker_channel.ts';

/** The services that actions use. */
export interface Context {
  readonly store: Store<State>;
  readonly pictures: Remote<PictureMethods>;
  /** Downloads a file from another host. */
  readonly download: (url: string, signal: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>;
  /** Starts a run; the run before it stops. Returns the run's signal. */
  startRun(): AbortSignal;
  /** Stops the current run. */
  stopRun(reason: Error): void;
}

/** Creates the services. */
export function createContext({
  store,
  pictures,
  download,
}: Pick<Context, 'store' | 'pictures' | 'download'>): Context {
  let controller = new AbortController();
  return {
    store,
    pictures,
    download,
    startRun() {
      controller.abort(new DOMException('Newer work has begun.', 'AbortError'));
      controller = new AbortController();
      return controller.signal;
    },
    stopRun(reason) {
      controller.abort(reason);
    },
  };
}

/** Changes the picture with this number, if it is still at hand. */
export function updatePicture({ store }: Context, id: number, change: Partial<Picture>): void {
  const { picture } = store.state;
  if (picture?.id === id) store.update({ picture: { ...picture, ...change } });
}

/** Replaces some bitmaps of the picture with this number; they are closed if it is gone. */
export function updateBitmaps(context: Context, id: number, bitmaps: Bitmaps): void {
  const { picture } = context.store.state;
  if (picture?.id === id) updatePicture(context, id, { bitmaps: { ...picture.bitmaps, ...bitmaps } });
  else for (const bitmap of Object.values(bitmaps)) if (bitmap instanceof ImageBitmap) bitmap.close();
}

/** Changes settings. */
export function updateSettings({ store }: Context, change: Partial<Settings>): void {
  store.update({ settings: { ...store.state.settings, ...change } });
}

/** Shows a notice in place of the one before. */
export function tell({ store }: Context, notice: Notice): void {
  store.update({ notice, said: '' });
}

/** Shows work in progress. */
export function showWork({ store }: Context, label: string, done?: number): void {
  store.update({ work: { label, done } });
}

/** Frees a bitmap that arrives after its call was aborted. */
export function closeLate(bitmap: ImageBitmap): void {
  bitmap.close();
}
