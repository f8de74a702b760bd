/** The worker's side: owns models and results, and does what the page asks. */
import { InputError } from '../errors.ts';
import type { ByteSource } from '../weights/sources/byte_source.ts';
import type { SourceInput } from '../weights/sources/open_source.ts';
import { AutoencoderDC } from '../runtime/autoencoder_dc.ts';
import { Latent, Sample } from '../runtime/results.ts';
import type { LatentInput } from '../runtime/latent_input.ts';
import type { RunOptions } from '../runtime/run_options.ts';
import type { LoadProgress } from '../loading/load_options.ts';
import { Channel, type CallContext, type Handlers, type Port } from '../rpc/channel.ts';
import type {
  DeviceDescription,
  PageMethods,
  RunReport,
  SentResult,
  SentRunOptions,
  SentSource,
  WorkerMethods,
} from './protocol.ts';

type PageChannel = Channel<PageMethods, WorkerMethods>;

/** Serves models to the page at the other end of `port`. */
export function serve(port: Port): void {
  const objects = new Map<number, AutoencoderDC | Latent | Sample>();
  let next = 0;
  const keep = (object: AutoencoderDC | Latent | Sample): number => {
    objects.set(next, object);
    return next++;
  };
  const modelOf = (id: number): AutoencoderDC => {
    const object = objects.get(id);
    if (object instanceof AutoencoderDC) return object;
    throw new RangeError(`object ${id} is no model`);
  };
  const resultOf = (id: number): Latent | Sample => {
    const object = objects.get(id);
    if (object instanceof Latent || object instanceof Sample) return object;
    throw new RangeError(`object ${id} is no result`);
  };
  const sampleOf = (id: number): Sample => {
    const object = resultOf(id);
    if (object instanceof Sample) return object;
    throw new RangeError(`object ${id} is no sample`);
  };
  const latentOf = (latent: number | LatentInput): Latent | LatentInput => {
    const object = typeof latent === 'number' ? resultOf(latent) : latent;
    if (object instanceof Sample) throw new InputError('decode takes a latent, and this is a sample.');
    return object;
  };
  const sent = (result: Latent | Sample): SentResult => ({
    result: keep(result),
    shape: result.shape,
    imageSize: result instanceof Latent ? result.imageSize : undefined,
  });

  const handlers: Handlers<WorkerMethods> = {
    async load({ single, source, options: { fetch, ...options } }, { signal, report }) {
      const all = {
        ...options,
        ...(fetch !== undefined && { fetch: fetchThrough(channel, fetch) }),
        signal,
        onProgress: (progress: LoadProgress) => {
          report({ kind: 'progress', progress });
        },
        onWarning: (message: string) => {
          report({ kind: 'warning', message });
        },
      };
      const model = single
        ? await AutoencoderDC.fromSingleFile(singleInput(source), all)
        : await AutoencoderDC.fromPretrained(folderInput(channel, source), all);
      const { config, dtype, activations, checkpoint } = model;
      const ratio = model.spatialCompressionRatio;
      return { model: keep(model), device: describe(model.device), config, dtype, activations, checkpoint, ratio };
    },
    async encode({ model, image, options }, call) {
      try {
        return sent((await modelOf(model).encode(image, runOptions(options, call))).latent);
      } finally {
        if ('close' in image) image.close();
      }
    },
    async decode({ model, latent, options }, call) {
      return sent((await modelOf(model).decode(latentOf(latent), runOptions(options, call))).sample);
    },
    async decodeStrips({ model, latent, options, sink }, call) {
      for await (const strip of modelOf(model).decodeStrips(latentOf(latent), runOptions(options, call))) {
        await channel.call('strip', { sink, strip }, { signal: call.signal, transfer: [strip.data.buffer] });
      }
      return undefined;
    },
    tile({ model, options }) {
      if (options === undefined) modelOf(model).disableTiling();
      else modelOf(model).enableTiling(options);
      return undefined;
    },
    slice({ model, slicing }) {
      if (slicing) modelOf(model).enableSlicing();
      else modelOf(model).disableSlicing();
      return undefined;
    },
    plan: ({ model, request }) => modelOf(model).plan(request),
    memory: ({ model }) => modelOf(model).memory,
    async lost({ model }) {
      const { reason, message } = await modelOf(model).device.lost;
      return { reason, message };
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
      // Through pixels: a canvas of WebGPU's would save the copy, but not every browser lets one hand over its picture in a worker.
      const bitmap = await createImageBitmap(await sampleOf(result).toImageData(index), { premultiplyAlpha: 'none' });
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

/** The options of a run, which tells the page how it gets on. */
function runOptions({ memoryBudget, profile }: SentRunOptions, { signal, report }: CallContext<RunReport>): RunOptions {
  return {
    signal,
    memoryBudget,
    onProgress: (progress) => {
      report({ kind: 'progress', progress });
    },
    onProfile: profile
      ? (found) => {
          report({ kind: 'profile', profile: found });
        }
      : undefined,
  };
}

function singleInput(source: SentSource): string | Blob {
  if (source.kind === 'address') return source.address;
  if (source.kind === 'blob') return source.blob;
  throw new RangeError(`a ${source.kind} is no single file`);
}

function folderInput(channel: PageChannel, source: SentSource): SourceInput {
  switch (source.kind) {
    case 'address':
      return source.address;
    case 'files':
      return source.files;
    case 'object':
      return objectSource(channel, source.object, source.label);
    case 'blob':
      throw new RangeError('a blob is no folder');
  }
}

/** A source in the page, asked range by range. */
function objectSource(channel: PageChannel, object: number, label: string | undefined): ByteSource {
  return {
    ...(label !== undefined && { label }),
    size: async (path, signal) => await channel.call('size', { object, path }, { signal }),
    read: async (path, start, end, signal) => await channel.call('read', { object, path, start, end }, { signal }),
  };
}

/** A `fetch` that asks the page's. */
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
