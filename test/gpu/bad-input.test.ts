import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  AutoencoderDC,
  CheckpointError,
  ConfigError,
  DeviceError,
  InputError,
  SourceError,
  type ImageInput,
  type LoadOptions,
} from '../../src/index.ts';
import { watchedDevice, type WatchedDevice } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { readBytes } from '../support/fixtures.ts';
import { loadNano, NANO, testPicture } from '../support/nano.ts';
import { memorySource } from '../support/sources.ts';

// What must not go wrong quietly. Each failure is a typed error whose message names a remedy; afterwards nothing is left on the GPU, the
// driver has had nothing to complain of, and the object is as good as before or cleanly dead.
let watched: WatchedDevice;
let config: string;
let weights: Uint8Array<ArrayBuffer>;
let ae: AutoencoderDC;
let before: string[];
beforeAll(async () => {
  watched = await watchedDevice('default');
  const bytes = await Promise.all(['config.json', WEIGHTS].map((name) => readBytes(`${NANO}/${name}`)));
  config = new TextDecoder().decode(bytes[0]);
  weights = new Uint8Array(bytes[1]!);
  ae = await loadNano({ device: watched.device });
});
beforeEach(() => {
  before = watched.live();
});
afterEach(async () => {
  await watched.device.queue.onSubmittedWorkDone();
  // a model keeps the buffers of its last size, whatever that was
  const others = (labels: readonly string[]) => labels.filter((label) => !/^(activations|params)/.test(label));
  expect(others(watched.live())).toEqual(others(before));
  expect(watched.uncaptured).toEqual([]);
});
afterAll(() => {
  ae.dispose();
  expect(watched.live()).toEqual([]);
  watched.device.destroy();
});

const WEIGHTS = 'diffusion_pytorch_model.safetensors';

/** Loads a folder with these files on the shared device. */
function load(files: Parameters<typeof memorySource>[0], options: LoadOptions = {}): Promise<AutoencoderDC> {
  return AutoencoderDC.fromPretrained(memorySource(files), { device: watched.device, ...options });
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** The weights' file with another header. */
function withHeader(edit: (header: Record<string, HeaderEntry>) => void): Uint8Array<ArrayBuffer> {
  const length = Number(new DataView(weights.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length))) as Record<string, HeaderEntry>;
  edit(header);
  return file(JSON.stringify(header), weights.subarray(8 + length));
}

