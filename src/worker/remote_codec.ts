import type {
  CodecProgress,
  CompressedFile,
  CompressOptions,
  DecompressOptions,
  FileInfo,
  LatentNumbers,
  PackOptions,
  PictureForms,
  RemoteCodec,
} from '../codec/types.ts';
import type { Channel } from '../rpc/channel.ts';
import type { ImageInput } from '../runtime/image.ts';
import type { MemoryUse } from '../runtime/model_interface.ts';
import type { ModelLatent } from '../runtime/model_results.ts';
import type { RunOptions } from '../runtime/run_options.ts';
import { sendImage } from './images.ts';
import type { CodecReport, PageMethods, WorkerMethods } from './protocol.ts';
import { WorkerLatent, WorkerSample, type RemoteObject } from './remote_results.ts';
import { sentCompressOptions, sentDecompressOptions, sentPackOptions } from './sent_options.ts';

/** The functions of a codec call that receive its reports. */
interface CodecListeners {
  readonly onProgress?: ((progress: CodecProgress) => void) | undefined;
  readonly run?: Pick<RunOptions, 'onProgress' | 'onProfile'> | undefined;
}

/**
 * The codec in a model's worker. Networks and entropy coder run there, and only files and pictures cross to the page.
 */
export class WorkerCodec implements RemoteCodec<WorkerSample> {
  readonly #channel: Channel<WorkerMethods, PageMethods>;
  readonly #model: Pick<RemoteObject, 'id'>;
  readonly #onMemory: (memory: MemoryUse) => void;

  /** @internal */
  constructor(
    channel: Channel<WorkerMethods, PageMethods>,
    model: Pick<RemoteObject, 'id'>,
    onMemory: (memory: MemoryUse) => void,
  ) {
    this.#channel = channel;
    this.#model = model;
    this.#onMemory = onMemory;
  }

  /** As the codec's `compress`. */
  async compress(image: ImageInput, options: CompressOptions): Promise<CompressedFile> {
    options.signal?.throwIfAborted();
    const parcel = sendImage(image);
    const sent = parcel instanceof Promise ? await parcel : parcel;
    const args = { model: this.#model.id, image: sent.image, options: sentCompressOptions(options) };
    const { value, memory } = await this.#channel.call('compress', args, {
      signal: options.signal,
      transfer: sent.transfer,
      onReport: codecReporter(options),
    });
    this.#onMemory(memory);
    return value;
  }

  /** As the codec's `decompress`. */
  async decompress(
    file: Uint8Array,
    options: DecompressOptions,
  ): Promise<{ image: PictureForms<WorkerSample>[keyof PictureForms<WorkerSample>]; info: FileInfo }> {
    const args = { model: this.#model.id, file, options: sentDecompressOptions(options) };
    const { value, memory } = await this.#channel.call('decompress', args, {
      signal: options.signal,
      onReport: codecReporter(options),
      onLateResult: ({ value: { picture } }) => {
        if (picture.kind === 'sample') new WorkerSample(this.#channel, picture.sample).dispose();
        else if ('close' in picture.image) picture.image.close();
      },
    });
    this.#onMemory(memory);
    const { picture, info } = value;
    const image = picture.kind === 'sample' ? new WorkerSample(this.#channel, picture.sample) : picture.image;
    return { image, info };
  }

  /** As the codec's `packLatent`. */
  async packLatent(latent: LatentNumbers | ModelLatent, options: PackOptions): Promise<CompressedFile> {
    const args = { model: this.#model.id, latent: await sendNumbers(latent), options: sentPackOptions(options) };
    return await this.#channel.call('packLatent', args, {
      signal: options.signal,
      onReport: codecReporter(options),
    });
  }
}

/** A latent in a form that can be sent. Plain copies of its fields, because reactive proxies cannot be cloned. */
async function sendNumbers(latent: LatentNumbers | ModelLatent): Promise<number | LatentNumbers> {
  if (latent instanceof WorkerLatent) return latent.id;
  const [n, channels, height, width] = latent.shape;
  const data = 'data' in latent ? latent.data.slice() : await latent.toArray();
  return { data, shape: [n, channels, height, width], imageSize: latent.imageSize && { ...latent.imageSize } };
}

/** Passes the events of a codec call on to its options. */
function codecReporter({ onProgress, run }: CodecListeners): (event: CodecReport) => void {
  return (event) => {
    if (event.kind === 'codec') onProgress?.(event.progress);
    else if (event.kind === 'progress') run?.onProgress?.(event.progress);
    else run?.onProfile?.(event.profile);
  };
}
