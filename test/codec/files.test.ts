// .dcae files: what they hold, and how readers treat damaged and hostile ones.
import { beforeAll, describe, expect, test } from 'vitest';
import {
  decompress,
  FormatError,
  inspect,
  packLatent,
  unpackLatent,
  type DecodedSample,
  type FormatProblem,
  type LatentDecoder,
} from '../../src/codec/index.ts';
import { crc32 } from '../../src/codec/crc32.ts';
import { latentOf, modelWith, randomNumbers } from '../support/codec.ts';
import { nanoLatent } from '../support/nano_latent.ts';

const model = modelWith(16);
const metadata = { title: 'Ein Bild – 画', colorSpace: 'display-p3', orientationApplied: 6 } as const;
let file: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  ({ bytes: file } = await packLatent(nanoLatent(), { model, quality: 40, metadata }));
});

/** The file with another header, whose checksum fits. */
function withHeader(bytes: Uint8Array, change: (header: number[]) => void): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(6, true);
  const header = [...bytes.subarray(0, length - 4)];
  change(header);
  const changed = new Uint8Array([...header, 0, 0, 0, 0, ...bytes.subarray(length)]);
  const view = new DataView(changed.buffer);
  view.setUint32(6, header.length + 4, true);
  view.setUint32(header.length, crc32(changed.subarray(0, header.length)), true);
  return changed;
}

/** The bytes with one of them another. */
function changed(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = byte;
  return copy;
}

/** Where the varint of the latent's height begins: after magic, version, coding, length, batch and channels. */
const HEIGHT = 12;
/** Where the kept channels begin: after the fixed fields, four sides, the picture's size, fingerprints and an id. */
const KEPT = 10 + 4 + 4 + 16 + 1 + 'someone/nano'.length;

async function problemOf(work: Promise<unknown>): Promise<FormatProblem> {
  const error: unknown = await work.then(
    () => new Error('it went through'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FormatError)) throw error;
  expect(error.code).toBe('format');
  expect(error.message).toMatch(/\.$/);
  return error.problem;
}

describe('a header', () => {
  test('holds all facts, and is enough for inspect', async () => {
    const info = await inspect(new Blob([file]));
    expect(info).toMatchObject({
      version: 2,
      coding: 'quantised',
      checkpoint: { ...model.checkpoint, url: 'https://huggingface.co/someone/nano' },
      image: { height: 250, width: 256 },
      latent: [1, 16, 32, 32],
      metadata,
      bytes: { total: file.length },
    });
    expect(info.quantiser?.quality).toBe(40);
    expect(await inspect(file.subarray(0, file.length - info.bytes.payload))).toEqual(info);
    expect((await unpackLatent(file.buffer)).info).toEqual(info);
  });

  test('can leave most facts out', async () => {
    const nobody = { ...model, checkpoint: { id: undefined, encoder: undefined, decoder: undefined } };
    const { bytes, stats } = await packLatent(
      latentOf([1, 16, 1, 1], () => 0),
      { model: nobody },
    );
    const info = await inspect(bytes);
    expect(info.checkpoint).toEqual({ id: undefined, encoder: undefined, decoder: undefined, url: undefined });
    expect([info.image, info.metadata]).toEqual([undefined, {}]);
    expect(stats.bytes.total).toBe(bytes.length);
    expect(bytes.length).toBeLessThan(75);
  });

  test('keeps an ICC profile and an address', async () => {
    const icc = Uint8Array.from({ length: 3000 }, (_, i) => i % 251);
    const checkpointUrl = 'https://example.org/models/nano/';
    const { bytes } = await packLatent(nanoLatent(), { model, metadata: { icc }, checkpointUrl });
    const info = await inspect(bytes);
    expect([info.metadata.icc, info.checkpoint.url]).toEqual([icc, checkpointUrl]);
  });

  test('with an unknown optional chunk is read; with an unknown required chunk it is refused', async () => {
    const chunk = (type: string): Uint8Array =>
      withHeader(file, (header) => header.push(...new TextEncoder().encode(type), 3, 1, 2, 3));
    expect((await unpackLatent(chunk('some'))).info.metadata).toEqual(metadata);
    expect(await problemOf(unpackLatent(chunk('Some')))).toBe('unsupported');
    expect(await problemOf(unpackLatent(chunk('so e')))).toBe('damaged');
  });
});

