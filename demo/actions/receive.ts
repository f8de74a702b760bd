/** Pictures and files come in: samples, picked, pasted, dropped, shared or linked files. */
import { detailOf } from '../errors.ts';
import { isDcae, isPicture, startsLikeDcae } from '../files/file_kinds.ts';
import { nameAt } from '../files/intake.ts';
import { sampleUrl, type Sample } from '../files/samples.ts';
import { linkTo } from '../files/saving.ts';
import { modelOfFiles } from '../model/choices.ts';
import { linkedFileMissing, notAnAddress, notAPicture, nothingReceived, sampleMissing } from '../notices.ts';
import type { Picture } from '../state/state.ts';
import { runBatch } from './batch.ts';
import { processPicture } from './compress.ts';
import { showWork, tell, type Context } from './context.ts';
import { load } from './model_actions.ts';
import { newPicture } from './new_picture.ts';
import { openFile } from './opened_file.ts';
import { pictureLimits } from './picture_limits.ts';

/** The facts about a picture that its pixels do not tell. */
type Known = Pick<Picture, 'title'> & Partial<Pick<Picture, 'credit' | 'sample' | 'link'>>;

/** Counts the pictures that were asked for: only the newest is shown. */
let newest = 0;

/** Sorts out received files: the files of a model, one picture or `.dcae` file, or several. */
export async function receive(context: Context, files: readonly File[]): Promise<void> {
  if (files.length === 0) return tell(context, nothingReceived);
  const isModelFile = ({ name }: File): boolean => /\.(safetensors|json)$/i.test(name);
  const hasWeights = files.some(({ name }) => /\.safetensors$/i.test(name));
  if (hasWeights) void load(context, modelOfFiles(files.filter(isModelFile)));
  const others = hasWeights ? files.filter((file) => !isModelFile(file)) : files;
  // The folder of a model has other files, too.
  const pictures = hasWeights ? others.filter((file) => isDcae(file) || isPicture(file)) : others;
  const [first, second] = pictures;
  if (second) await runBatch(context, pictures);
  else if (first) await openOne(context, first);
}

/** Opens a sample. */
export async function openSample(context: Context, sample: Sample): Promise<void> {
  const ticket = ++newest;
  try {
    const response = await fetch(sampleUrl(sample));
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    const file = await response.blob();
    if (ticket !== newest) return;
    await openPicture(context, file, { title: sample.title, credit: sample.credit, sample: sample.id });
  } catch (error) {
    if (ticket === newest) tell(context, sampleMissing(sample.title, detailOf(error)));
  }
}

/** Opens a file from an address, which a link gave. */
export async function openLink(context: Context, address: string): Promise<void> {
  if (linkTo(address) === undefined) return tell(context, notAnAddress(address));
  const ticket = ++newest;
  const signal = context.startRun();
  showWork(context, 'Fetching the file');
  try {
    const content = await context.download(new URL(address, document.baseURI).href, signal);
    if (ticket !== newest) return;
    context.store.update({ work: undefined });
    await openOne(context, new File([content], nameAt(address) || 'picture.dcae'), address);
  } catch (error) {
    if (ticket !== newest) return;
    context.store.update({ work: undefined });
    if (!signal.aborted) tell(context, linkedFileMissing(error));
  }
}

/** Makes the link that opens a hosted file in this page, and copies it. */
export async function shareLink(context: Context, address: string): Promise<void> {
  const link = linkTo(address);
  if (link === undefined) return tell(context, notAnAddress(address));
  const copied = await navigator.clipboard.writeText(link).then(
    () => 'Copied: ',
    () => '',
  );
  context.store.update({ link: copied + link });
}

async function openOne(context: Context, file: File, link?: string): Promise<void> {
  if (isDcae(file) || (await startsLikeDcae(file))) {
    newest++;
    await openFile(context, { title: file.name, link }, new Uint8Array(await file.arrayBuffer()));
  } else await openPicture(context, file, { title: file.name || 'Pasted picture', link });
}

/** Shows a picture, and compresses it once there is a model. A file that is not a picture changes nothing. */
async function openPicture(context: Context, file: Blob, known: Known): Promise<void> {
  const { store, pictures } = context;
  const ticket = ++newest;
  const opened = await pictures.call('open', { file, ...pictureLimits(context) }).catch(() => undefined);
  if (ticket !== newest) return opened?.bitmap.close();
  if (!opened) return tell(context, notAPicture(known.title));
  const { bitmap, pixels, originalSize, losses } = opened;
  context.stopRun(new DOMException('Another picture was opened.', 'AbortError'));
  const size = { width: pixels.width, height: pixels.height };
  void pictures.call('setOriginal', pixels, { transfer: [pixels.data.buffer] });
  const read = { sourceBytes: file.size, size, originalSize, losses, bitmaps: { original: bitmap } };
  const picture = newPicture({ kind: 'photo', ...known, ...read });
  store.update({ picture, notice: undefined, work: store.state.loading ? store.state.work : undefined });
  await processPicture(context);
}
