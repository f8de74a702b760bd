import type { Shader } from '../gpu/pipelines.ts';
import type { Rect } from '../graph/rects.ts';
import { quadsOf, type Tensor } from '../graph/tensor.ts';
import imageInCode from '../../shaders/image_in.wgsl?static';
import imageOutCode from '../../shaders/image_out.wgsl?static';
import nchwInCode from '../../shaders/nchw_in.wgsl?static';
import nchwOutCode from '../../shaders/nchw_out.wgsl?static';
import { groups, view } from './dispatch.ts';
import type { SingleDispatch } from './pack.ts';
import { struct } from './struct.ts';

const nchwInShader: Shader = { name: 'nchw_in', code: nchwInCode, bindings: ['read', 'write', 'uniform'] };
const nchwOutShader: Shader = { name: 'nchw_out', code: nchwOutCode, bindings: ['read', 'write', 'uniform'] };
const imageInShader: Shader = { name: 'image_in', code: imageInCode, bindings: ['texture', 'write', 'uniform'] };
const imageOutShader: Shader = { name: 'image_out', code: imageOutCode, bindings: ['read', 'image', 'uniform'] };

const nchwInParams = struct({ y: 'view', rows: 'u32', cols: 'u32', quads: 'u32', channels: 'u32' });
const nchwOutParams = struct({ x: 'view', rows: 'u32', cols: 'u32', channels: 'u32' });
const imageInParams = struct({
  y: 'view',
  rows: 'u32',
  cols: 'u32',
  height: 'u32',
  width: 'u32',
  top: 'u32',
  left: 'u32',
  texture_top: 'u32',
  texture_left: 'u32',
});
const imageOutParams = struct({ x: 'view', rows: 'u32', cols: 'u32', channels: 'u32', n: 'u32' });

/** `[N, C, H, W]` f32 into a stored tensor. Binds x, y, params. */
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

/** The upper left `rows` x `cols` of a stored tensor into `[N, C, rows, cols]` f32. Binds x, y, params. */
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
 * A texture into a stored tensor, or into one that holds a part of the image; the picture's edge is repeated to fill. Binds the texture, y, params.
 *
 * @param picture - the size of the whole picture
 * @param corner - the picture's pixel that the texture begins with
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

/** The left `cols` of `rows` of a picture of a stored tensor, from row `first` on, into a texture. Binds x, the texture, params. */
export function imageOut(x: Tensor, n: number, first: number, rows: number, cols: number): SingleDispatch {
  const at = { y: x.origin.y + first, x: x.origin.x };
  return {
    shader: imageOutShader,
    constants: {},
    params: imageOutParams({ x: view(x, { at }), rows, cols, channels: x.layout.channels, n }),
    grid: [groups(cols), rows, 1],
  };
}
