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

/**
 * Copies a texture to a stored tensor of the image or of a region. Beyond the picture, its last row and column repeat.
 * Binds the texture, y, params.
 *
 * @param picture - the size of the whole picture
 * @param corner - the picture's pixel at the texture's origin
 */
export function imageIn(
  y: Tensor,
  picture: Pick<Rect, 'height' | 'width'>,
  corner: Pick<Rect, 'y' | 'x'>,
): SingleDispatch {
  return {
    shader: imageInShader,
    constants: {},
    params: imageInParams({
      y: view(y),
      rows: y.height,
      cols: y.width,
      height: picture.height,
      width: picture.width,
      top: y.origin.y,
      left: y.origin.x,
      texture_top: corner.y,
      texture_left: corner.x,
    }),
    grid: [groups(y.width), y.height, 1],
  };
}

/**
 * Copies `rows` rows from row `first` on, and their left `cols` pixels, to a texture. `n` is the picture's index in the
 * batch. Binds x, the texture, params.
 */
export function imageOut(x: Tensor, n: number, first: number, rows: number, cols: number): SingleDispatch {
  const at = { y: x.origin.y + first, x: x.origin.x };
  return {
    shader: imageOutShader,
    constants: {},
    params: imageOutParams({ x: view(x, { at }), rows, cols, channels: x.layout.channels, n }),
    grid: [groups(cols), rows, 1],
  };
}
