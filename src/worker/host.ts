/** The worker's end: owns models and results, and runs what the page asks for. */
import { compress, decompress } from '../codec/compress.ts';
import { packLatent } from '../codec/latent_file.ts';
import type { CodecProgress } from '../codec/types.ts';
import { InputError } from '../errors.ts';
import type { LoadProgress } from '../loading/load_options.ts';
import { Channel, type CallContext, type Handlers, type Port } from '../rpc/channel.ts';
import { AutoencoderDC } from '../runtime/autoencoder_dc.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import type { DeviceDescription } from '../runtime/model_interface.ts';
import { Latent, Sample } from '../runtime/results.ts';
import type { RunOptions, RunProgress } from '../runtime/run_options.ts';
import type { Profile } from '../session/profile.ts';
import type { ByteSource } from '../weights/sources/byte_source.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import type {
  CodecReport,
  DecodedFile,
  ModelFacts,
  PageMethods,
  RunAnswer,
  RunReport,
  SentImage,
  SentResult,
  SentSource,
  WorkerMethods,
} from './protocol.ts';
import type { Profiled } from './sent_options.ts';

type PageChannel = Channel<PageMethods, WorkerMethods>;

/** Serves models to the page at the other end of `port`. */
export function serve(port: Port): void {
  const objects = new Map<number, AutoencoderDC | Latent | Sample>();
  let nextId = 0;
  const keep = (object: AutoencoderDC | Latent | Sample): number => {
    objects.set(nextId, object);
    return nextId++;
  };
  const modelOf = (id: number): AutoencoderDC => {
    const object = objects.get(id);
    if (object instanceof AutoencoderDC) return object;
    throw new RangeError(`object ${id} is not a model`);
  };
  const resultOf = (id: number): Latent | Sample => {
    const object = objects.get(id);
    if (object instanceof Latent || object instanceof Sample) return object;
    throw new RangeError(`object ${id} is not a result`);
  };
  const sampleOf = (id: number): Sample => {
    const object = resultOf(id);
    if (object instanceof Sample) return object;
    throw new RangeError(`object ${id} is not a sample`);
  };
  const latentOf = <T>(latent: number | T): Latent | T => {
    const object = typeof latent === 'number' ? resultOf(latent) : latent;
    if (object instanceof Sample) throw new InputError('This is a sample, the result of decode. Pass a latent.');
    return object;
  };
  const keepResult = (result: Latent | Sample): SentResult => ({
    result: keep(result),
    shape: result.shape,
    imageSize: result instanceof Latent ? result.imageSize : undefined,
  });
  const answer = <T>(model: number, value: T): RunAnswer<T> => ({ value, memory: modelOf(model).memory });

  const handlers: Handlers<WorkerMethods> = {
    async load({ single, source, options, fetch }, { signal, report }) {
      const all = {
        ...options,
        ...(fetch !== undefined && { fetch: fetchThrough(channel, fetch) }),
        signal,
        onProgress: (progress: LoadProgress) => report({ kind: 'progress', progress }),
        onWarning: (message: string) => report({ kind: 'warning', message }),
      };
      const model = single
        ? await AutoencoderDC.fromSingleFile(singleInput(source), all)
        : await AutoencoderDC.fromPretrained(folderInput(channel, source), all);
      return { model: keep(model), facts: factsOf(model), memory: model.memory };
    },
    async encode({ model, image, options }, context) {
      const { latent } = await withImage(image, () => modelOf(model).encode(image, runOptions(options, context)));
      return answer(model, keepResult(latent));
    },
    async decode({ model, latent, options }, context) {
      const { sample } = await modelOf(model).decode(latentOf<LatentInput>(latent), runOptions(options, context));
      return answer(model, keepResult(sample));
    },
    async decodeStrips({ model, latent, options, sink }, context) {
      const strips = modelOf(model).decodeStrips(latentOf<LatentInput>(latent), runOptions(options, context));
      for await (const strip of strips) {
        await channel.call('strip', { sink, strip }, { signal: context.signal, transfer: [strip.data.buffer] });
      }
      return answer(model, undefined);
    },
    async compress({ model, image, options }, context) {
      const file = await withImage(image, () =>
        compress(modelOf(model), image, {
          ...options,
          ...codecOptions(context),
          run: networkOptions(options.run, context),
        }),
      );
      context.transfer(file.bytes.buffer);
      return answer(model, file);
    },
    async decompress({ model, file, options: { as = 'imageData', ...options } }, context) {
      const all = { ...options, ...codecOptions(context), run: networkOptions(options.run, context), as };
      const { image, info } = await decompress(modelOf(model), file, all);
      if (image instanceof Sample) {
        return answer<DecodedFile>(model, { picture: { kind: 'sample', sample: keepResult(image) }, info });
      }
      if ('close' in image) context.transfer(image);
      return answer<DecodedFile>(model, { picture: { kind: 'data', image }, info });
    },
    async packLatent({ model, latent, options }, context) {
      const all = { ...options, ...codecOptions(context), model: modelOf(model) };
      const file = await packLatent(latentOf(latent), all);
      context.transfer(file.bytes.buffer);
      return file;
    },
    setTiling({ model, options }) {
      if (options === undefined) modelOf(model).disableTiling();
      else modelOf(model).enableTiling(options);
      return undefined;
    },
    setSlicing({ model, enabled }) {
      if (enabled) modelOf(model).enableSlicing();
      else modelOf(model).disableSlicing();
      return undefined;
    },
    plan: ({ model, request }) => modelOf(model).plan(request),
    async lost({ model }) {
      const { reason, message } = await modelOf(model).device.lost;
      return { reason, message };
    },
    async onSubmittedWorkDone({ model }) {
      await modelOf(model).onSubmittedWorkDone();
      return undefined;
    },
    async toArray({ result }, { transfer }) {
      const array = await resultOf(result).toArray();
      transfer(array.buffer);
      return array;
    },
    async toPixels({ result, index }, { transfer }) {
      const pixels = await sampleOf(result).toPixels(index);
      transfer(pixels.data.buffer);
      return pixels;
    },
    async toImageBitmap({ result, index }, { transfer }) {
      const bitmap = await sampleOf(result).toImageBitmap(index);
      transfer(bitmap);
      return bitmap;
    },
    release({ object }) {
      objects.get(object)?.dispose();
      objects.delete(object);
      return undefined;
    },
  };
  const channel: PageChannel = new Channel<PageMethods, WorkerMethods>(port, handlers);
}

