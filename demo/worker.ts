/** The model's own thread: loads it, runs pictures through it, and answers in the words of protocol.ts. */
import { AutoencoderDC, DcAeError, type Latent } from 'dc-ae-webgpu';
import { latentSheet, psnr } from './measure.ts';
import type { Adapter, Failure, FromWorker, ToWorker } from './protocol.ts';

/** A larger picture is made smaller first: on a CPU so that it takes seconds, not minutes; on a GPU so that it fits. */
const MAX_PIXELS = { software: 512 * 512, gpu: 2048 * 2048 };
/** What the buffers of one half may take. */
const MAX_BYTES = 2 ** 30;

let model: { readonly ae: AutoencoderDC; readonly adapter: Adapter } | undefined;
const runs = new Map<number, AbortController>();

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'load':
      void load(data.source);
      break;
    case 'run':
      void run(data.id, data.picture);
      break;
    case 'abort':
      runs.get(data.id)?.abort();
      break;
  }
});

function post(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

async function load(source: string): Promise<void> {
  try {
    const ae = await AutoencoderDC.fromPretrained(source, {
      onProgress: (progress) => post({ type: 'progress', progress }),
    });
    const adapter = describe(ae.device.adapterInfo);
    // Some drivers compile a shader when it first runs. Let the times that are shown be the network's, not the compiler's.
    const warm = await ae.forward({ data: new Uint8Array(4 * 64 * 64), width: 64, height: 64 });
    await ae.device.queue.onSubmittedWorkDone();
    warm.sample.dispose();
    model = { ae, adapter };
    post({ type: 'ready', info: { adapter, weightBytes: ae.memory.weights, dtype: ae.dtype } });
    const { message } = await ae.device.lost;
    post({
      type: 'failed',
      id: undefined,
      failure: { code: 'device-lost', message: message || 'The device was lost.' },
    });
  } catch (error) {
    post({ type: 'failed', id: undefined, failure: failureOf(error) });
  }
}

async function run(id: number, picture: ImageBitmap): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  for (const other of runs.values()) other.abort();
  runs.set(id, controller);
  try {
    if (!model) throw new DcAeError('disposed', 'No model is loaded yet.');
    const { ae } = model;
    const original = prepare(picture);
    const { width, height } = original;
    const scaled = width === picture.width && height === picture.height ? undefined : await createImageBitmap(original);
    picture.close();
    signal.throwIfAborted();
    post({ type: 'prepared', id, prepared: { width, height, scaled } }, scaled && [scaled]);

    const encoding = performance.now();
    const { latent } = await ae.encode(original, { signal });
    try {
      await ae.device.queue.onSubmittedWorkDone();
      const ms = performance.now() - encoding;
      const [, channels, rows, columns] = latent.shape;
      const sheet = await sheetOf(latent);
      signal.throwIfAborted();
      post({ type: 'encoded', id, encoded: { ms, channels, height: rows, width: columns, sheet } }, [sheet]);

      const decoding = performance.now();
      const { sample } = await ae.decode(latent, { signal });
      try {
        await ae.device.queue.onSubmittedWorkDone();
        const ms = performance.now() - decoding;
        const pixels = await sample.toImageData();
        const reconstruction = await createImageBitmap(pixels);
        signal.throwIfAborted();
        const decoded = { ms, reconstruction, psnr: psnr(original.data, pixels.data) };
        post({ type: 'decoded', id, decoded }, [reconstruction]);
      } finally {
        sample.dispose();
      }
    } finally {
      latent.dispose();
    }
  } catch (error) {
    post(signal.aborted ? { type: 'aborted', id } : { type: 'failed', id, failure: failureOf(error) });
  } finally {
    runs.delete(id);
  }
}

/** The picture's pixels on white, made smaller where this device asks for it. */
function prepare(picture: ImageBitmap): ImageData {
  let { width, height } = picture;
  const limit = model?.adapter.software ? MAX_PIXELS.software : MAX_PIXELS.gpu;
  const shrink = (factor: number): void => {
    width = Math.max(1, Math.round(width * factor));
    height = Math.max(1, Math.round(height * factor));
  };
  if (width * height > limit) shrink(Math.sqrt(limit / (width * height)));
  while (width * height > 4096 && !fits(width, height)) shrink(0.85);
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new DcAeError('input', 'This browser gave no canvas to read the picture with.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function fits(width: number, height: number): boolean {
  if (!model) return true;
  const { ae } = model;
  const ratio = ae.spatialCompressionRatio;
  const latent = { n: 1, width: Math.ceil(width / ratio), height: Math.ceil(height / ratio) };
  const image = { n: 1, width: latent.width * ratio, height: latent.height * ratio };
  try {
    return ae.plan('encoder', image).peakBytes + ae.plan('decoder', latent).peakBytes <= MAX_BYTES;
  } catch (error) {
    if (error instanceof DcAeError && error.code === 'limits') return false;
    throw error;
  }
}

async function sheetOf(latent: Latent): Promise<ImageBitmap> {
  const [, channels, height, width] = latent.shape;
  return await createImageBitmap(latentSheet(await latent.toArray(), channels, height, width));
}

const NAMES = ['NVIDIA', 'AMD', 'Intel', 'Apple', 'Qualcomm', 'Arm', 'ImgTec', 'Google', 'Mesa', 'SwiftShader'];

/** An adapter in words. Browsers tell of it what they see fit, down to nothing. */
function describe(info: GPUAdapterInfo): Adapter {
  const { vendor, architecture, device, description } = info;
  const spelt = (word: string): string => NAMES.find((name) => name.toLowerCase() === word) ?? word;
  const parts = [vendor, architecture, device].filter(Boolean).map(spelt).join(' ');
  const software =
    info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i.test(`${parts} ${description}`);
  return { name: description || parts || 'a GPU that this browser doesn’t name', software };
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'unknown', message: String(error) };
  if (!(error instanceof DcAeError)) return { code: 'unknown', message: `${error.name}: ${error.message}` };
  const { code, message } = error;
  if (code !== 'unsupported') return { code, message };
  return { code: 'gpu' in navigator ? 'no-adapter' : 'no-webgpu', message };
}