describe('refused, with the reason:', () => {
  const cases: [string, FormatProblem, (bytes: Uint8Array) => Uint8Array][] = [
    ['nothing', 'not-dcae', () => new Uint8Array()],
    ['a PNG', 'not-dcae', () => Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)],
    ['a later version', 'version', (bytes) => changed(bytes, 4, 3)],
    ['an end in the magic', 'truncated', (bytes) => bytes.subarray(0, 3)],
    ['an end in the header', 'truncated', (bytes) => bytes.subarray(0, 40)],
    ['an end before the payload', 'truncated', (bytes) => bytes.subarray(0, bytes.length - 4000)],
    ['an end in the last checksum', 'truncated', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['a byte too many', 'trailing', (bytes) => new Uint8Array([...bytes, 0])],
    ['a flipped bit in the header', 'damaged', (bytes) => changed(bytes, 20, bytes[20]! ^ 4)],
    ['a flipped bit in the payload', 'damaged', (bytes) => changed(bytes, bytes.length - 99, bytes.at(-99)! ^ 1)],
    ['a header of gigabytes', 'damaged', (bytes) => changed(bytes, 9, 255)],
    ['an unknown coding', 'unsupported', (bytes) => withHeader(bytes, (header) => header.splice(5, 1, 9))],
    ['no rows', 'damaged', (bytes) => withHeader(bytes, (header) => header.splice(HEIGHT, 1, 0))],
    ['no kept channels', 'damaged', (bytes) => withHeader(bytes, (header) => header.splice(KEPT, 1, 0))],
    [
      'more kept channels than there are',
      'damaged',
      (bytes) => withHeader(bytes, (header) => header.splice(KEPT, 1, 17)),
    ],
    [
      'a coded channel that is not kept',
      'damaged',
      (bytes) => withHeader(bytes, (header) => header.splice(KEPT, 1, 15)),
    ],
    ['steps for some channels', 'damaged', (bytes) => withHeader(bytes, (header) => header.splice(KEPT + 1, 1, 254))],
    [
      'a number without an end',
      'damaged',
      (bytes) => withHeader(bytes, (header) => header.splice(HEIGHT, 1, 255, 255, 255, 255, 255, 255)),
    ],
    [
      'more numbers than its bytes can hold',
      'too-large',
      (bytes) => withHeader(bytes, (header) => header.splice(HEIGHT, 2, 0x80, 0x80, 0x40, 0x80, 0x80, 0x40)),
    ],
  ];
  test.each(cases)('%s', async (_, problem, damage) => {
    expect(await problemOf(unpackLatent(damage(file)))).toBe(problem);
  });

  test('more than the caller allows', async () => {
    expect(await problemOf(unpackLatent(file, { maxNumbers: 16383 }))).toBe('too-large');
    await unpackLatent(file, { maxNumbers: 16384 });
  });
});

describe('a file of another model', () => {
  const decoder = (checkpoint: typeof model.checkpoint, latentChannels = 16): LatentDecoder => ({
    config: { latentChannels, scalingFactor: 1 },
    checkpoint,
    decode: ({ shape }) => {
      const sample: DecodedSample = {
        shape: [1, 3, 8, 8],
        toArray: () => Promise.resolve(Float32Array.from(shape)),
        toImageData: () => Promise.reject(new Error('there is none in Node')),
        dispose: () => undefined,
      };
      return Promise.resolve({ sample });
    },
  });
  const other = '0000000000000001';

  test('is refused, and the error names the needed checkpoint and its address', async () => {
    const ae = decoder({ id: 'someone/large', encoder: other, decoder: other });
    const error = await decompress(ae, file, { as: 'tensor' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ problem: 'wrong-model', needed: 'someone/nano' });
    expect(String(error)).toContain('someone/nano (https://huggingface.co/someone/nano)');
    expect(String(error)).toContain('someone/large');
    await decompress(ae, file, { as: 'tensor', anyModel: true });
  });

  test.each([
    ['its own', model.checkpoint, true],
    ['its own from elsewhere', { ...model.checkpoint, id: undefined }, true],
    ['its decoder alone', { ...model.checkpoint, encoder: undefined }, true],
    ['its encoder with another decoder', { ...model.checkpoint, decoder: other }, false],
    ['one that nothing is known of', { id: undefined, encoder: undefined, decoder: undefined }, true],
  ])('meets a model with %s', async (_, checkpoint, fits) => {
    const work = decompress(decoder(checkpoint), file, { as: 'tensor' });
    if (fits) expect((await work).image.data).toEqual(Float32Array.of(1, 16, 32, 32));
    else expect(await problemOf(work)).toBe('wrong-model');
  });

  test('whose latents have another number of channels is never decoded', async () => {
    const work = decompress(decoder(model.checkpoint, 32), file, { as: 'tensor', anyModel: true });
    expect(await problemOf(work)).toBe('wrong-model');
  });

  test('without createImageBitmap, the form imageBitmap is refused before any work', async () => {
    const work = decompress(decoder(model.checkpoint), file, { as: 'imageBitmap' });
    await expect(work).rejects.toThrow(/has no createImageBitmap\. Choose options\.as: "imageData", "tensor"/);
  });

  test('without ImageData, the default form is a plain object with its fields', async () => {
    const data = Uint8ClampedArray.of(1, 2, 3, 255);
    const sample: DecodedSample = {
      shape: [1, 3, 1, 1],
      toArray: () => Promise.resolve(new Float32Array(3)),
      toPixels: () => Promise.resolve({ data, width: 1, height: 1 }),
      toImageData: () => Promise.reject(new Error('there is none in Node')),
      dispose: () => undefined,
    };
    const ae: LatentDecoder = { ...decoder(model.checkpoint), decode: () => Promise.resolve({ sample }) };
    const { image } = await decompress(ae, file);
    expect(image).toEqual({ data, width: 1, height: 1, colorSpace: 'srgb' });
  });
});

