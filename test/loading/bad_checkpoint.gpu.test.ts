// Checkpoints that can't be loaded. Each failure is a typed error whose message names a remedy; afterwards nothing is
// left on the GPU, and the driver has had nothing to complain of.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { AutoencoderDC, CheckpointError, ConfigError, SourceError, type LoadOptions } from '../../src/index.ts';
import { watchedDevice, type WatchedDevice } from '../support/device.ts';
import { failure } from '../support/failure.ts';
import { readBytes } from '../support/fixtures.ts';
import { NANO } from '../support/nano.ts';
import { memorySource } from '../support/sources.ts';

const WEIGHTS = 'diffusion_pytorch_model.safetensors';
let watched: WatchedDevice;
let config: string;
let weights: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  watched = await watchedDevice();
  const bytes = await Promise.all(['config.json', WEIGHTS].map((name) => readBytes(`${NANO}/${name}`)));
  config = new TextDecoder().decode(bytes[0]);
  weights = new Uint8Array(bytes[1]!);
});
afterEach(async () => {
  await watched.device.queue.onSubmittedWorkDone();
  expect(watched.live()).toEqual([]);
  expect(watched.uncaptured).toEqual([]);
});
afterAll(() => watched.device.destroy());

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

/** Gives a tensor another name. */
function rename(header: Record<string, HeaderEntry>, from: string, to: string): void {
  header[to] = header[from]!;
  Reflect.deleteProperty(header, from);
}

/** A file with this header, whatever it says, and this data. */
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
      new RegExp(`${KEY}: is F12; allowed are F32, F16, BF16, F64`),
      /config.json and the weights of one and the same model/,
    ],
    'with integers': [
      () => withHeader((header) => (header[KEY]!.dtype = 'I16')),
      new RegExp(`${KEY}: is I16; allowed are F32, F16, BF16, F64`),
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
      rename(header, KEY, 'encoder.conv_out.wieght');
      const bias = header['decoder.conv_in.bias']!;
      bias.shape = [...bias.shape, 1];
      rename(header, 'decoder.norm_out.weight', 'decoder.extra.norm.weight');
      rename(header, 'decoder.norm_out.bias', 'decoder.extra.norm.bias');
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
      /address is that of a page/,
    );
  });
});
