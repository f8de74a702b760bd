/** Loading a model, losing it, and asking before large downloads. */
import { checkpointCache, type LoadProgress } from 'dc-ae-webgpu';
import { Cancelled } from '../errors.ts';
import { bytes } from '../format.ts';
import { describeAdapter } from '../model/adapter.ts';
import { chooseModel, listedModels, type ModelChoice } from '../model/choices.ts';
import { loadModel, type LoadedModel } from '../model/load.ts';
import { gpuLost, modelNotice, notAModelAddress } from '../notices.ts';
import { processPicture } from './compress.ts';
import { showWork, tell, type Context } from './context.ts';

/** A larger download starts only after a question. */
const ASK_ABOVE_BYTES = 100e6;

let loading: AbortController | undefined;
let lastChoice: ModelChoice | undefined;

/** The download is large, and the user has not agreed to it. */
class NeedsAgreement extends Error {
  constructor(readonly bytes: number) {
    super('The download waits for an answer.');
  }
}

/** Loads a model. The model at hand stays until the new one is ready, and also if the new one fails. */
export async function load(context: Context, choice: ModelChoice, agreed = false): Promise<void> {
  const { store } = context;
  loading?.abort(new DOMException('Another model was chosen.', 'AbortError'));
  const controller = (loading = new AbortController());
  const { signal } = controller;
  store.update({ notice: undefined, modelNotice: undefined, question: undefined });
  try {
    const listedBytes = listedModels.find(({ id }) => id === choice.source)?.bytes ?? 0;
    if (!agreed && listedBytes > ASK_ABOVE_BYTES) await requireAgreement(choice, listedBytes);
    signal.throwIfAborted();
    lastChoice = choice;
    store.update({ loading: choice, said: 'Loading the model.' });
    showWork(context, 'Loading the model');
    const onProgress = (progress: LoadProgress): void => {
      if (signal.aborted) return;
      showProgress(context, progress);
      // Only the server knows the size of a model that is not listed.
      const unasked = !agreed && listedBytes === 0 && typeof choice.source === 'string';
      if (unasked && progress.phase === 'download' && progress.total > ASK_ABOVE_BYTES && progress.fromCache === 0) {
        controller.abort(new NeedsAgreement(progress.total));
      }
    };
    const model = await loadModel(choice, { dtype: store.state.settings.dtype, signal, onProgress });
    adopt(context, model);
    if (agreed) void checkpointCache.persist().catch(() => undefined); // asks the browser not to evict a large download
  } catch (error) {
    if (loading !== controller) return; // another model is loading
    store.update({ work: undefined, loading: undefined });
    loadFailed(context, choice, signal.aborted ? signal.reason : error);
  } finally {
    if (loading === controller) loading = undefined;
    void showCache(context);
  }
}

/** Loads a model by its repository, or by an address, which is resolved against the page. */
export async function loadAddress(context: Context, address: string): Promise<void> {
  const choice = chooseModel(address);
  if (choice) await load(context, choice);
  else tell(context, notAModelAddress(address));
}

/** Loads the model again that was chosen last. */
export async function reload(context: Context): Promise<void> {
  if (lastChoice) await load(context, lastChoice, true);
}

/** Cancels the load in progress. */
export function cancelLoad(): void {
  loading?.abort(new Cancelled());
}

/** Reads how many bytes of models the browser has stored. */
export async function showCache({ store }: Context): Promise<void> {
  const files = await checkpointCache.list().catch(() => []);
  store.update({ cachedBytes: files.reduce((sum, { stored }) => sum + stored, 0) });
}

/** Deletes all stored models from this device. */
export async function clearCache(context: Context): Promise<void> {
  await checkpointCache.clear();
  await showCache(context);
}

function loadFailed({ store }: Context, choice: ModelChoice, reason: unknown): void {
  if (reason instanceof NeedsAgreement) store.update({ question: { choice, bytes: reason.bytes } });
  else if (!store.state.model) store.update({ modelNotice: modelNotice(reason, choice.name) });
  else if (reason instanceof Cancelled) store.update({ said: 'Cancelled.' });
  else store.update({ notice: modelNotice(reason, choice.name) });
}

async function requireAgreement({ source }: ModelChoice, size: number): Promise<void> {
  const files = await checkpointCache.list().catch(() => []);
  const own = files.filter(({ address }) => typeof source === 'string' && address.includes(source));
  const missing = size - own.reduce((sum, { stored }) => sum + stored, 0);
  if (missing > ASK_ABOVE_BYTES) throw new NeedsAgreement(missing);
}

function adopt(context: Context, model: LoadedModel): void {
  const { store } = context;
  const before = store.state.model;
  const adapter = describeAdapter(model.ae.device.adapterInfo);
  store.update({ model, adapter, loading: undefined, work: undefined, modelNotice: undefined });
  before?.dispose();
  void model.ae.device.lost.then(({ message }) => {
    if (store.state.model !== model) return; // another model has replaced it
    model.dispose();
    store.update({ model: undefined, work: undefined, modelNotice: gpuLost(message) });
  });
  void processPicture(context);
}

function showProgress(context: Context, { phase, loaded, total, rate, fromCache }: LoadProgress): void {
  if (phase === 'resolve') showWork(context, 'Reading the model’s description');
  else if (phase === 'download') {
    const from = loaded > 0 && fromCache === loaded ? ' from the cache' : '';
    const speed = rate > 0 && !from ? `, ${bytes(rate)}/s` : '';
    showWork(context, `Loading the model${from}: ${bytes(loaded)} of ${bytes(total)}${speed}`, loaded / total);
  } else showWork(context, `${bytes(total)} loaded, preparing the GPU`);
}
