/** The way of a picture: encode it, write the file, decode the file, measure, compare. */
import { bytes, decibels, sides } from '../format.ts';
import type { LoadedModel } from '../model/load.ts';
import { addPoint, compareCodecs, drawCurve, showDifference } from './compare.ts';
import { closeLate, showWork, updateBitmaps, updatePicture, updateSettings, type Context } from './context.ts';
import { decode, encode } from './run_model.ts';
import { showFile, showPixels } from './show_file.ts';
import { pause, regionProgress, working } from './work.ts';

/** The slider rests this long before its file is decoded. */
const REST_MS = 120;

/** Works on the picture at hand from the beginning. */
export async function processPicture(context: Context): Promise<void> {
  await working(context, async (model, picture, signal) => {
    const { id, kind, file, bitmaps } = picture;
    if (kind === 'file') {
      if (file) await showFile(context, model, picture, file.bytes, signal);
      return;
    }
    updatePicture(context, id, {
      bitmaps: { original: bitmaps.original },
      encoded: undefined,
      latentShape: undefined,
      file: undefined,
      decodeCost: undefined,
      likeness: undefined,
      compared: {},
      curve: {},
    });
    await encodePicture(context, model, signal);
    await writeFile(context, model, signal, 0);
  });
}

/** Writes the file again, with the quality of the settings. */
export async function requantise(context: Context): Promise<void> {
  const { picture } = context.store.state;
  if (!picture?.encoded) return;
  updatePicture(context, picture.id, { targetBytes: undefined });
  await working(context, async (model, _, signal) => await writeFile(context, model, signal, REST_MS));
}

/** Finds the quality whose file has at most `target` bytes, and writes that file. The other codecs follow. */
export async function fitToBytes(context: Context, target: number): Promise<void> {
  if (!context.store.state.picture?.encoded) return;
  await working(context, async (model, { id }, signal) => {
    updatePicture(context, id, { targetBytes: target });
    showWork(context, `Finding the quality for ${bytes(target)}`);
    const quality = await context.pictures.call('fitQuality', { target }, { signal });
    updateSettings(context, { quality });
    await writeFile(context, model, signal, 0);
  });
}

/** Measures the other codecs again: one more was asked for. */
export async function compareAgain(context: Context): Promise<void> {
  await working(context, async (_, { id }, signal) => await compareCodecs(context, id, signal));
}

async function encodePicture(context: Context, model: LoadedModel, signal: AbortSignal): Promise<void> {
  const { picture, settings } = context.store.state;
  if (!picture?.bitmaps.original) return;
  const { id, size } = picture;
  const label = `Encoding ${sides(size.width, size.height)}`;
  showWork(context, label);
  context.store.update({ said: 'Encoding.' });
  const copy = await createImageBitmap(picture.bitmaps.original); // encoding uses it up
  signal.throwIfAborted();
  const onProgress = regionProgress(context, label);
  const { latent, cost } = await encode(model, copy, { settings, signal, onProgress });
  const { config, checkpoint } = model.ae;
  const { checkpointUrl } = model.choice;
  const { shape } = latent;
  const sheet = await context.pictures.call(
    'setLatent',
    { latent, model: { config, checkpoint }, checkpointUrl },
    { signal, transfer: [latent.data.buffer], onLateResult: closeLate },
  );
  updateBitmaps(context, id, { sheet });
  updatePicture(context, id, { encoded: { cost }, latentShape: shape });
}

async function writeFile(context: Context, model: LoadedModel, signal: AbortSignal, restMs: number): Promise<void> {
  const { store, pictures } = context;
  const { picture, settings } = store.state;
  if (!picture) return;
  const { id } = picture;
  const onLateResult = ({ heat }: { readonly heat: ImageBitmap }): void => heat.close();
  const { heat, ...file } = await pictures.call('pack', { quality: settings.quality }, { signal, onLateResult });
  updateBitmaps(context, id, { bits: heat });
  updatePicture(context, id, { file, likeness: undefined });
  if (restMs > 0) await pause(restMs, signal);
  showWork(context, 'Decoding');
  const onProgress = regionProgress(context, 'Decoding');
  const { pixels, cost } = await decode(model, file.bytes, { settings, signal, onProgress });
  await showPixels(context, id, pixels, signal);
  const likeness = await pictures.call('setNeural', pixels, { signal, transfer: [pixels.data.buffer] });
  updatePicture(context, id, { decodeCost: cost, likeness });
  if (likeness) addPoint(context, id, 'neural', { bpp: file.bitsPerPixel, psnr: likeness.psnr });
  const psnr = likeness ? ` PSNR ${decibels(likeness.psnr)}.` : '';
  store.update({ work: undefined, said: `The file has ${bytes(file.bytes.length)}.${psnr}` });
  performance.mark('reconstruction');
  await showDifference(context);
  await compareCodecs(context, id, signal);
  await drawCurve(context, model, id, signal);
}
