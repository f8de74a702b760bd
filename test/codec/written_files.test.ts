// Whatever the options, a file that is written can be read, and every kind of file object is read alike.
import { describe, expect, test } from 'vitest';
import { InputError, SourceError } from '../../src/errors.ts';
import {
  compress,
  decompress,
  inspect,
  packLatent,
  unpackLatent,
  type FileInput,
  type LatentEncoder,
  type PackLatentOptions,
} from '../../src/codec/index.ts';
import { latentOf, modelWith, randomNumbers } from '../support/codec.ts';

const model = modelWith(3);
const latent = latentOf([1, 3, 4, 5], (i) => 3 * Math.sin(i));

test('with two thousand random sets of options a file is read as it was written, or an InputError says why not', async () => {
  const random = randomNumbers(20261128);
  const pick = (...values: unknown[]): unknown => values[Math.floor(random() * values.length)];
  /** A valid value nine times out of ten. */
  const mostly = (valid: unknown[], invalid: unknown[]): unknown => pick(...(random() < 0.9 ? valid : invalid));
  const profile = Uint8Array.from({ length: 300 }, (_, i) => i);
  const exif = Uint8Array.of(0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0);
  let written = 0;
  for (let run = 0; run < 2000; run++) {
    const id = mostly(['someone/nano', undefined, 'x'.repeat(255), ''], ['x'.repeat(256), 'é'.repeat(128), 5]);
    const encoder = mostly(['0123456789abcdef', undefined], ['short', 'ABCDEF0123456789', null]);
    const sizes = [{ height: 100 }, { height: 0, width: 5 }, {}, null, { height: 1.5, width: 2 }];
    const given = { ...latent, imageSize: mostly([undefined, { height: 100, width: 130 }], sizes) };
    const icc = mostly(
      [undefined, profile, profile.buffer, new DataView(profile.buffer, 3, 9)],
      [new Uint8Array(0), 'icc', [1]],
    );
    const metadata = {
      title: mostly([undefined, 'A title', '', '画'.repeat(1000), '\ud800'], [7]),
      colorSpace: mostly([undefined, 'srgb', 'display-p3'], ['cmyk']),
      icc,
      exif: mostly([undefined, undefined, exif, exif.buffer], [new Uint8Array(4), 'exif']),
      orientationApplied: mostly([undefined, 1, 8], [0, 9, '1']),
    };
    const options = {
      model: {
        config: { ...model.config, uniformQuantiserStep: mostly([undefined, 0.7], [0, -1, NaN, '1']) },
        checkpoint: { id, encoder, decoder: '0123456789abcdef' },
      },
      quality: mostly([undefined, 1, 55, 100], [0, NaN, '60']),
      channels: mostly([undefined, undefined, 1, 2, 3], [0, 4, 1.5, '2']),
      exact: mostly([undefined, undefined, 'f32', 'f16'], ['f64']),
      metadata: pick(undefined, metadata),
      checkpointUrl: mostly(
        [undefined, 'https://example.com/nano', 'a/b'],
        ['javascript:alert(1)', 'file:///etc', '', 3],
      ),
    };
    let file: Uint8Array;
    try {
      ({ bytes: file } = await packLatent(given as typeof latent, options as unknown as PackLatentOptions));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      continue;
    }
    written++;
    const info = await inspect(file);
    const { latent: back } = await unpackLatent(file);
    const kept = options.channels ?? 3;
    expect(info.channels.kept).toBe(kept);
    expect(back.data.every((value, i) => value === 0 || i < 20 * Number(kept))).toBe(true);
    if (options.exact === 'f32') {
      expect(back.data).toEqual(latent.data.map((value, i) => (i < 20 * Number(kept) ? value : 0)));
    }
    expect(info.image).toEqual(given.imageSize);
    expect(info.checkpoint.id).toBe(id === '' ? undefined : id);
    expect(info.checkpoint.encoder).toBe(encoder);
    expect(info.bytes.total).toBe(file.length);
    if (options.metadata !== undefined && icc !== undefined) {
      const bytes = ArrayBuffer.isView(icc) ? new Uint8Array(icc.buffer, icc.byteOffset, icc.byteLength) : profile;
      expect(info.metadata.icc).toEqual(bytes);
    }
    if (options.metadata !== undefined && metadata.exif !== undefined) {
      expect(info.metadata.exif).toEqual(exif.map((byte, i) => (i === 18 ? 1 : byte)));
      expect(info.metadata.orientationApplied).toBe(metadata.orientationApplied ?? 6);
    }
    expect(info.checkpoint.url ?? 'https:').toMatch(/^(https:|a\/b$)/);
  }
  expect(written).toBeGreaterThan(500);
});

