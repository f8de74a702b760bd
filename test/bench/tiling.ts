// The effect of diffusers' tiling and of regions on a picture, as differences from the untiled result.
import { join } from 'node:path';
import sharp from 'sharp';
import { AutoencoderDC } from '../../src/index.ts';
import { folder } from './folder.ts';

const PHOTO = 'astronaut_512.png';
/** A tile and the step to the next, in pixels: diffusers' 512 and 448, halved as the photograph is small. */
const TILE = 256;
const STRIDE = 224;
/** How near a border counts as being at it, in pixels. */
const NEAR = 16;
const MiB = 2 ** 20;
/** Differences are shown so many times as large, black for none. */
const GAIN = 8;

/** RGBA, 8 bits. */
type Pixels = Uint8ClampedArray | Uint8Array;

/** A way to run the model in parts. */
interface Way {
  readonly name: string;
  readonly pixels: Pixels;
  /** Rows and columns where parts begin. */
  readonly borders: readonly number[];
}

/**
 * Encodes and decodes a photograph with the small checkpoint whole, by tiles and by regions.
 *
 * @returns a page with a table, and a picture: the untiled result, then what tiles and regions do differently
 */
export async function compareTiling(device: GPUDevice, root: string): Promise<{ page: string; picture: Buffer }> {
  const ae = await AutoencoderDC.fromPretrained(folder(join(root, 'demo/models/nano')), { device });
  const { data, info } = await sharp(join(root, 'demo/samples', PHOTO))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const photo = { data: new Uint8Array(data), width, height };
  const through = async (memoryBudget?: number): Promise<Pixels> => {
    const { latent } = await ae.encode(photo, { memoryBudget });
    const { sample } = await ae.decode(latent, { memoryBudget });
    const { data } = await sample.toPixels();
    latent.dispose();
    sample.dispose();
    return data;
  };
  const whole = await through();
  ae.enableTiling({
    tileSampleMinHeight: TILE,
    tileSampleMinWidth: TILE,
    tileSampleStrideHeight: STRIDE,
    tileSampleStrideWidth: STRIDE,
  });
  const tiled = await through();
  ae.disableTiling();
  const memoryBudget = 12 * MiB;
  const { regions, peakBytes } = await ae.plan({ which: 'decoder', height, width, memoryBudget });
  const byRegions = await through(memoryBudget);
  const borders = Array.from({ length: Math.floor(width / STRIDE) }, (_, i) => (i + 1) * STRIDE);
  const ways: Way[] = [
    { name: `diffusers' tiling, ${TILE} / ${STRIDE}`, pixels: tiled, borders },
    { name: `regions: ${regions} to decode, ${(peakBytes / MiB).toFixed(1)} MiB`, pixels: byRegions, borders },
  ];
  ae.dispose();

  const panel = async (pixels: Pixels): Promise<Buffer> =>
    sharp(Buffer.from(pixels), { raw: { width, height, channels: 4 } })
      .removeAlpha()
      .png()
      .toBuffer();
  const panels = [whole, ...ways.map(({ pixels }) => difference(whole, pixels))];
  const gap = 8;
  const picture = await sharp({
    create: { width: panels.length * (width + gap) - gap, height, channels: 3, background: 'white' },
  })
    .composite(
      await Promise.all(
        panels.map(async (pixels, i) => ({ input: await panel(pixels), left: i * (width + gap), top: 0 })),
      ),
    )
    .png({ compressionLevel: 9 })
    .toBuffer();
  const page = [
    '# In parts: diffusers’ tiling and regions',
    '',
    `The nano checkpoint on demo/samples/${PHOTO}, encoded and decoded, f32. Levels of 255 by which pixels differ from the result in one piece, near a`,
    `tile's border (${NEAR} pixels) and elsewhere. In the picture: the result in one piece, then these differences × ${GAIN}, of tiles and of regions.`,
    'Made by `npm run bench:tiling`.',
    '',
    '| | pixels that differ | largest difference | mean at borders | mean elsewhere |',
    '|---|---|---|---|---|',
    ...ways.map((way) => row(way, whole, width)),
    '',
    '![the result in one piece; differences of tiles and of regions](tiling.png)',
    '',
  ].join('\n');
  return { page, picture };
}

function row({ name, pixels, borders }: Way, whole: Pixels, width: number): string {
  const near = (at: number): boolean => borders.some((border) => Math.abs(at - border) <= NEAR);
  const sums = { border: 0, inner: 0 };
  const counts = { border: 0, inner: 0 };
  let largest = 0;
  let differing = 0;
  for (let i = 0; i < whole.length; i += 4) {
    const pixel = i / 4;
    const where = near(pixel % width) || near(Math.floor(pixel / width)) ? 'border' : 'inner';
    const off = Math.max(...[0, 1, 2].map((c) => Math.abs(whole[i + c]! - pixels[i + c]!)));
    sums[where] += off;
    counts[where]++;
    largest = Math.max(largest, off);
    if (off > 0) differing++;
  }
  const cells = [
    name,
    `${((400 * differing) / whole.length).toFixed(1)} %`,
    largest,
    (sums.border / counts.border).toFixed(3),
    (sums.inner / counts.inner).toFixed(3),
  ];
  return `| ${cells.join(' | ')} |`;
}

function difference(a: Pixels, b: Pixels): Uint8ClampedArray {
  return Uint8ClampedArray.from(a, (value, i) => (i % 4 === 3 ? 255 : GAIN * Math.abs(value - b[i]!)));
}
