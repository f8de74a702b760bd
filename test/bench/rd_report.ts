// The page of `npm run bench:rd`.
import sharp from 'sharp';
import { bdRate, type RatePoint } from '../support/bd_rate.ts';
import { QUALITIES, type Measured, type Point, type Row } from './rd.ts';
import { RIVALS } from './rd_rivals.ts';

const NAMES = RIVALS.map(({ name }) => name);

/**
 * The page that is committed.
 *
 * @param photos - the photographs in words
 */
export function report({ rows, curves }: Measured, photos: string): string {
  const models = [...new Set(rows.map(({ model }) => model))];
  const jpegXl = NAMES.includes('JPEG XL') ? '' : ' This build of sharp writes no JPEG XL.';
  return `${[
    '# Rate and distortion of .dcae files',
    '',
    `${curves.size} photographs that no model was trained on (${photos}), whole files with headers, sRGB. ` +
      'PSNR over RGB in dB, SSIM over luma. ' +
      `${NAMES.join(', ')} as in sharp ${sharp.versions.sharp ?? ''}; WebP and AVIF with effort 4.${jpegXl} ` +
      'Made by `npm run bench:rd`.',
    '',
    ...rateAtEqualPsnr(rows, curves, models),
    ...models.flatMap((model) =>
      equalBytes(
        rows.filter((row) => row.model === model),
        model,
      ),
    ),
    '## Photograph by photograph',
    '',
    `| model | photograph | quality | bpp | .dcae | ${NAMES.join(' | ')} |`,
    `|${'---|'.repeat(5 + NAMES.length)}`,
    ...rows.map(({ model, photo, quality, pixels, ours, rivals }) => {
      const cells = [ours, ...NAMES.map((name) => rivals[name])].map((point) =>
        point ? shown(point) : 'none so small',
      );
      return `| ${[model, photo, quality, ((8 * ours.bytes) / pixels).toFixed(3), ...cells].join(' | ')} |`;
    }),
  ].join('\n')}\n`;
}

/** A table of delta rates: the mean over photographs. */
function rateAtEqualPsnr(rows: Measured['rows'], curves: Measured['curves'], models: readonly string[]): string[] {
  const columns = [...NAMES, ...models];
  const lines = models.map((model) => {
    const cells = columns.map((other) => {
      const found = [...curves].flatMap(([photo, whole]) => {
        const theirs = whole.get(other)?.map(asRate) ?? curveOf(rows, other, photo);
        const delta = other === model ? undefined : bdRate(curveOf(rows, model, photo), theirs);
        return delta ? [delta] : [];
      });
      if (found.length === 0) return '–';
      const average = mean(found.map(({ difference }) => difference));
      const range =
        `${mean(found.map(({ from }) => from)).toFixed(1)} to ` + `${mean(found.map(({ to }) => to)).toFixed(1)} dB`;
      const count = found.length === curves.size ? '' : `, ${found.length} of ${curves.size}`;
      return `${signed(100 * average, 0)} % (${range}${count})`;
    });
    return `| ${[model, ...cells].join(' | ')} |`;
  });
  return [
    '## Rate at equal PSNR',
    '',
    'Bjøntegaard’s delta rate: how many more or fewer bits a model takes than another codec, averaged over ' +
      'the range of PSNR',
    'that both reach, in brackets. Negative is better. Photographs on which two codecs share less than 0.5 ' +
      'dB are left out:',
    '"2 of 12" says how many remain.',
    '',
    `| model | ${columns.map((name) => `against ${name}`).join(' | ')} |`,
    `|${'---|'.repeat(1 + columns.length)}`,
    ...lines,
    '',
  ];
}

/** A table of distortion at the same bytes. */
function equalBytes(rows: readonly Row[], model: string): string[] {
  const lines = QUALITIES.map((quality) => {
    const these = rows.filter((row) => row.quality === quality);
    const cells = NAMES.flatMap((name) => {
      const both = these.flatMap(({ ours, rivals }) => {
        const theirs = rivals[name];
        return theirs ? [{ ours, theirs }] : [];
      });
      if (both.length === 0) return ['none so small', '–'];
      const count = both.length === these.length ? '' : ` (${both.length})`;
      const theirs = averagePoint(both.map((pair) => pair.theirs));
      const ours = averagePoint(both.map((pair) => pair.ours));
      return [shown(theirs) + count, `${signed(ours.psnr - theirs.psnr, 2)} / ${signed(ours.ssim - theirs.ssim, 3)}`];
    });
    const bpp = mean(these.map(({ ours, pixels }) => (8 * ours.bytes) / pixels)).toFixed(3);
    return `| ${[quality, bpp, shown(averagePoint(these.map(({ ours }) => ours))), ...cells].join(' | ')} |`;
  });
  return [
    `## ${model} at equal bytes`,
    '',
    'Each codec at the quality whose file comes nearest in bytes. If its smallest file is more than 5 % ' +
      'larger, the photograph is',
    'left out of both sides of the comparison, and the number of photographs left is in brackets.',
    '',
    `| quality | bpp | ${model}: PSNR / SSIM | ${NAMES.map((name) => `${name} | ${model} − ${name}`).join(' | ')} |`,
    `|${'---|'.repeat(3 + 2 * NAMES.length)}`,
    ...lines,
    '',
  ];
}

function curveOf(rows: readonly Row[], model: string, photo: string): RatePoint[] {
  return rows.filter((row) => row.model === model && row.photo === photo).map(({ ours }) => asRate(ours));
}

function asRate({ bytes, psnr }: Point): RatePoint {
  return { rate: bytes, psnr };
}

function averagePoint(points: readonly Point[]): Point {
  return {
    bytes: mean(points.map(({ bytes }) => bytes)),
    psnr: mean(points.map(({ psnr }) => psnr)),
    ssim: mean(points.map(({ ssim }) => ssim)),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function shown({ psnr, ssim }: Point): string {
  return `${psnr.toFixed(2)} / ${ssim.toFixed(3)}`;
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;
}