function factsOf(model: AutoencoderDC): ModelFacts {
  const { config, dtype, activations, checkpoint, spatialCompressionRatio } = model;
  return { config, dtype, activations, checkpoint, spatialCompressionRatio, device: describe(model.device) };
}

function describe({ adapterInfo, features, limits }: GPUDevice): DeviceDescription {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapterInfo;
  const numbers: Record<string, number> = {};
  // The limits are getters of the prototype: neither spread nor Object.entries finds them.
  for (const name in limits) {
    const value: unknown = Reflect.get(limits, name);
    if (typeof value === 'number') numbers[name] = value;
  }
  return {
    adapterInfo: { vendor, architecture, device, description, isFallbackAdapter },
    features: [...features].sort(),
    limits: numbers,
  };
}

/** Runs `work`, then closes the bitmap or frame that was moved here. */
async function withImage<T>(image: SentImage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    if ('close' in image) image.close();
  }
}

/** The options of a run that reports to the page. */
function runOptions<T extends Profiled>(options: T, context: CallContext<RunReport>): Omit<T, 'profiled'> & RunOptions {
  return { ...networkOptions(options, context), signal: context.signal };
}

function networkOptions<T extends Profiled>({ profiled, ...options }: T, { report }: CallContext<RunReport>) {
  const onProfile = profiled ? (profile: Profile): void => report({ kind: 'profile', profile }) : undefined;
  return { ...options, onProfile, onProgress: (progress: RunProgress) => report({ kind: 'progress', progress }) };
}

/** The signal and the reports of a codec call. */
function codecOptions({ signal, report }: CallContext<CodecReport>) {
  return { signal, onProgress: (progress: CodecProgress): void => report({ kind: 'codec', progress }) };
}

function singleInput(source: SentSource): string | Blob {
  if (source.kind === 'address') return source.address;
  if (source.kind === 'blob') return source.blob;
  throw new RangeError(`a source of kind ${source.kind} is not a single file`);
}

function folderInput(channel: PageChannel, source: SentSource): SourceInput {
  switch (source.kind) {
    case 'address':
      return source.address;
    case 'files':
      return source.files;
    case 'object':
      return pageSource(channel, source.object, source.label);
    case 'blob':
      throw new RangeError('a blob is not a folder');
  }
}

/** A source on the page, read range by range. */
function pageSource(channel: PageChannel, object: number, label: string | undefined): ByteSource {
  return {
    ...(label !== undefined && { label }),
    size: async (path, signal) => await channel.call('size', { object, path }, { signal }),
    read: async (path, start, end, signal) => await channel.call('read', { object, path, start, end }, { signal }),
  };
}

/** A `fetch` that calls the page's. */
function fetchThrough(channel: PageChannel, fetch: number): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { url, method, cache, signal } = request;
    const { status, statusText, headers, body } = await channel.call(
      'fetch',
      { fetch, url, method, headers: [...request.headers], cache },
      { signal },
    );
    return new Response(body, { status, statusText, headers: headers.map(([name, value]) => [name, value]) });
  };
}
