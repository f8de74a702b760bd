/** Saving what the page has made. */
import { fileName, save } from '../files/saving.ts';
import type { Format } from '../picture/types.ts';
import type { Context } from './context.ts';

/** Saves the `.dcae` file. */
export function saveFile({ store }: Context): void {
  const { picture } = store.state;
  if (picture?.file) save(new Blob([picture.file.bytes]), fileName(picture.title, 'dcae'));
}

/** Saves the reconstruction as a PNG. */
export async function savePng({ store, pictures }: Context): Promise<void> {
  const title = store.state.picture?.title ?? '';
  save(await pictures.call('neuralPng', undefined), fileName(title, 'png'));
}

/** Saves the file of another codec. */
export async function saveCompared({ store, pictures }: Context, format: Format): Promise<void> {
  const title = store.state.picture?.title ?? '';
  save(await pictures.call('comparedFile', format), fileName(title, format === 'jpeg' ? 'jpg' : format));
}
