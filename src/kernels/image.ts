import type { Shader } from '../gpu/pipelines.ts';
import { quadsOf, type Tensor } from '../graph/tensor.ts';
import imageInCode from '../../shaders/image_in.wgsl?static';
import imageOutCode from '../../shaders/image_out.wgsl?static';
import nchwInCode from '../../shaders/nchw_in.wgsl?static';
import nchwOutCode from '../../shaders/nchw_out.wgsl?static';
import { groups, view } from './dispatch.ts';
import type { PackDispatch } from './pack.ts';
import { struct } from './struct.ts';

const nchwInShader: Shader = { name: 'nchw_in', code: nchwInCode, bindings: ['read', 'write', 'uniform'] };
const nchwOutShader: Shader = { name: 'nchw_out', code: nchwOutCode, bindings: ['read', 'write', 'uniform'] };
const imageInShader: Shader = { name: 'image_in', code: imageInCode, bindings: ['texture', 'write', 'uniform'] };
const imageOutShader: Shader = { name: 'image_out', code: imageOutCode, bindings: ['read', 'image', 'uniform'] };

const nchwInParams = struct({ y: 'view', rows: 'u32', cols: 'u32', quads: 'u32', channels: 'u32' });
const nchwOutParams = struct({ x: 'view', rows: 'u32', cols: 'u32', channels: 'u32' });
const imageInParams = struct({ y: 'view', rows: 'u32', cols: 'u32', height: 'u32', width: 'u32' });
const imageOutParams = struct({ x: 'view', rows: 'u32', cols: 'u32', channels: 'u32', n: 'u32' });

/** `[N, C, H, W]` f32 into a stored tensor. Binds x, y, params. */
export function nchwIn(y: Tensor): PackDispatch {
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
export function nchwOut(x: Tensor, rows: number, cols: number): PackDispatch {
  const { channels } = x.layout;
  return {
    shader: nchwOutShader,
    constants: {},
    params: nchwOutParams({ x: view(x), rows, cols, channels }),
    grid: [groups(cols * channels), rows, x.n],
  };
}

/** A texture of `height` x `width` into a stored tensor, its edge repeated to fill. Binds the texture, y, params. */
export function imageIn(y: Tensor, height: number, width: number): PackDispatch {
  return {
    shader: imageInShader,
    constants: {},
    params: imageInParams({ y: view(y), rows: y.height, cols: y.width, height, width }),
    grid: [groups(y.width), y.height, 1],
  };
}

/** The upper left `rows` x `cols` of picture `n` of a stored tensor into a texture. Binds x, the texture, params. */
export function imageOut(x: Tensor, n: number, rows: number, cols: number): PackDispatch {
  return {
    shader: imageOutShader,
    constants: {},
    params: imageOutParams({ x: view(x), rows, cols, channels: x.layout.channels, n }),
    grid: [groups(cols), rows, 1],
  };
}
