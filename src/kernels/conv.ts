import type { Shader } from '../gpu/pipelines.ts';
import { convRect, inputs, type ConvOp, type WinogradMultiplyOp } from '../graph/ops.ts';
import { scaled } from '../graph/rects.ts';
import { quadsOf } from '../graph/tensor.ts';
import { convLanes, type WeightSlice, type WeightType } from '../graph/weights.ts';
import type { ConvVariant, Target } from '../graph/target.ts';
import registersF16 from '../../shaders/conv.wgsl?f16&link=stored';
import registersF16Resample from '../../shaders/conv.wgsl?f16&resample&link=stored';
import subgroupsF16Resample from '../../shaders/conv.wgsl?f16&resample&subgroups&link=stored';
import subgroupsF16 from '../../shaders/conv.wgsl?f16&subgroups&link=stored';
import registersMultiply from '../../shaders/conv.wgsl?multiply&link=static';
import subgroupsMultiply from '../../shaders/conv.wgsl?multiply&subgroups&link=static';
import registersF32Resample from '../../shaders/conv.wgsl?resample&link=stored';
import subgroupsF32Resample from '../../shaders/conv.wgsl?resample&subgroups&link=stored';
import registersF32 from '../../shaders/conv.wgsl?link=stored';
import subgroupsF32 from '../../shaders/conv.wgsl?subgroups&link=stored';
import workgroupF32 from '../../shaders/conv_tile.wgsl?link=stored';
import workgroupF16 from '../../shaders/conv_tile.wgsl?f16&link=stored';
import productsF16 from '../../shaders/conv_tile.wgsl?f16&f16_products&link=stored';
import productsF16Resample from '../../shaders/conv_tile.wgsl?f16&f16_products&resample&link=stored';
import workgroupF16Resample from '../../shaders/conv_tile.wgsl?f16&resample&link=stored';
import productsF16Multiply from '../../shaders/conv_tile.wgsl?f16_products&multiply&link=static';
import workgroupMultiply from '../../shaders/conv_tile.wgsl?multiply&link=static';
import workgroupF32Resample from '../../shaders/conv_tile.wgsl?resample&link=stored';
import multiplyMatrix from '../../shaders/multiply_matrix.wgsl?link=none';
import numbersF16 from '../../shaders/numbers_f16.wgsl?link=none';
import numbersF32 from '../../shaders/numbers_f32.wgsl?link=none';
import { CONV_BINDINGS, convResources, convShader, epilogue, passParams, resamples } from './conv_pass.ts';
import { tensorResource, view, weightResource, WORKGROUP, type Dispatch } from './dispatch.ts';
import { variantFor, storedShader, type StoredShader } from './storage.ts';
import { struct } from './struct.ts';

/** One variant of the convolution kernel. */
interface Variant {
  /** Pixels of eight channels that a thread computes. */
  readonly pixels: 8 | 16;
  /** By the type of weights, for a plain store and for one that resamples. */
  readonly conv: Readonly<Record<WeightType, { readonly plain: StoredShader; readonly resample: StoredShader }>>;
  /** Winograd's multiplications, of matrices in f32. */
  readonly multiply: Shader;
}

type Code = typeof registersF32;

function convVariant(pixels: 8 | 16, f32: [Code, Code], f16: [Code, Code], multiply: string): Variant {
  const both = ([plain, resample]: [Code, Code]) => ({
    plain: storedShader('conv', plain, CONV_BINDINGS),
    resample: storedShader('conv', resample, CONV_BINDINGS),
  });
  return { pixels, conv: { f32: both(f32), f16: both(f16) }, multiply: convShader('multiply', multiply) };
}

const registers = convVariant(
  16,
  [registersF32, registersF32Resample],
  [registersF16, registersF16Resample],
  registersMultiply,
);
const subgroups = convVariant(
  16,
  [subgroupsF32, subgroupsF32Resample],
  [subgroupsF16, subgroupsF16Resample],
  subgroupsMultiply,
);
const workgroup = convVariant(
  8,
  [workgroupF32, workgroupF32Resample],
  [workgroupF16, workgroupF16Resample],
  workgroupMultiply,
);
/** f16 products need weights in f16, so with weights in f32 the convolution runs as `workgroup`. */
const f16 = convVariant(
  8,
  [workgroupF32, workgroupF32Resample],
  [productsF16, productsF16Resample],
  productsF16Multiply,
);

