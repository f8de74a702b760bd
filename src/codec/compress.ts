/** Pictures to files and back: the encoder before packLatent, the decoder after unpackLatent. */
import { FormatError, InputError } from '../errors.ts';
import type { ImageInput } from '../runtime/image.ts';
import { checkCompressOptions, checkDecompressOptions } from './check_options.ts';
import { readFile, type FileInput } from './file_input.ts';
import { inspect, packLatent, unpackLatent } from './latent_file.ts';
import type {
  CompressedFile,
  CompressOptions,
  DecodedSample,
  DecompressOptions,
  FileInfo,
  LatentDecoder,
  LatentEncoder,
  ModelFingerprint,
  PictureForms,
} from './types.ts';

/**
 * Encodes a picture and writes it to a file. With a model in a worker, all work runs there.
 *
 * @param ae - a model with an encoder: an `AutoencoderDC` or a `WorkerAutoencoderDC`
 * @param image - any input of `ae.encode`
 * @returns the file and its statistics
 * @throws errors of `ae.encode`; InputError if an option is invalid; the signal's reason if aborted
 */
export async function compress(
  ae: LatentEncoder,
  image: ImageInput,
  options: CompressOptions = {},
): Promise<CompressedFile> {
  checkCompressOptions(options);
  if (ae.codec !== undefined) return await ae.codec.compress(image, options);
  const { run, ...packOptions } = options;
  const { signal, onProgress } = options;
  onProgress?.({ phase: 'encode', fraction: 0 });
  const { latent } = await ae.encode(image, { ...run, signal });
  try {
    const { shape, imageSize } = latent;
    const data = await latent.toArray();
    return await packLatent({ data, shape, imageSize }, { ...packOptions, model: ae });
  } finally {
    latent.dispose();
  }
}

/**
 * Reads a file and decodes its picture. With a model in a worker, all work runs there.
 *
 * @param ae - a model with a decoder, of the checkpoint that the file was made with
 * @param input - the whole file
 * @returns the first picture of the batch in the form that `as` names, and the contents of the file's header
 * @throws FormatError if the file is damaged, incomplete, of another version or for another model; errors of
 * `ae.decode`; the signal's reason if aborted
 */
export async function decompress<S extends DecodedSample>(
  ae: LatentDecoder<S>,
  input: FileInput,
  options?: DecompressOptions & { readonly as?: undefined },
): Promise<{ image: ImageData; info: FileInfo }>;
export async function decompress<S extends DecodedSample, F extends keyof PictureForms<S>>(
  ae: LatentDecoder<S>,
  input: FileInput,
  options: DecompressOptions & { readonly as: F },
): Promise<{ image: PictureForms<S>[F]; info: FileInfo }>;
export async function decompress<S extends DecodedSample>(
  ae: LatentDecoder<S>,
  input: FileInput,
  options: DecompressOptions = {},
): Promise<{ image: PictureForms<S>[keyof PictureForms<S>]; info: FileInfo }> {
  checkDecompressOptions(options);
  const { signal, onProgress, run, anyModel = false, maxNumbers, as: form = 'imageData' } = options;
  if (!FORMS.includes(form)) {
    throw new InputError(`options.as must be one of ${FORMS.join(', ')}; it was ${JSON.stringify(form)}.`);
  }
  checkEnvironment(form);
  const file = await readFile(input, signal);
  if (ae.codec !== undefined) return await ae.codec.decompress(file, options);
  checkModel(ae, await inspect(file), anyModel);
  const { latent, info } = await unpackLatent(file, {
    signal,
    maxNumbers,
    onProgress: (progress) => {
      if (progress.phase !== 'done') onProgress?.(progress);
    },
  });
  onProgress?.({ phase: 'decode', fraction: 0 });
  const { sample } = await ae.decode(latent, { ...run, signal });
  const image = form === 'sample' ? sample : await picture(sample, form);
  onProgress?.({ phase: 'done', fraction: 1 });
  return { image, info };
}

const FORMS: readonly (keyof PictureForms<unknown>)[] = ['imageData', 'imageBitmap', 'tensor', 'sample'];

/** Refuses a form that this environment cannot make, before any work. */
function checkEnvironment(form: keyof PictureForms<unknown>): void {
  if (form !== 'imageBitmap' || 'createImageBitmap' in globalThis) return;
  throw new InputError(
    'decompress cannot return the form "imageBitmap", because this environment has no createImageBitmap. Choose ' +
      'options.as: "imageData", "tensor" or "sample".',
  );
}

async function picture(
  sample: DecodedSample,
  form: Exclude<keyof PictureForms<unknown>, 'sample'>,
): Promise<PictureForms<never>[typeof form]> {
  try {
    if (form === 'tensor') return { data: await sample.toArray(), shape: sample.shape };
    if (form === 'imageData' && typeof ImageData === 'undefined' && sample.toPixels !== undefined) {
      // Node has no ImageData: a plain object has the same fields that code outside of canvases reads.
      return { ...(await sample.toPixels()), colorSpace: 'srgb' } as ImageData;
    }
    const pixels = await sample.toImageData();
    return form === 'imageData' ? pixels : await createImageBitmap(pixels);
  } finally {
    sample.dispose();
  }
}

/** Compares the fingerprints of the decoder, or of the encoder if one side has none of the decoder. */
function checkModel(ae: ModelFingerprint, { checkpoint: needed, latent }: FileInfo, anyModel: boolean): void {
  const { checkpoint, config } = ae;
  const differs = (which: 'encoder' | 'decoder'): boolean | undefined =>
    needed[which] === undefined || checkpoint[which] === undefined ? undefined : needed[which] !== checkpoint[which];
  const otherShape = latent[1] !== config.latentChannels;
  if (!otherShape && (anyModel || !(differs('decoder') ?? differs('encoder') ?? false))) return;
  const name = needed.id ?? `the checkpoint whose decoder has the fingerprint ${needed.decoder ?? 'unknown'}`;
  const where = needed.url === undefined ? '' : ` (${needed.url})`;
  const at = checkpoint.id ?? `one whose decoder has the fingerprint ${checkpoint.decoder ?? 'unknown'}`;
  const why = otherShape
    ? ` Its latents have ${latent[1]} channels; this model's have ${config.latentChannels}.`
    : differs('encoder') === false
      ? ' Both have the same encoder. With anyModel: true this model decodes the file to a picture that ' +
        'differs a little.'
      : ' The same weights in another number format have another fingerprint; anyModel: true accepts them.';
  throw new FormatError(
    'wrong-model',
    `The file was made with ${name}${where}; the loaded model is ${at}. Load the checkpoint of the file.${why}`,
    {
      needed: needed.id ?? needed.url,
    },
  );
}
