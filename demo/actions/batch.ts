/** Several files, one after another: pictures are compressed, `.dcae` files are decoded to PNG. */
import { detailOf } from '../errors.ts';
import { fileName, save } from '../files/saving.ts';
import type { LoadedModel } from '../model/load.ts';
import type { Batch, BatchItem, State } from '../state/state.ts';
import { type Context } from './context.ts';
import { reload } from './model_actions.ts';
import { isDcae } from '../files/file_kinds.ts';
import { pictureLimits } from './picture_limits.ts';
import { decode, encode } from './run_model.ts';
import { isDeviceLoss } from './work.ts';

let stop: AbortController | undefined;

/** The browser cannot read the file as a picture. */
class NotAPicture extends Error {}

/** Works on files in their order, and keeps what was made for one zip file. */
export async function runBatch(context: Context, files: readonly File[]): Promise<void> {
  const { store } = context;
  const controller = (stop = new AbortController());
  context.stopRun(new DOMException('A batch has begun.', 'AbortError'));
  const items = files.map((file): BatchItem => ({ name: file.name, bytes: file.size, outcome: undefined }));
  store.update({ batch: { items, status: 'waiting', made: new Map() }, notice: undefined });
  for (const [i, file] of files.entries()) {
    const outcome = await outcomeOf(context, file, controller.signal);
    const { batch } = store.state;
    if (controller.signal.aborted || !batch) return;
    store.update({ batch: withOutcome(batch, i, outcome) });
  }
  const { batch } = store.state;
  if (batch) store.update({ batch: { ...batch, status: 'done' } });
}

/** Closes the dialog; files that are still to be done are left. */
export function closeBatch({ store }: Context): void {
  stop?.abort(new DOMException('The batch was closed.', 'AbortError'));
  store.update({ batch: undefined });
}

/** Saves all files that were made as one zip. */
export async function saveBatch({ store }: Context): Promise<void> {
  const { zipSync } = await import('fflate');
  // The files are compressed already.
  const zip = zipSync(Object.fromEntries(store.state.batch?.made ?? []), { level: 0 });
  save(new Blob([zip], { type: 'application/zip' }), 'pictures.zip');
}

type Outcome =
  | { readonly name: string; readonly content: Uint8Array<ArrayBuffer>; readonly ms: number }
  | { readonly failed: string };

/** A lost GPU is given one more chance, with the model loaded again. */
async function outcomeOf(context: Context, file: File, signal: AbortSignal): Promise<Outcome> {
  for (let attempt = 1; ; attempt++) {
    try {
      const model = await modelReady(context, signal);
      const { batch } = context.store.state;
      if (batch) context.store.update({ batch: { ...batch, status: 'running' } });
      const started = performance.now();
      const made = await (isDcae(file) ? decodeOne : compressOne)(context, model, file, signal);
      return { ...made, ms: performance.now() - started };
    } catch (error) {
      if (signal.aborted) return { failed: 'stopped' };
      if (error instanceof NotAPicture) return { failed: 'not a picture' };
      if (!isDeviceLoss(error)) return { failed: detailOf(error) };
      if (attempt > 1) return { failed: 'the GPU stopped' };
      void reload(context);
    }
  }
}

async function compressOne(context: Context, model: LoadedModel, file: File, signal: AbortSignal) {
  const { pictures, store } = context;
  const { bitmap } = await pictures.call('open', { file, ...pictureLimits(context) }).catch(() => {
    throw new NotAPicture();
  });
  const { settings } = store.state;
  const { latent } = await encode(model, bitmap, { settings: { ...settings, profiled: false }, signal });
  const { config, checkpoint } = model.ae;
  const options = {
    model: { config, checkpoint },
    quality: settings.quality,
    checkpointUrl: model.choice.checkpointUrl,
  };
  const content = await pictures.call('packOther', { latent, ...options }, { signal, transfer: [latent.data.buffer] });
  return { name: fileName(file.name, 'dcae'), content };
}

async function decodeOne({ pictures, store }: Context, model: LoadedModel, file: File, signal: AbortSignal) {
  const content = new Uint8Array(await file.arrayBuffer());
  const { settings } = store.state;
  const { pixels } = await decode(model, content, { settings: { ...settings, profiled: false }, signal });
  const png = await pictures.call('pngOf', pixels, { signal, transfer: [pixels.data.buffer] });
  return { name: fileName(file.name, 'png'), content: new Uint8Array(await png.arrayBuffer()) };
}

/** Waits for a model. A failed load rejects only when the batch is closed: the user may choose another model. */
async function modelReady({ store }: Context, signal: AbortSignal): Promise<LoadedModel> {
  const { model } = store.state;
  if (model) return model;
  return await new Promise((resolve, reject) => {
    const unsubscribe = store.subscribe(({ model: loaded }: State) => {
      if (!loaded) return;
      unsubscribe();
      resolve(loaded);
    });
    signal.addEventListener('abort', () => {
      unsubscribe();
      reject(new DOMException('The batch was closed.', 'AbortError'));
    });
  });
}

function withOutcome(batch: Batch, index: number, outcome: Outcome): Batch {
  const shown = 'failed' in outcome ? outcome : { bytes: outcome.content.length, ms: outcome.ms };
  const items = batch.items.map((item, i) => (i === index ? { ...item, outcome: shown } : item));
  if ('failed' in outcome) return { ...batch, items };
  return { ...batch, items, made: new Map([...batch.made, [freeName(outcome.name, batch), outcome.content]]) };
}

/** Adds a number to a name that another file has already. */
function freeName(name: string, { made }: Batch): string {
  let free = name;
  for (let i = 2; made.has(free); i++) free = name.replace(/(\.\w+)$/, `-${i}$1`);
  return free;
}
