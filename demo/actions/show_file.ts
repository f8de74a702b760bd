/** Shows a `.dcae` file, and decoded pixels. */
import { bytes } from '../format.ts';
import type { LoadedModel } from '../model/load.ts';
import type { Pixels } from '../picture/types.ts';
import type { Picture } from '../state/state.ts';
import { closeLate, updateBitmaps, type Context } from './context.ts';
import { decode } from './run_model.ts';
import { regionProgress } from './work.ts';

/** Decodes a file, and makes it the picture at hand. */
export async function showFile(
  context: Context,
  model: LoadedModel,
  opened: Picture,
  content: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<void> {
  const { store, pictures } = context;
  const { settings } = store.state;
  const onProgress = regionProgress(context, 'Decoding');
  const { pixels, info, cost } = await decode(model, content, { settings, signal, onProgress });
  const sheet = await pictures.call('sheetOfFile', content, { signal, onLateResult: closeLate });
  await pictures.call('setOriginal', undefined);
  const size = { width: pixels.width, height: pixels.height };
  store.update({
    notice: undefined,
    picture: {
      ...opened,
      size,
      originalSize: size,
      file: { bytes: content, bitsPerPixel: (8 * content.length) / (size.width * size.height), written: undefined },
      decodeCost: cost,
      latentShape: info.latent,
      quality: info.quantiser?.quality,
      bitmaps: { sheet },
    },
  });
  await showPixels(context, opened.id, pixels, signal);
  await pictures.call('setNeural', pixels, { signal, transfer: [pixels.data.buffer] });
  store.update({ work: undefined, said: `Opened: ${bytes(content.length)}.` });
  performance.mark('reconstruction');
}

/** Shows decoded pixels as the reconstruction of a picture. */
export async function showPixels(
  context: Context,
  id: number,
  { data, width, height }: Pixels,
  signal: AbortSignal,
): Promise<void> {
  const neural = await createImageBitmap(new ImageData(data, width, height));
  if (signal.aborted) neural.close();
  signal.throwIfAborted();
  updateBitmaps(context, id, { neural });
}