/** multiply_matrix.wgsl for one number type. It is not linked, so the lines that differ are put before it here. */
const matrixShader = (numbers: string): Shader => convShader('multiply_matrix', `${numbers}\n${multiplyMatrix}`);

/** All variants of the convolution kernel. */
export const CONV_VARIANTS: Readonly<Record<ConvVariant, Variant>> = {
  registers,
  subgroups,
  workgroup,
  f16,
  matrix: { ...workgroup, multiply: matrixShader(numbersF32) },
  'f16-matrix': { ...f16, multiply: matrixShader(numbersF16) },
};

/** The params of shaders/multiply_matrix.wgsl. */
export const matrixParams = struct({
  cols: 'u32',
  in_quads: 'u32',
  out_quads: 'u32',
  lanes: 'u32',
  first_tile: 'u32',
  batch: 'u32',
  images: 'u32',
});

/** Workgroups along y before the grid extends along z. WebGPU guarantees 65,535 along each. */
const GRID_Y = 32768;

/** Distributes `rows` x `cols` pixels over threads: in thread tiles `tileCols` wide, or in rows if absent. */
function share(
  { pixels }: Variant,
  { rows, cols, lanes, tileCols = pixels }: { rows: number; cols: number; lanes: number; tileCols?: number },
): { params: object; grid: [number, number] } {
  const tiles = Math.ceil(rows / (pixels / tileCols)) * Math.ceil(cols / tileCols);
  const groups = Math.ceil(tiles / (WORKGROUP / lanes));
  const gridY = Math.min(groups, GRID_Y);
  return {
    params: { rows, cols, lanes, tile_cols: tileCols, cells: pixels / 4 },
    grid: [gridY, Math.ceil(groups / gridY)],
  };
}

/** Dense convolution: one dispatch for each slice of its weight. */
export function conv(op: ConvOp, target: Target, slices: readonly WeightSlice[]): Dispatch[] {
  const { x, y, weight, kernel, stride, upsample } = op;
  const pixels = convRect(op);
  const { resources, params } = epilogue(op);
  const variant = CONV_VARIANTS[target.kernels.conv];
  const shared = share(variant, { rows: pixels.height, cols: pixels.width, lanes: convLanes(weight), tileCols: 4 });
  return slices.map((slice, i) => ({
    label: op.label,
    shader: variantFor(variant.conv[target.weights][resamples(op) ? 'resample' : 'plain'], inputs(op), y),
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
 * Winograd's multiplications: a 1x1 convolution at each position of a Winograd tile. All tiles lie in one row, and each
 * position has its own matrix.
 */
export function winogradMultiply(op: WinogradMultiplyOp, target: Target): Dispatch {
  const { label, x, matrices, weight, slice, y } = op;
  const cols = x.height * x.width;
  const variant = CONV_VARIANTS[target.kernels.multiply];
  const lanes = convLanes(weight);
  const shared = share(variant, { rows: 1, cols, lanes });
  const common = {
    in_quads: quadsOf(x.layout),
    out_quads: quadsOf(y.layout),
    batch: y.n,
    first_tile: slice.firstTile,
    images: (y.n * slice.tiles) / matrices.n,
  };
  return {
    label,
    shader: variant.multiply,
    constants: {},
    resources: convResources({ x: tensorResource(x), weight: tensorResource(matrices), y: tensorResource(y) }),
    params:
      variant.multiply.name === 'multiply_matrix'
        ? matrixParams({ ...common, cols, lanes })
        : passParams({
            ...shared.params,
            ...common,
            x: { ...view(x), height: 1, width: cols },
            y: { ...view(y), height: 1, width: cols },
          }),
    grid: [slice.tiles, shared.grid[0], shared.grid[1] * y.n],
  };
}
