import type { Shader } from '../gpu/pipelines.ts';
import type { Rect } from '../graph/rects.ts';
import { quadsOf, type Tensor } from '../graph/tensor.ts';
import imageInCode from '../../shaders/image_in.wgsl?link=static';
import imageOutCode from '../../shaders/image_out.wgsl?link=static';
import nchwInCode from '../../shaders/nchw_in.wgsl?link=static';
import nchwOutCode from '../../shaders/nchw_out.wgsl?link=static';
import { groups, view } from './dispatch.ts';
import type { SingleDispatch } from './pack.ts';
import { struct } from './struct.ts';

const nchwInShader: Shader = { name: 'nchw_in', code: nchwInCode, bindings: ['read', 'write', 'uniform'] };
const nchwOutShader: Shader = { name: 'nchw_out', code: nchwOutCode, bindings: ['read', 'write', 'uniform'] };
const imageInShader: Shader = { name: 'image_in', code: imageInCode, bindings: ['texture', 'write', 'uniform'] };
const imageOutShader: Shader = { name: 'image_out', code: imageOutCode, bindings: ['read', 'image', 'uniform'] };

/** The params of shaders/nchw_in.wgsl. */
export const nchwInParams = struct({ y: 'View', rows: 'u32', cols: 'u32', quads: 'u32', channels: 'u32' });
/** The params of shaders/nchw_out.wgsl. */
export const nchwOutParams = struct({ x: 'View', rows: 'u32', cols: 'u32', channels: 'u32' });
/** The params of shaders/image_in.wgsl. */
export const imageInParams = struct({
  y: 'View',
  rows: 'u32',
  cols: 'u32',
  height: 'u32',
  width: 'u32',
  top: 'u32',
  left: 'u32',
  texture_top: 'u32',
  texture_left: 'u32',
  red: 'f32',
  green: 'f32',
  blue: 'f32',
});
/** The params of shaders/image_out.wgsl. */
export const imageOutParams = struct({ x: 'View', rows: 'u32', cols: 'u32', channels: 'u32', n: 'u32' });

/** Copies `[N, C, H, W]` f32 to a stored tensor. Binds x, y, params. */
export function nchwIn(y: Tensor): SingleDispatch {
  const { n, height: rows, width: cols, layout } = y;
  const quads = quadsOf(layout);
  return {
    shader: nchwInShader,
    constants: {},
    params: nchwInParams({ y: view(y), rows, cols, quads, channels: layout.channels }),
    grid: [groups(cols * quads), rows, n],
  };
}

/** Copies the upper left `rows` x `cols` of a stored tensor to `[N, C, rows, cols]` f32. Binds x, y, params. */
export function nchwOut(x: Tensor, rows: number, cols: number): SingleDispatch {
  const { channels } = x.layout;
  return {
    shader: nchwOutShader,
    constants: {},
    params: nchwOutParams({ x: view(x), rows, cols, channels }),
    grid: [groups(cols * channels), rows, x.n],
  };
}

/** Where a texture's pixels belong. */
export interface ImagePlacement {
  /** The rectangle of the image to write; inside the rectangle that the tensor holds. */
  readonly rect: Rect;
  /** Size of the whole picture. */
  readonly picture: Pick<Rect, 'height' | 'width'>;
  /** The picture's pixel at the texture's origin. */
  readonly corner: Pick<Rect, 'y' | 'x'>;
  /** sRGB values in [0, 1], composited under transparent pixels. */
  readonly background: readonly [red: number, green: number, blue: number];
}

/**
 * Copies a texture to a rectangle of a stored tensor. Beyond the picture, its last row and column repeat. Binds the
 * texture, y, params.
 */
export function imageIn(y: Tensor, { rect, picture, corner, background }: ImagePlacement): SingleDispatch {
  const [red, green, blue] = background;
  return {
    shader: imageInShader,
    constants: {},
    params: imageInParams({
      y: view(y, { at: rect }),
      rows: rect.height,
      cols: rect.width,
      height: picture.height,
      width: picture.width,
      top: rect.y,
      left: rect.x,
      texture_top: corner.y,
      texture_left: corner.x,
      red,
      green,
      blue,
    }),
    grid: [groups(rect.width), rect.height, 1],
  };
}

/**
 * Copies a rectangle of one picture of the batch to a texture. `rect` counts from the tensor's first pixel. Binds x,
 * the texture, params.
 *
 * @param n - the picture's index in the batch
 */
export function imageOut(x: Tensor, n: number, rect: Rect): SingleDispatch {
  const at = { y: x.origin.y + rect.y, x: x.origin.x + rect.x };
  return {
    shader: imageOutShader,
    constants: {},
    params: imageOutParams({ x: view(x, { at }), rows: rect.height, cols: rect.width, channels: x.layout.channels, n }),
    grid: [groups(rect.width), rect.height, 1],
  };
}