test.each([
  ['latent.imageSize', { imageSize: { height: 5 } }, {}],
  ['latent.imageSize', { imageSize: { height: 129, width: 10 } }, { model: { ...model, spatialCompressionRatio: 32 } }],
  ['latent.shape', { shape: [2 ** 17, 3, 1, 1] }, {}],
  ['model.checkpoint.id', {}, { model: { ...model, checkpoint: { ...model.checkpoint, id: 'x'.repeat(300) } } }],
  ['options.checkpointUrl', {}, { checkpointUrl: 'data:text/plain,1' }],
  ['metadata.icc', {}, { metadata: { icc: new ArrayBuffer(0) } }],
  ['options.channels must be at most 3', {}, { channels: 4 }],
  ['options.channels must be a whole number', {}, { channels: 0 }],
  ['Did you mean "quality"', {}, { qualty: 5 }],
  ['Did you mean "colorSpace"', {}, { metadata: { colourSpace: 'srgb' } }],
])('an InputError names %s', async (name, ofLatent, ofOptions) => {
  const work = packLatent({ ...latent, ...ofLatent } as typeof latent, { model, ...ofOptions } as PackLatentOptions);
  await expect(work).rejects.toThrow(name);
  await expect(work).rejects.toBeInstanceOf(InputError);
});

describe('a file', () => {
  const kinds: [string, (bytes: Uint8Array<ArrayBuffer>) => FileInput][] = [
    ['Uint8Array', (bytes) => bytes],
    ['ArrayBuffer', (bytes) => bytes.slice().buffer],
    ['DataView', (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)],
    ['a view in the middle of a buffer', (bytes) => new Uint8Array([9, ...bytes, 9]).subarray(1, -1)],
    ['Blob', (bytes) => new Blob([bytes])],
    ['File', (bytes) => new File([bytes], 'a.dcae')],
    ['Response', (bytes) => new Response(bytes)],
    ['ReadableStream', (bytes) => new Blob([bytes]).stream()],
    ['a stream of single bytes', (bytes) => streamOf(bytes, 1)],
  ];

  test.each(kinds)('is read from %s', async (_, make) => {
    const { bytes } = await packLatent(latent, { model, metadata: { title: 'A title' } });
    const expected = await unpackLatent(bytes);
    expect((await unpackLatent(make(bytes))).latent).toEqual(expected.latent);
    expect(await inspect(make(bytes))).toEqual(expected.info);
  });

  test('is read up to the end of its header by inspect, and no further', async () => {
    const { bytes } = await packLatent(latent, { model, exact: 'f32' });
    let given = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes.subarray(given, ++given)),
    });
    const { bytes: sizes } = await inspect(stream);
    expect(given).toBeLessThan(sizes.header + 8);
  });

  test.each([undefined, null, 'a.dcae', 5, {}, [1, 2]])('is not %o', async (input) => {
    await expect(unpackLatent(input as never)).rejects.toThrow(/must be a Uint8Array, ArrayBuffer/);
    await expect(inspect(input as never)).rejects.toBeInstanceOf(InputError);
  });

  test('is not a response with an error status, nor one that was read', async () => {
    const missing = new Response('Not found', { status: 404 });
    await expect(inspect(missing)).rejects.toMatchObject({ name: SourceError.name, status: 404 });
    const read = new Response('x');
    await read.text();
    await expect(unpackLatent(read)).rejects.toBeInstanceOf(InputError);
  });

  test('from a silent stream ends with the abort of the call', async () => {
    const controller = new AbortController();
    const work = unpackLatent(new ReadableStream(), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(work).rejects.toThrow('enough');
  });

  test('is read as it was when the call was made', async () => {
    const { bytes } = await packLatent(latent, { model });
    const expected = (await unpackLatent(bytes)).latent;
    const work = unpackLatent(bytes);
    bytes.fill(0);
    expect((await work).latent).toEqual(expected);
  });

  test('gives no address that is not https, http or an id of the hub', async () => {
    const { bytes } = await packLatent(latent, {
      model: { ...model, checkpoint: { ...model.checkpoint, id: '../../x' } },
    });
    expect((await inspect(bytes)).checkpoint.url).toBeUndefined();
    const linked = await packLatent(latent, { model, checkpointUrl: 'http://localhost/nano' });
    expect((await inspect(linked.bytes)).checkpoint.url).toBe('http://localhost/nano');
  });
});

test('compress and decompress check their options before any work', async () => {
  let runs = 0;
  const { config, checkpoint } = model;
  const ae: LatentEncoder = {
    config,
    checkpoint,
    encode: () => {
      runs++;
      return Promise.reject(new Error('not to be called'));
    },
  };
  await expect(compress(ae, new Blob(), { qualty: 5 } as object)).rejects.toThrow('Did you mean "quality"');
  await expect(compress(ae, new Blob(), { quality: 101 })).rejects.toThrow('1 to 100');
  const decoder = { config, checkpoint, decode: () => Promise.reject(new Error('not to be called')) };
  await expect(decompress(decoder, new Blob(), { form: 'tensor' } as object)).rejects.toThrow('no option "form"');
  expect(runs).toBe(0);
});

function streamOf(bytes: Uint8Array, size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += size)));
    },
  });
}
