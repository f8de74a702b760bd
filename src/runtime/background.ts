import { InputError } from '../errors.ts';

/**
 * A colour: `[red, green, blue]` bytes (0 to 255, sRGB), `"#rgb"`, `"#rrggbb"`, or any opaque CSS colour if the
 * environment has OffscreenCanvas.
 */
export type Background = string | readonly [red: number, green: number, blue: number];

/** sRGB values in [0, 1]. */
export type Rgb = readonly [red: number, green: number, blue: number];

const WHITE: Rgb = [1, 1, 1];

/**
 * Parses the option `background`.
 *
 * @returns the colour, white if absent
 * @throws InputError if it is not an opaque colour
 */
export function parseBackground(background: Background | undefined): Rgb {
  if (background === undefined) return WHITE;
  const given: unknown = background;
  const rgb = typeof given === 'string' ? (parseHex(given) ?? parseCss(given)) : parseBytes(given);
  if (rgb) return rgb;
  throw new InputError(
    'options.background must be an opaque colour: [red, green, blue] from 0 to 255, "#rrggbb" or a CSS ' +
      `colour; it was ${JSON.stringify(given)}.`,
  );
}

function parseBytes(given: unknown): Rgb | undefined {
  if (!Array.isArray(given) || given.length !== 3) return undefined;
  const [red, green, blue] = given.map((value) => (typeof value === 'number' ? value / 255 : NaN));
  if (red === undefined || green === undefined || blue === undefined) return undefined;
  return [red, green, blue].every((value) => value >= 0 && value <= 1) ? [red, green, blue] : undefined;
}

function parseHex(given: string): Rgb | undefined {
  const [, short, long] = /^#(?:([0-9a-f]{3})|([0-9a-f]{6}))$/i.exec(given.trim()) ?? [];
  const digits = long ?? short?.replace(/./g, '$&$&');
  if (digits === undefined) return undefined;
  const byte = (at: number): number => parseInt(digits.slice(at, at + 2), 16) / 255;
  return [byte(0), byte(2), byte(4)];
}

/** Lets a canvas parse a CSS colour; a canvas ignores invalid ones. */
function parseCss(given: string): Rgb | undefined {
  if (typeof OffscreenCanvas === 'undefined') return undefined;
  const context = new OffscreenCanvas(1, 1).getContext('2d');
  if (!context) return undefined;
  const read = (before: string): string => {
    context.fillStyle = before;
    context.fillStyle = given;
    return context.fillStyle;
  };
  if (read('#010203') !== read('#040506')) return undefined;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = context.getImageData(0, 0, 1, 1).data;
  return alpha === 255 ? [red / 255, green / 255, blue / 255] : undefined;
}
