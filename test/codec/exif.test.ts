// EXIF blocks: read from picture files, kept in .dcae files, and upright there.
import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { describeExif, inspect, packLatent, readExif } from '../../src/codec/index.ts';
import { uprightExif } from '../../src/codec/exif.ts';
import { latentOf, modelWith, randomNumbers } from '../support/codec.ts';

const facts = { copyright: '(c) Ada Lovelace', artist: 'Ada Lovelace', taken: '2026:11:28 10:15:00', orientation: 6 };
const latent = latentOf([1, 3, 4, 5], (i) => Math.sin(i));

/** A picture with EXIF that says all facts. */
function pictureWithExif(format: (image: Sharp) => Sharp): Promise<Buffer> {
  const image = sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } }).withMetadata({
    orientation: facts.orientation,
    exif: {
      IFD0: { Copyright: facts.copyright, Artist: facts.artist, DateTime: '2030:01:01 00:00:00' },
      IFD2: { DateTimeOriginal: facts.taken },
    },
  });
  return format(image).toBuffer();
}

async function metadataOf(metadata: object) {
  const { bytes } = await packLatent(latent, { model: modelWith(3), metadata });
  return (await inspect(bytes)).metadata;
}

const formats: [string, (image: Sharp) => Sharp][] = [
  ['JPEG', (image) => image.jpeg()],
  ['PNG', (image) => image.png()],
  ['WebP', (image) => image.webp()],
];

describe.each(formats)('the EXIF block of a %s file', (_, format) => {
  test('is read, and its facts are those that were written', async () => {
    const exif = await readExif(new Blob([new Uint8Array(await pictureWithExif(format))]));
    expect(describeExif(exif!)).toEqual(facts);
  });

  test('is kept with an orientation of 1; the file remembers the one that was applied', async () => {
    const exif = await readExif(await pictureWithExif(format));
    const metadata = await metadataOf({ exif });
    expect(metadata.orientationApplied).toBe(6);
    expect(describeExif(metadata.exif!)).toEqual({ ...facts, orientation: 1 });
    expect(describeExif(exif!).orientation).toBe(6); // the caller's bytes do not change
    const changed = metadata.exif!.filter((byte, i) => byte !== exif![i]);
    expect(changed.length).toBe(1);
  });
});

test('an orientation in the options has precedence over the block’s', async () => {
  const exif = await readExif(await pictureWithExif((image) => image.jpeg()));
  expect((await metadataOf({ exif, orientationApplied: 3 })).orientationApplied).toBe(3);
  expect((await metadataOf({ orientationApplied: 3 })).exif).toBeUndefined();
});

test('a block with JPEG’s prefix is kept without it, of either byte order', async () => {
  const big = Uint8Array.of(0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0);
  const { exif, orientationApplied } = await metadataOf({
    exif: Uint8Array.from([...Buffer.from('Exif\0\0'), ...big]),
  });
  expect(orientationApplied).toBe(8);
  expect(exif).toEqual(big.map((byte, i) => (i === 19 ? 1 : byte)));
});

test('files without EXIF give none, and bytes that are no block are refused', async () => {
  const plain = sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } });
  for (const [, format] of formats) expect(await readExif(await format(plain).toBuffer())).toBeUndefined();
  expect(await readExif(new Uint8Array([1, 2, 3]))).toBeUndefined();
  await expect(metadataOf({ exif: new Uint8Array(20) })).rejects.toThrow('metadata.exif must be an EXIF block');
  await expect(metadataOf({ exif: 'Exif' })).rejects.toThrow('metadata.exif must be a Uint8Array');
});

test('damaged blocks and files are read without an error', async () => {
  const random = randomNumbers(7);
  const files = await Promise.all(formats.map(([, format]) => pictureWithExif(format)));
  for (let run = 0; run < 3000; run++) {
    const bytes = new Uint8Array(files[run % 3]!.subarray(0, 400 + Math.floor(random() * files[run % 3]!.length)));
    for (let edits = 0; edits < 4; edits++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    const exif = await readExif(bytes);
    if (exif) {
      describeExif(exif);
      expect(uprightExif(exif)?.length).toBe(exif.length);
    }
  }
});
