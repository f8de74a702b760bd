/** The panel “Model”: choosing a model, its size, the cache, and the question before a large download. */
import type { Context } from '../actions/context.ts';
import { updateSettings } from '../actions/context.ts';
import { clearCache, load, loadAddress } from '../actions/model_actions.ts';
import { find, make, onPress, setText } from '../dom.ts';
import { bytes } from '../format.ts';
import { CUSTOM, listedModels, modelOfFiles } from '../model/choices.ts';
import type { LoadedModel } from '../model/load.ts';
import { watch } from '../state/store.ts';

/** Fills in the panel, and loads the model that is chosen. */
export function modelPanel(context: Context): void {
  const { store } = context;
  const select = find('#checkpoint', HTMLSelectElement);
  const address = find('#address', HTMLInputElement);
  const dtype = find('#dtype', HTMLSelectElement);
  const folder = find('#folder', HTMLInputElement);
  for (const { id, title, bytes: size } of listedModels) {
    select.append(make('option', { value: id, textContent: `${title}, ${bytes(size)}` }));
  }
  select.append(make('option', { value: CUSTOM, textContent: 'another …' }));
  const describe = (): void => {
    const listed = listedModels.find(({ id }) => id === select.value);
    setText(
      '#good-at',
      listed?.description ?? 'Any folder or file of weights in the format of diffusers or efficientvit.',
    );
    find('#custom', HTMLElement).hidden = listed !== undefined;
  };
  select.addEventListener('change', describe);
  describe();
  dtype.addEventListener('change', () => updateSettings(context, { dtype: dtype.value === 'f16' ? 'f16' : 'f32' }));
  find('#model-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    const wanted = select.value === CUSTOM ? address.value.trim() : select.value;
    if (wanted === '') address.focus();
    else void loadAddress(context, wanted);
  });
  folder.addEventListener('change', () => {
    const files = [...(folder.files ?? [])];
    folder.value = '';
    if (files.length > 0) void load(context, modelOfFiles(files));
  });
  onPress('#clear-cache', () => void clearCache(context));
  watch(
    store,
    ({ settings }) => [settings.dtype],
    (value) => {
      dtype.value = value;
    },
  );
  watch(
    store,
    ({ model, loading }) => [model, loading],
    (model, loading) => {
      setText('#model-name', loading ? `${loading.name} …` : (model?.choice.name ?? 'none'));
      setText('#weights', model ? weightsOf(model) : '');
    },
  );
  watch(
    store,
    ({ cachedBytes }) => [cachedBytes],
    (stored) => {
      setText(
        '#cache',
        stored > 0
          ? `This browser keeps ${bytes(stored)} of models, which need no second download.`
          : 'This browser keeps no models yet.',
      );
      find('#clear-cache', HTMLButtonElement).hidden = stored === 0;
    },
  );
  questionDialog(context);
}

function weightsOf({ ae, weightBytes, readBytes, cachedBytes }: LoadedModel): string {
  const from =
    cachedBytes === 0 ? '' : cachedBytes >= readBytes ? ', from the cache' : `, ${bytes(cachedBytes)} from the cache`;
  return `Read ${bytes(readBytes)}${from}; ${bytes(weightBytes)} on the GPU in ${ae.dtype}.`;
}

/** Asks before a large download. Esc means no. */
function questionDialog(context: Context): void {
  const { store } = context;
  const dialog = find('#question', HTMLDialogElement);
  onPress('#question-yes', () => {
    const { question } = store.state;
    if (question) void load(context, question.choice, true);
  });
  onPress('#question-no', () => dialog.close());
  dialog.addEventListener('close', () => store.update({ question: undefined }));
  watch(
    store,
    ({ question }) => [question],
    (question) => {
      if (!question) return dialog.close();
      setText('#question-text', `“${question.choice.name}” is a download of ${bytes(question.bytes)}.`);
      dialog.showModal();
    },
  );
}
