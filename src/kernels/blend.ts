import type { Shader } from '../gpu/pipelines.ts';
import { quadsOf, type Tensor } from '../graph/tensor.ts';
import blendCode from '../../shaders/blend.wgsl?link=static';
import { groups, view } from './dispatch.ts';
import type { SingleDispatch } from './pack.ts';
import { struct } from './struct.ts';

const shader: Shader = { name: 'blend', code: blendCode, bindings: ['read', 'write', 'uniform'] };
/** The params of shaders/blend.wgsl. */
export const blendParams = struct({ x: 'View', y: 'View', cols: 'u32', quads: 'u32', extent: 'u32', down: 'u32' });

/**
 * Blends the seam of two overlapping tiles in place: the first `extent` rows (`down`) or columns of y fade in over the
 * last ones of x. Both begin at (0, 0). Binds x, y, params.
 */
export function blend(x: Tensor, y: Tensor, extent: number, down: boolean): SingleDispatch {
  const at = down ? { y: x.height - extent, x: 0 } : { y: 0, x: x.width - extent };
  const rows = down ? extent : y.height;
  const cols = down ? y.width : extent;
  const quads = quadsOf(y.layout);
  return {
    shader,
    constants: {},
    params: blendParams({ x: view(x, { at }), y: view(y), cols, quads, extent, down: Number(down) }),
    grid: [groups(cols * quads), rows, y.n],
  };
}
