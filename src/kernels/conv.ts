import type { Shader } from '../gpu/pipelines.ts';
import { convRect, type ConvOp, type WinogradMultiplyOp } from '../graph/ops.ts';
import { scaled } from '../graph/rects.ts';
import { quadsOf } from '../graph/tensor.ts';
import { convLanes, type Target, type WeightSlice, type WeightType } from '../graph/weights.ts';
import f32 from '../../shaders/conv.wgsl?static';
import f16 from '../../shaders/conv.wgsl?static&f16';
import f16Resample from '../../shaders/conv.wgsl?static&f16&resample';
import f16ResampleSubgroups from '../../shaders/conv.wgsl?static&f16&resample&subgroups';
import f16Subgroups from '../../shaders/conv.wgsl?static&f16&subgroups';
import multiply from '../../shaders/conv.wgsl?static&multiply';
import multiplySubgroups from '../../shaders/conv.wgsl?static&multiply&subgroups';
import f32Resample from '../../shaders/conv.wgsl?static&resample';
import f32ResampleSubgroups from '../../shaders/conv.wgsl?static&resample&subgroups';
import f32Subgroups from '../../shaders/conv.wgsl?static&subgroups';
import multiplyTile from '../../shaders/multiply_tile.wgsl?static';
import { convResources, convShader, epilogue, passParams, resamples } from './conv_pass.ts';
import { tensorResource, view, weightResource, WORKGROUP, type Dispatch } from './dispatch.ts';

interface Variants {
  readonly plain: Shader;
  readonly subgroups: Shader;
}

const variants = (plain: string, subgroups: string): Variants => ({
  plain: convShader('conv', plain),
  subgroups: convShader('conv', subgroups),
});
const convShaders: Record<WeightType, { plain: Variants; resample: Variants }> = {
  f32: { plain: variants(f32, f32Subgroups), resample: variants(f32Resample, f32ResampleSubgroups) },
  f16: { plain: variants(f16, f16Subgroups), resample: variants(f16Resample, f16ResampleSubgroups) },
};
const multiplyShaders = variants(multiply, multiplySubgroups);
const multiplyTileShader = convShader('multiply_tile', multiplyTile);

/** Pixels that a lane computes, of eight channels. */
const LANE_PIXELS = 16;
/** Tiles that a thread of shaders/multiply_tile.wgsl computes, of eight channels. */
const BLOCK_TILES = 8;
/** Workgroups along y before the grid turns to z: WebGPU promises 65,535 along each. */
const GRID_Y = 32768;

function variantFor({ plain, subgroups }: Variants, target: Target): Shader {
  return target.subgroups ? subgroups : plain;
}

/** How lanes share out `rows` x `cols` pixels: 4 x 4 each, or 16 of a row. */
function share(
  rows: number,
  cols: number,
  tileCols: 4 | 16,
  lanes: number,
): { params: object; grid: [number, number] } {
  const tiles = Math.ceil(rows / (LANE_PIXELS / tileCols)) * Math.ceil(cols / tileCols);
  const groups = Math.ceil(tiles / (WORKGROUP / lanes));
  const gridY = Math.min(groups, GRID_Y);
  return {
    params: { rows, cols, lanes, tile_cols: tileCols, tile_pixels: LANE_PIXELS, sums: 2 * LANE_PIXELS },
    grid: [gridY, Math.ceil(groups / gridY)],
  };
}

/** Dense convolution, a dispatch for each slice of its weight. */
export function conv(op: ConvOp, target: Target, slices: readonly WeightSlice[]): Dispatch[] {
  const { x, y, weight, kernel, stride, upsample } = op;
  const pixels = convRect(op);
  const { resources, params } = epilogue(op);
  const shared = share(pixels.height, pixels.width, 4, convLanes(weight));
  return slices.map((slice, i) => ({
    label: op.label,
    shader: variantFor(convShaders[target.weights][resamples(op) ? 'resample' : 'plain'], target),
    constants: {},
    resources: convResources({ ...resources, x: tensorResource(x), weight: weightResource(weight, i) }),
    params: passParams({
      ...params,
      ...shared.params,
      x: view(x, { at: scaled(pixels, stride), padding: (kernel - 1) / 2, upsample }),
      taps: kernel,
      stride,
      upsample: upsample ? 1 : 0,
      in_quads: quadsOf(weight.columns),
      first_tile: slice.firstTile,
      images: y.n,
    }),
    grid: [slice.tiles, shared.grid[0], shared.grid[1] * y.n],
  }));
}

/**
 * Winograd's products: a 1x1 convolution at each place of a tile, all tiles in a row, each place with a matrix of its own. On a GPU from blocks in
 * a workgroup's memory; on a CPU, where that memory is no nearer than any other and barriers cost, from registers.
 */
export function winogradMultiply(op: WinogradMultiplyOp, target: Target): Dispatch {
  const { label, x, matrices, weight, slice, y } = op;
  const tiles = x.height * x.width;
  const lanes = convLanes(weight);
  const shared = share(1, tiles, 16, lanes);
  const blocks = Math.ceil(tiles / ((BLOCK_TILES * WORKGROUP) / lanes));
  return {
    label,
    shader: target.software ? variantFor(multiplyShaders, target) : multiplyTileShader,
    constants: {},
    resources: convResources({ x: tensorResource(x), weight: tensorResource(matrices), y: tensorResource(y) }),
    params: passParams({
      ...shared.params,
      x: { ...view(x), height: 1, width: tiles },
      y: { ...view(y), height: 1, width: tiles },
      in_quads: quadsOf(x.layout),
      out_quads: quadsOf(y.layout),
      batch: y.n,
      first_tile: slice.firstTile,
      images: (y.n * slice.tiles) / matrices.n,
    }),
    grid: target.software ? [slice.tiles, shared.grid[0], shared.grid[1] * y.n] : [slice.tiles, blocks, y.n],
  };
}
