// Metadata in picture files that the command line writes, read back by sharp.
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { embed } from '../../cli/embed.ts';
import { describeExif } from '../../src/codec/index.ts';

const exif = Uint8Array.of(0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
const image = sharp({ create: { width: 8, height: 6, channels: 3, background: { r: 200, g: 30, b: 60 } } });

test.each(['png', 'jpeg'] as const)(
  '%s files get an EXIF block and an ICC profile, and the same pixels',
  async (format) => {
    const { icc } = await sharp(await image.clone().withIccProfile('p3').png().toBuffer()).metadata();
    const plain = await image.clone().toFormat(format).toBuffer();
    const whole = embed(plain, format, { exif, icc })!;
    const metadata = await sharp(whole).metadata();
    expect(metadata.icc).toEqual(icc);
    expect(describeExif(metadata.exif!)).toEqual({ orientation: 1 });
    const pixels = (file: Uint8Array) => sharp(file, { ignoreIcc: true }).raw().toBuffer();
    expect(await pixels(whole)).toEqual(await pixels(plain));
    expect(embed(plain, format, {})).toEqual(plain);
  },
);

test('other formats, and blocks that are too large for JPEG, get nothing', async () => {
  expect(embed(await image.clone().webp().toBuffer(), 'webp', { exif })).toBeUndefined();
  expect(embed(await image.clone().jpeg().toBuffer(), 'jpeg', { icc: new Uint8Array(65_536) })).toBeUndefined();
});