function file(header: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const KEY = 'encoder.conv_out.weight';

describe('a damaged file', () => {
  const damages: Record<string, [damaged: () => Uint8Array, ...patterns: RegExp[]]> = {
    'cut short': [() => weights.slice(0, -1000), /cut short/, /Fetch the file again/],
    'cut short within its header': [() => weights.slice(0, 900), /cut short/, /Fetch it again/],
    'of a few bytes': [() => weights.slice(0, 5), /5 bytes, too few/, /Fetch it again/],
    'with a header longer than itself': [
      () => {
        const bytes = weights.slice();
        new DataView(bytes.buffer).setBigUint64(0, BigInt(weights.length), true);
        return bytes;
      },
      /its header has 894888 bytes/,
      /Fetch it again/,
    ],
    'whose header is no JSON': [() => file('{"a": [1, 2', weights), /header is not JSON/, /Fetch it again/],
    'with overlapping tensors': [
      () => withHeader((header) => (header[KEY]!.data_offsets = [0, bytesOf(header[KEY]!)])),
      /overlaps/,
      /Fetch the file again/,
    ],
    'with a tensor beyond its end': [
      () => withHeader((header) => (header[KEY]!.data_offsets = [1e9, 1e9 + bytesOf(header[KEY]!)])),
      new RegExp(`"${KEY}" ends at byte`),
      /Fetch the file again/,
    ],
    'with an unknown dtype': [
      () => withHeader((header) => (header[KEY]!.dtype = 'F12')),
      /"F12"/,
      /known are F64, F32/,
      /Fetch the file again/,
    ],
    'with a dtype that is no number of ours': [
      () => withHeader((header) => (header[KEY]!.dtype = 'I16')),
      new RegExp(`${KEY}: is I16, can be F32, F16, BF16 or F64`),
      /config.json and the weights of one and the same model/,
    ],
  };

  test.for(Object.keys(damages))('%s', async (name) => {
    const [damaged, ...patterns] = damages[name]!;
    await failure(load({ 'config.json': config, [WEIGHTS]: damaged() }), CheckpointError, 'checkpoint', ...patterns);
  });

  function bytesOf({ data_offsets: [from, to] }: HeaderEntry): number {
    return to - from;
  }

  test('whose source gives less than it promised', async () => {
    const source = memorySource({ 'config.json': config, [WEIGHTS]: weights });
    const short: typeof source = {
      ...source,
      read: async (path, start, end, signal) => {
        const bytes = await source.read(path, start, Math.min(end, 500_000), signal);
        return bytes;
      },
    };
    const retry = { sleep: () => Promise.resolve() };
    const loading = AutoencoderDC.fromPretrained(short, { device: watched.device, retry });
    await failure(loading, SourceError, 'source', /ended at byte 500000/, /load again/);
  });
});

describe('weights that are not the config’s', () => {
  test('lack a key, have a wrong shape and surplus keys: all are named at once', async () => {
    const damaged = withHeader((header) => {
      header['encoder.conv_out.wieght'] = header[KEY]!;
      delete header[KEY];
      const bias = header['decoder.conv_in.bias']!;
      bias.shape = [...bias.shape, 1];
      for (const name of ['norm.weight', 'norm.bias']) {
        header[`decoder.extra.${name}`] = header[`decoder.norm_out.${name.slice(5)}`]!;
        delete header[`decoder.norm_out.${name.slice(5)}`];
      }
    });
    await failure(
      load({ 'config.json': config, [WEIGHTS]: damaged }),
      CheckpointError,
      'checkpoint',
      /Missing \(3\):\n- encoder.conv_out.weight\n- decoder.norm_out.weight\n- decoder.norm_out.bias/,
      /Wrong \(1\):\n- decoder.conv_in.bias: has \[64, 1\], needs \[64\]/,
      /Surplus \(3\):/,
      /- encoder.conv_out.wieght/,
      /- decoder.extra.norm.weight/,
      /- decoder.extra.norm.bias/,
      /Use the config.json and the weights of one and the same model/,
    );
  });

  test('are of another width', async () => {
    const other = JSON.stringify({ ...(JSON.parse(config) as object), latent_channels: 32 });
    const error = await failure(
      load({ 'config.json': other, [WEIGHTS]: weights }),
      CheckpointError,
      'checkpoint',
      /encoder.conv_out.weight: has \[16, 64, 3, 3\], needs \[32, 64, 3, 3\]/,
      /decoder.conv_in.weight: has/,
      /one and the same model/,
    );
    expect(error.message).not.toMatch(/Surplus|Missing/);
  });

  test('come with a config of impossible values: every one is named', async () => {
    const impossible = {
      ...(JSON.parse(config) as object),
      in_channels: -1,
      decoder_act_fns: 'tanh',
      scaling_factor: 0,
    };
    await failure(
      load({ 'config.json': JSON.stringify(impossible), [WEIGHTS]: weights }),
      ConfigError,
      'config',
      /in_channels was -1/,
      /decoder_act_fns was "tanh"; allowed: .*"silu"/,
      /scaling_factor was 0/,
      /Use the config.json that came with the weights/,
    );
  });
});

describe('a server that answers', () => {
  const url = 'https://example.test/model/';
  const fetchWith = (answer: (path: string) => Response): typeof fetch => {
    return async (input) => answer(new URL(input instanceof Request ? input.url : input).pathname.split('/').pop()!);
  };
  const json = () => new Response(config, { headers: { 'content-type': 'application/json' } });
  const options = (answer: (path: string) => Response): LoadOptions => ({
    device: watched.device,
    fetch: fetchWith(answer),
    cache: false,
    retry: { sleep: () => Promise.resolve() },
  });

  test('404: the files looked for are named', async () => {
    const missing = () => new Response('no', { status: 404 });
    const loading = AutoencoderDC.fromPretrained(
      url,
      options((path) => (path === 'config.json' ? json() : missing())),
    );
    const error = await failure(
      loading,
      SourceError,
      'source',
      /diffusion_pytorch_model.safetensors/,
      /Give the folder/,
    );
    expect(error).toMatchObject({ status: 404 });
  });

  test('500, again and again', async () => {
    let asked = 0;
    const broken = () => {
      asked++;
      return new Response('oops', { status: 500 });
    };
    const loading = AutoencoderDC.fromPretrained(url, options(broken));
    const error = await failure(loading, SourceError, 'source', /answered 500/, /wait a little and load again/);
    expect(error).toMatchObject({ status: 500 });
    expect(asked).toBeGreaterThanOrEqual(3);
  });

  test('with a web page for every file', async () => {
    const page = () => new Response('<!doctype html><title>App</title>', { headers: { 'content-type': 'text/html' } });
    const loading = AutoencoderDC.fromPretrained(url, options(page));
    await failure(loading, SourceError, 'source', /web page/, /Give the folder/);
  });

  test('with a web page where config.json was meant', async () => {
    const page = '<!doctype html><title>Not found</title>';
    const loading = load({ 'config.json': page, [WEIGHTS]: weights });
    await failure(
      loading,
      CheckpointError,
      'checkpoint',
      /config.json is a web page \(HTML\), not JSON/,
      /not the address/,
    );
  });
});

describe('an image', () => {
  const { data: pixels } = testPicture(4, 4);
  const tensor = { data: new Float32Array(3 * 64), shape: [1, 3, 8, 8] };
  const with_ = (index: number, value: number) => {
    const data = tensor.data.slice();
    data[index] = value;
    return { ...tensor, data };
  };
  const bad: Record<string, [image: () => unknown, ...patterns: RegExp[]]> = {
    'of zero size': [() => ({ data: new Uint8ClampedArray(0), width: 0, height: 0 }), /0 x 0 pixels/, /at least one/],
    'of zero height': [() => ({ data: new Uint8ClampedArray(0), width: 5, height: 0 }), /5 x 0/, /at least one/],
    'that has not loaded': [() => new Image(), /0 x 0/, /Wait for it to load/],
    'that is an empty canvas': [() => new OffscreenCanvas(0, 3), /0 x 3/, /at least one/],
    'wider than a texture may be': [
      () => ({ data: new Uint8ClampedArray(4 * 8193), width: 8193, height: 1 }),
      /8193 x 1 pixels, and this device's textures end at 8192/,
      /Scale it down/,
    ],
    'with fewer bytes than pixels': [
      () => ({ data: pixels, width: 5, height: 4 }),
      /must hold 80 RGBA bytes/,
      /it holds 64/,
    ],
    'in a file that is no picture': [
      () => new Blob(['no picture'], { type: 'image/png' }),
      /not a picture that this browser can decode/,
      /Convert it/,
    ],
    'that is no picture': [() => ({ hello: 'world' }), /encode takes an ImageData/],
    'that is a number': [() => 42, /encode takes an ImageData/, /it got 42/],
    'that is nothing': [() => undefined, /encode takes an ImageData/],
    'with NaN in it': [() => with_(17, NaN), /image.data holds NaN at index 17/, /finite/],
    'with infinity in it': [() => with_(3, -Infinity), /holds -Infinity at index 3/, /finite/],
    'of the wrong number of channels': [
      () => ({ ...tensor, shape: [1, 4, 8, 6] }),
      /must have 3 channels/,
      /\[1, 4, 8, 6\]/,
    ],
    'of three dimensions': [() => ({ ...tensor, shape: [3, 8, 8] }), /\[N, 3, H, W\]/, /it was \[3, 8, 8\]/],
    'of no batch at all': [() => ({ data: new Float32Array(0), shape: [0, 3, 8, 8] }), /positive integers/],
    'with fewer numbers than its shape': [
      () => ({ ...tensor, shape: [2, 3, 8, 8] }),
      /must hold 384 numbers/,
      /it holds 192/,
    ],
    'of doubles': [() => ({ ...tensor, data: new Float64Array(192) }), /must be a Float32Array/],
    'as a tensor of sides that do not fit': [
      () => ({ data: new Float32Array(3 * 8 * 12), shape: [1, 3, 8, 12] }),
      /multiples/,
    ],
  };

  test.for(Object.keys(bad))('%s', async (name) => {
    const [image, ...patterns] = bad[name]!;
    await failure(ae.encode(image() as ImageInput), InputError, 'input', ...patterns);
  });

  test('that needs larger buffers than the device has', async () => {
    const data = new Uint8ClampedArray(4 * 8192 * 1040).fill(255);
    const huge = ae.encode({ data, width: 8192, height: 1040 });
    await failure(huge, DeviceError, 'limits', /1040 x 8192/, /this device allows 128 MiB/, /Use a smaller image/);
    expect(() => ae.plan('encoder', { n: 1, height: 1040, width: 8192 })).toThrow(/this device allows 128 MiB/);
  });

  test('on another device, of a usage or kind that cannot be read, or destroyed', async () => {
    const other = await watchedDevice();
    const { TEXTURE_BINDING, COPY_DST } = GPUTextureUsage;
    const texture = (device: GPUDevice, options: Partial<GPUTextureDescriptor> = {}) =>
      device.createTexture({ size: [8, 8], format: 'rgba8unorm', usage: TEXTURE_BINDING | COPY_DST, ...options });
    const textures = [
      texture(other.device),
      texture(watched.device, { usage: COPY_DST }),
      texture(watched.device, { format: 'r32uint' }),
      texture(watched.device, { size: [8, 8, 3] }),
      texture(watched.device),
    ];
    textures.at(-1)!.destroy();
    for (const image of textures) {
      await failure(ae.encode(image), InputError, 'input', /GPUTexture/, /same device/, /TEXTURE_BINDING/);
    }
    expect(other.uncaptured).toEqual([]);
    for (const image of textures) image.destroy();
    other.device.destroy();
  });
});

describe('a latent', () => {
  const good = { data: new Float32Array(16 * 4), shape: [1, 16, 2, 2] };
  const bad: Record<string, [latent: () => unknown, ...patterns: RegExp[]]> = {
    'with NaN in it': [
      () => ({ ...good, data: good.data.map((_, i) => (i === 5 ? NaN : 0)) }),
      /latent.data holds NaN at index 5/,
      /finite/,
    ],
    'of the wrong number of channels': [
      () => ({ ...good, shape: [1, 32, 2, 1] }),
      /must have 16 channels/,
      /\[1, 32, 2, 1\]/,
    ],
    'of two dimensions': [() => ({ ...good, shape: [16, 4] }), /\[N, 16, H, W\]/],
    'of fractional size': [() => ({ ...good, shape: [1, 16, 0.5, 8] }), /positive integers/],
    'with more numbers than its shape': [() => ({ ...good, shape: [1, 16, 1, 2] }), /must hold 32 numbers/],
    'that is a picture': [() => testPicture(8, 8), /decode takes what encode gave/],
    'that is nothing': [() => null, /decode takes what encode gave/],
  };

  test.for(Object.keys(bad))('%s', async (name) => {
    const [latent, ...patterns] = bad[name]!;
    await failure(ae.decode(latent() as typeof good), InputError, 'input', ...patterns);
  });

  test('of another device', async () => {
    const other = await loadNano();
    const { latent } = await other.encode(testPicture(8, 8));
    await failure(ae.decode(latent), InputError, 'input', /another device/, /await latent.toArray\(\)/);
    other.dispose();
  });

  test('that decodes to more than the device can hold', async () => {
    const shape = [1, 16, 1024, 140];
    const huge = ae.decode({ data: new Float32Array(16 * 1024 * 140), shape });
    await failure(huge, DeviceError, 'limits', /this device allows 128 MiB/, /Use a smaller image/);
  });
});

test('whatever was wrong, the next right call works', async () => {
  const picture = testPicture(16, 8);
  const { latent } = await ae.encode(picture);
  expect(latent.shape).toEqual([1, 16, 1, 2]);
  latent.dispose();
});

test.for<[string, LoadOptions, RegExp]>([
  ['dtype', { dtype: 'f64' as 'f32' }, /options.dtype must be one of "f32", "f16"; it was "f64"/],
  ['parts', { parts: 'head' as 'both' }, /options.parts must be one of "both", "encoder", "decoder"/],
  ['device', { device: {} as GPUDevice }, /options.device must be a GPUDevice/],
])('an option with an impossible value: %s', async ([, options, pattern]) => {
  await failure(loadNano({ device: watched.device, ...options }), InputError, 'input', pattern);
});