test.each([
  ['quality', { quality: 0 }],
  ['quality', { quality: 50.5 }],
  ['exact', { exact: 'f64' }],
  ['metadata.orientationApplied', { metadata: { orientationApplied: 9 } }],
  ['metadata.colorSpace', { metadata: { colorSpace: 'cmyk' } }],
])('options.%s is checked: %o', async (name, options) => {
  await expect(packLatent(nanoLatent(), { model, ...(options as object) })).rejects.toThrow(name);
});

/** `npm run test:full` damages ten times as many. */
const DAMAGED_FILES = process.env['DCAE_FULL'] ? 100_000 : 10_000;

test(`${DAMAGED_FILES} damaged files are refused or read within bounded time and memory`, async () => {
  const random = randomNumbers(20261124);
  const below = (count: number): number => Math.floor(random() * count);
  const small = latentOf([1, 3, 4, 5], (i) => 3 * Math.sin(i));
  const three = modelWith(3);
  const seeds = await Promise.all([
    packLatent(small, { model: three, quality: 30, metadata }),
    packLatent(small, { model: three, quality: 90 }),
    packLatent(small, { model: three, exact: 'f32' }),
    packLatent(small, { model: three, exact: 'f16', channels: 2 }),
  ]);
  const outcomes = new Map<string, number>();
  let largest = 0;
  for (let run = 0; run < DAMAGED_FILES; run++) {
    let bytes: Uint8Array = seeds[run % seeds.length]!.bytes.slice();
    for (let edits = 1 + below(4); edits > 0; edits--) {
      const at = below(bytes.length);
      const kind = below(6);
      if (kind < 2) bytes[at] = bytes[at]! ^ (1 << below(8));
      else if (kind === 2) bytes[at] = below(256);
      else if (kind === 3) bytes = bytes.slice(0, at);
      else if (kind === 4) bytes = new Uint8Array([...bytes.subarray(0, at), below(256), ...bytes.subarray(at)]);
      else bytes.copyWithin(at, below(bytes.length));
    }
    if (run % 4 > 0) bytes = repaired(bytes);
    let outcome = 'read';
    try {
      const { latent } = await unpackLatent(bytes, { maxNumbers: 2 ** 10 });
      largest = Math.max(largest, latent.data.length);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      outcome = error.problem;
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  console.info('fuzz:', Object.fromEntries(outcomes), `largest latent ${largest}`);
  expect(largest).toBeLessThanOrEqual(2 ** 10);
  expect(outcomes.get('read')).toBeGreaterThan(500);
  for (const problem of ['truncated', 'damaged', 'too-large', 'unsupported', 'not-dcae', 'version'])
    expect(outcomes.get(problem) ?? 0, problem).toBeGreaterThan(10);
});

/** The same with checksums and lengths that fit, so that what is damaged gets further. */
function repaired(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 14) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(6, true);
  if (length < 14 || length + 8 > bytes.length) return bytes;
  view.setUint32(length - 4, crc32(bytes.subarray(0, length - 4)), true);
  view.setUint32(length, bytes.length - length - 8, true);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(length + 4, bytes.length - 4)), true);
  return bytes;
}

test('a short file cannot make the reader allocate more than its limit', async () => {
  const random = randomNumbers(9);
  const { bytes } = await packLatent(
    latentOf([1, 1, 2, 2], () => 1),
    { model: modelWith(1), quality: 50 },
  );
  const real = { Float32Array, Int32Array, Uint8Array };
  let asked = 0;
  const counting = <T extends new (...args: never[]) => object>(type: T): T =>
    new Proxy(type, {
      construct(target, args: unknown[], newTarget) {
        if (typeof args[0] === 'number') asked = Math.max(asked, args[0]);
        return Reflect.construct(target, args, newTarget) as object;
      },
    });
  Object.assign(globalThis, {
    Float32Array: counting(Float32Array),
    Int32Array: counting(Int32Array),
    Uint8Array: counting(Uint8Array),
  });
  try {
    for (let run = 0; run < 2000; run++) {
      const sides = Array.from({ length: 4 }, () => [
        0x80 | Math.floor(random() * 128),
        0x80,
        Math.floor(random() * 64),
      ]);
      const greedy = withHeader(bytes, (header) => header.splice(10, 4, ...sides.flat()));
      await unpackLatent(greedy).catch(() => undefined);
    }
  } finally {
    Object.assign(globalThis, real);
  }
  expect(asked).toBeLessThanOrEqual(2 ** 25);
});
