/** Opening `.dcae` files. */
import { FormatError } from 'dc-ae-webgpu';
import type { Picture } from '../state/state.ts';
import { processPicture } from './compress.ts';
import { showWork, type Context } from './context.ts';
import { newPicture } from './new_picture.ts';
import { showFile } from './show_file.ts';
import { runFailed } from './work.ts';

/** Opens a `.dcae` file. The picture before it stays until the file has proved to be whole. */
export async function openFile(
  context: Context,
  known: Pick<Picture, 'title' | 'link'>,
  content: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const { store } = context;
  const { model, picture: before } = store.state;
  const file = { bytes: content, bitsPerPixel: 0, written: undefined };
  const opened = newPicture({ kind: 'file', ...known, file });
  if (!model) {
    store.update({ picture: opened, notice: undefined }); // it waits for the model
    return;
  }
  const signal = context.startRun();
  showWork(context, 'Opening the file');
  try {
    await showFile(context, model, opened, content, signal);
  } catch (error) {
    // A file for another model waits for that model; a broken one leaves the picture before it.
    const waits = error instanceof FormatError && error.problem === 'wrong-model';
    if (waits && !signal.aborted) store.update({ picture: opened });
    else if (before?.kind === 'photo' && !before.likeness && !signal.aborted) void processPicture(context);
    runFailed(context, signal, error);
  }
}
