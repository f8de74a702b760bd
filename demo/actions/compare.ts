/** Comparing with other codecs at the same size, and the curve of quality against size. */
import type { LoadedModel } from '../model/load.ts';
import { FORMATS, type Format, type Side } from '../picture/types.ts';
import type { ComparedRow, Picture, RatePoint } from '../state/state.ts';
import { updateBitmaps, updatePicture, type Context } from './context.ts';
import { decode } from './run_model.ts';
import { pause } from './work.ts';

/** Writes and measures the other codecs' files, no larger than the target or, without one, than the `.dcae` file. */
export async function compareCodecs(context: Context, id: number, signal: AbortSignal): Promise<void> {
  const { store, pictures } = context;
  const { picture, settings } = store.state;
  const target = picture && largestSize(picture);
  if (target === undefined || picture?.kind !== 'photo') return;
  for (const format of FORMATS.filter((name) => name !== 'avif' || settings.avif)) {
    let row: ComparedRow;
    try {
      const onLateResult = ({ bitmap }: { readonly bitmap: ImageBitmap }): void => bitmap.close();
      row = await pictures.call('compare', { format, target }, { signal, onLateResult });
    } catch (error) {
      signal.throwIfAborted();
      row = { format, missing: reasonOf(format, error) };
    }
    const current = store.state.picture;
    if (current?.id !== id) return;
    updatePicture(context, id, { compared: { ...current.compared, [format]: row } });
    if ('psnr' in row) addPoint(context, id, format, { bpp: bitsPerPixel(context, row.bytes), psnr: row.psnr });
    if (store.state.side === format) await showDifference(context);
  }
  performance.mark('compared');
}

/** Returns the most bytes that a file to compare with may have; undefined if there is no file yet. */
export function largestSize({ file, targetBytes }: Picture): number | undefined {
  return file && (targetBytes ?? file.bytes.length);
}

/** Puts a picture on the left of the divider. */
export async function chooseSide(context: Context, side: Side): Promise<void> {
  context.store.update({ side });
  await showDifference(context);
}

/** Draws the difference between the reconstruction and the picture on the left. */
export async function showDifference(context: Context): Promise<void> {
  const { picture } = context.store.state;
  const side = shownSide(context);
  if (picture?.kind !== 'photo' || !picture.likeness) return;
  const { id, likeness } = picture;
  // A failure means that the picture has changed.
  const difference = await context.pictures.call('differenceTo', side).catch(() => undefined);
  if (!difference) return;
  const current = context.store.state.picture;
  if (current?.id === id && current.likeness === likeness && shownSide(context) === side) {
    updateBitmaps(context, id, { difference });
  } else difference.close();
}

/** The picture that really is on the left: a codec's only once its file is there. */
export function shownSide({ store }: Context): Side {
  const { side, picture } = store.state;
  if (side === 'original') return side;
  const row = picture?.compared[side];
  return row && 'bitmap' in row ? side : 'original';
}

/** The qualities of the curve's points. */
const CURVE = {
  neural: [5, 10, 20, 30, 40, 50, 60, 75, 90],
  other: [0, 10, 25, 50, 75, 90],
} as const;
/** A software adapter takes most of a second for each point. */
const SOFTWARE_CURVE = [10, 30, 60, 90] as const;
const IDLE_MS = 1500;

/** Measures the whole curve of quality against size, point by point, while nothing else is going on. */
export async function drawCurve(context: Context, model: LoadedModel, id: number, signal: AbortSignal): Promise<void> {
  const { store, pictures } = context;
  const { picture, settings, adapter } = store.state;
  if (!picture || picture.id !== id) return;
  await pause(IDLE_MS, signal);
  const onLateResult = ({ heat }: { readonly heat: ImageBitmap }): void => heat.close();
  for (const quality of adapter?.software ? SOFTWARE_CURVE : CURVE.neural) {
    const { bytes, bitsPerPixel: bpp, heat } = await pictures.call('pack', { quality }, { signal, onLateResult });
    heat.close();
    const { pixels } = await decode(model, bytes, { settings, signal });
    const psnr = await pictures.call('psnrOf', pixels, { signal, transfer: [pixels.data.buffer] });
    addPoint(context, id, 'neural', { bpp, psnr });
    await pause(0, signal);
  }
  for (const format of ['jpeg', 'webp'] as const) {
    for (const quality of CURVE.other) {
      const { bytes, psnr } = await pictures.call('curvePoint', { format, quality }, { signal });
      addPoint(context, id, format, { bpp: bitsPerPixel(context, bytes), psnr });
    }
  }
  performance.mark('curve');
}

/** Adds a point to a curve, in the order of sizes. */
export function addPoint(context: Context, id: number, series: 'neural' | Format, point: RatePoint): void {
  const { picture } = context.store.state;
  if (picture?.id !== id || !Number.isFinite(point.psnr)) return;
  const others = (picture.curve[series] ?? []).filter(({ bpp }) => bpp !== point.bpp);
  const points = [...others, point].sort((a, b) => a.bpp - b.bpp);
  updatePicture(context, id, { curve: { ...picture.curve, [series]: points } });
}

function bitsPerPixel({ store }: Context, bytes: number): number {
  const { width, height } = store.state.picture?.size ?? { width: 1, height: 1 };
  return (8 * bytes) / (width * height);
}

function reasonOf(format: Format, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/wasm|WebAssembly|unsafe-eval/i.test(message)) return 'this host forbids the encoder (WebAssembly)';
  return format === 'avif' ? 'the encoder could not be loaded' : 'this browser has no encoder';
}
