/**
 * The model's own thread: the library and its codec, so that the page never waits.
 *
 * Not `createWorkerClient()`, though that is what most pages want: here the codec runs beside the model, so that
 * latents don't cross to the page and back for every step of the slider; and the page wants to hear at once that the
 * device was lost, and what it offers.
 */
import { AutoencoderDC, DcAeError, type Profile } from 'dc-ae-webgpu';
import { decompress, FormatError, packLatent, unpackLatent, type PlainLatent } from 'dc-ae-webgpu/codec';
import { unknownFailure, type Failure } from '../failure.ts';
import { serve } from '../rpc.ts';
import { describe } from './adapter.ts';
import { download } from './download.ts';
import { prepare } from './prepare.ts';
import type { ModelMethods, RunSettings, Work } from './protocol.ts';
import { heatMap, latentSheet } from './sheet.ts';

interface Loaded {
  readonly ae: AutoencoderDC;
  readonly software: boolean;
  readonly checkpointUrl: string | undefined;
}

let loaded: Loaded | undefined;

function model(): Loaded {
  if (!loaded) throw new DcAeError('disposed', 'No model is loaded yet.');
  return loaded;
}

serve<ModelMethods>(
  {
    load: async ({ source, dtype, checkpointUrl }, { signal, report }) => {
      const options = { dtype, signal, onProgress: report };
      const single = typeof source === 'string' ? source : onlyFile(source);
      const ae =
        single !== undefined && (single instanceof File || /\.safetensors$/.test(single))
          ? await AutoencoderDC.fromSingleFile(single, options)
          : await AutoencoderDC.fromPretrained(typeof source === 'string' ? source : [...source], options);
      // Some drivers compile a shader when it first runs. Let the times that are shown be the network's, not the
      // compiler's.
      const warm = await ae.forward({ data: new Uint8Array(4 * 64 * 64), width: 64, height: 64 }, { signal });
      await ae.device.queue.onSubmittedWorkDone();
      warm.sample.dispose();
      const adapter = describe(ae.device);
      loaded = { ae, software: adapter.software, checkpointUrl };
      const ratio = ae.spatialCompressionRatio;
      return { adapter, config: ae.config, ratio, dtype: ae.dtype, weightBytes: ae.memory.weights };
    },

    lost: async () => {
      const { message } = await model().ae.device.lost;
      return { code: 'device-lost', message: message || 'The device was lost.' };
    },

    download: async (url, { signal, handOver }) => {
      const bytes = await download(url, signal);
      handOver(bytes.buffer);
      return bytes;
    },

    encode: async ({ picture: bitmap, settings }, { signal, report, handOver }) => {
      const { ae, software } = model();
      const original = prepare(bitmap, software);
      const { data, width, height } = original;
      const picture = await createImageBitmap(original);
      report({ pixels: { data, width, height }, picture }, [picture]);

      const started = performance.now();
      const run = new Run(settings);
      const { latent } = await ae.encode(original, { ...run.options, onProgress: report, signal });
      try {
        await ae.device.queue.onSubmittedWorkDone();
        const ms = performance.now() - started;
        const [n, channels, rows, columns] = latent.shape;
        const numbers = new Float32Array(await latent.toArray());
        const plain: PlainLatent = { data: numbers, shape: latent.shape, imageSize: { width, height } };
        const work = await run.work('encoder', ms, { n, height: rows, width: columns });
        const sheet = await createImageBitmap(latentSheet(numbers, channels, rows, columns));
        handOver(sheet, numbers.buffer);
        return { work, latent: plain, sheet };
      } finally {
        latent.dispose();
      }
    },

    pack: async ({ latent, quality }, { signal, handOver }) => {
      const { ae, checkpointUrl } = model();
      const started = performance.now();
      const { bytes, stats } = await packLatent(latent, { model: ae, quality, signal, checkpointUrl });
      const ms = performance.now() - started;
      const [, , rows, columns] = latent.shape;
      const { bitsPerPixel, count, zeros, bitsPerPosition } = stats;
      const heat = await createImageBitmap(heatMap(bitsPerPosition, columns, rows));
      const mostBits = bitsPerPosition.reduce((a, b) => Math.max(a, b), 0);
      handOver(heat, bytes.buffer);
      return { bytes, ms, stats: { bitsPerPixel, count, zeros }, heat, mostBits };
    },

    decode: async ({ bytes, settings }, { signal, report, handOver }) => {
      const { ae } = model();
      const run = new Run(settings);
      let started = 0;
      const { image: sample, info } = await decompress(ae, bytes, {
        as: 'sample',
        signal,
        run: { ...run.options, onProgress: report },
        onProgress: ({ phase }) => {
          if (phase === 'decode') started = performance.now();
        },
      });
      try {
        await ae.device.queue.onSubmittedWorkDone();
        const ms = performance.now() - started;
        const [n, channels, height, width] = info.latent;
        const work = await run.work('decoder', ms, { n, height, width });
        const image = await sample.toImageData();
        const picture = await createImageBitmap(image);
        const { latent } = await unpackLatent(bytes, { signal });
        const sheet = await createImageBitmap(latentSheet(latent.data, channels, height, width));
        const pixels = { data: image.data, width: image.width, height: image.height };
        handOver(picture, sheet, image.data.buffer);
        return { work, info, pixels, picture, sheet };
      } finally {
        sample.dispose();
      }
    },
  },
  failureOf,
);

function onlyFile(files: readonly File[]): File | undefined {
  const [file] = files;
  return files.length === 1 && file?.name.endsWith('.safetensors') ? file : undefined;
}

/** One run of a half, as the reader wants it. */
class Run {
  readonly #settings: RunSettings;
  #profile: Profile | undefined;

  constructor(settings: RunSettings) {
    this.#settings = settings;
  }

  get options(): { memoryBudget: number | undefined; onProfile: ((profile: Profile) => void) | undefined } {
    const { memoryBudget, profiled } = this.#settings;
    return { memoryBudget, onProfile: profiled ? (profile) => (this.#profile = profile) : undefined };
  }

  /** Returns the work and time of the finished run. */
  async work(
    part: 'encoder' | 'decoder',
    ms: number,
    latent: { n: number; height: number; width: number },
  ): Promise<Work> {
    const { ae } = model();
    const ratio = ae.spatialCompressionRatio;
    const size = { n: latent.n, height: ratio * latent.height, width: ratio * latent.width };
    const plan = await ae.plan({ which: part, ...size, memoryBudget: this.#settings.memoryBudget });
    const profile = this.#profile && { clock: this.#profile.clock, stages: this.#profile.stages };
    return { ms, ...plan, profile };
  }
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof DcAeError)) return unknownFailure(error);
  const { code, message } = error;
  if (error instanceof FormatError) return { code, message, problem: error.problem, needed: error.needed };
  if (code !== 'unsupported') return { code, message };
  return { code: 'gpu' in navigator ? 'no-adapter' : 'no-webgpu', message };
}
