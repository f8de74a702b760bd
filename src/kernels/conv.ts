import type { Shader } from '../gpu/pipelines.ts';
import { convRect, inputs, type ConvOp, type WinogradMultiplyOp } from '../graph/ops.ts';
import { scaled } from '../graph/rects.ts';
import { quadsOf } from '../graph/tensor.ts';
import { convLanes, type ConvVariant, type Target, type WeightSlice, type WeightType } from '../graph/weights.ts';
import registersF16 from '../../shaders/conv.wgsl?stored&f16';
import registersF16Resample from '../../shaders/conv.wgsl?stored&f16&resample';
import subgroupsF16Resample from '../../shaders/conv.wgsl?stored&f16&resample&subgroups';
import subgroupsF16 from '../../shaders/conv.wgsl?stored&f16&subgroups';
import registersMultiply from '../../shaders/conv.wgsl?static&multiply';
import subgroupsMultiply from '../../shaders/conv.wgsl?static&multiply&subgroups';
import registersF32Resample from '../../shaders/conv.wgsl?stored&resample';
import subgroupsF32Resample from '../../shaders/conv.wgsl?stored&resample&subgroups';
import registersF32 from '../../shaders/conv.wgsl?stored';
import subgroupsF32 from '../../shaders/conv.wgsl?stored&subgroups';
import workgroupF32 from '../../shaders/conv_tile.wgsl?stored';
import workgroupF16 from '../../shaders/conv_tile.wgsl?stored&f16';
import halfF16 from '../../shaders/conv_tile.wgsl?stored&f16&half';
import halfF16Resample from '../../shaders/conv_tile.wgsl?stored&f16&half&resample';
import workgroupF16Resample from '../../shaders/conv_tile.wgsl?stored&f16&resample';
import halfMultiply from '../../shaders/conv_tile.wgsl?static&half&multiply';
import halfMatrixMultiply from '../../shaders/conv_tile.wgsl?static&half&multiply&matrix';
import matrixMultiply from '../../shaders/conv_tile.wgsl?static&multiply&matrix';
import workgroupMultiply from '../../shaders/conv_tile.wgsl?static&multiply';
import workgroupF32Resample from '../../shaders/conv_tile.wgsl?stored&resample';
import { CONV_BINDINGS, convResources, convShader, epilogue, passParams, resamples } from './conv_pass.ts';
import { tensorResource, view, weightResource, WORKGROUP, type Dispatch } from './dispatch.ts';
import { variantFor, storedShader, type StoredShader } from './storage.ts';

/** One form of the kernel. */
interface Form {
  /** Pixels that a thread computes, of eight channels. */
  readonly pixels: 8 | 16;
  /** By the type in which weights are stored, for a plain store and for one that resamples. */
  readonly conv: Readonly<Record<WeightType, { readonly plain: StoredShader; readonly resample: StoredShader }>>;
  /** Winograd's products, of matrices in f32. */
  readonly multiply: Shader;
}

type Code = typeof registersF32;

function form(pixels: 8 | 16, f32: [Code, Code], f16: [Code, Code], multiply: string): Form {
  const both = ([plain, resample]: [Code, Code]) => ({
    plain: storedShader('conv', plain, CONV_BINDINGS),
    resample: storedShader('conv', resample, CONV_BINDINGS),
  });
  return { pixels, conv: { f32: both(f32), f16: both(f16) }, multiply: convShader('multiply', multiply) };
}

const registers: Form = form(
  16,
  [registersF32, registersF32Resample],
  [registersF16, registersF16Resample],
  registersMultiply,
);
const subgroups: Form = form(
  16,
  [subgroupsF32, subgroupsF32Resample],
  [subgroupsF16, subgroupsF16Resample],
  subgroupsMultiply,
);
const workgroup: Form = form(
  8,
  [workgroupF32, workgroupF32Resample],
  [workgroupF16, workgroupF16Resample],
  workgroupMultiply,
);
/** With weights in f32 there is no such form of the convolution itself. */
const half: Form = form(8, [workgroupF32, workgroupF32Resample], [halfF16, halfF16Resample], halfMultiply);

const FORMS: Readonly<Record<ConvVariant, Form>> = {
  registers,
  subgroups,
  workgroup,
  f16: half,
  matrix: { ...workgroup, multiply: convShader('multiply', matrixMultiply) },
  'f16-matrix': { ...half, multiply: convShader('multiply', halfMatrixMultiply) },
};

/** Workgroups along y before the grid turns to z: WebGPU promises 65,535 along each. */
const GRID_Y = 32768;

/** How threads share out `rows` x `cols` pixels: in tiles `tileCols` wide, or in rows where that is missing. */
function share(
  { pixels }: Form,
  { rows, cols, lanes, tileCols = pixels }: { rows: number; cols: number; lanes: number; tileCols?: number },
): { params: object; grid: [number, number] } {
  const tiles = Math.ceil(rows / (pixels / tileCols)) * Math.ceil(cols / tileCols);
  const groups = Math.ceil(tiles / (WORKGROUP / lanes));
  const gridY = Math.min(groups, GRID_Y);
  return {
    params: { rows, cols, lanes, tile_cols: tileCols, tile_pixels: pixels, sums: 2 * pixels },
    grid: [gridY, Math.ceil(groups / gridY)],
  };
}

/** Dense convolution, a dispatch for each slice of its weight. */
export function conv(op: ConvOp, target: Target, slices: readonly WeightSlice[]): Dispatch[] {
  const { x, y, weight, kernel, stride, upsample } = op;
  const pixels = convRect(op);
  const { resources, params } = epilogue(op);
  const form = FORMS[target.kernels.conv];
  const tiling = { rows: pixels.height, cols: pixels.width, lanes: convLanes(weight), tileCols: 4 };
  const shared = share(form, tiling);
  return slices.map((slice, i) => ({
    label: op.label,
    shader: variantFor(form.conv[target.weights][resamples(op) ? 'resample' : 'plain'], inputs(op), y),
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

/** Winograd's products: a 1x1 convolution at each place of a tile, all tiles in a row, each place with a matrix of its own. */
export function winogradMultiply(op: WinogradMultiplyOp, target: Target): Dispatch {
  const { label, x, matrices, weight, slice, y } = op;
  const tiles = x.height * x.width;
  const form = FORMS[target.kernels.multiply];
  const shared = share(form, { rows: 1, cols: tiles, lanes: convLanes(weight) });
  return {
    label,
    shader: form.multiply,
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
    grid: [slice.tiles, shared.grid[0], shared.grid[1] * y.n],
  };
}
