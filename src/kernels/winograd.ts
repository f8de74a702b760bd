import type { Shader } from '../gpu/pipelines.ts';
import { convRect, type WinogradInputOp, type WinogradOutputOp, type WinogradWeightOp } from '../graph/ops.ts';
import { scaled } from '../graph/rects.ts';
import { quadsOf } from '../graph/tensor.ts';
import { convLanes, type WeightSlice, type WeightType } from '../graph/weights.ts';
import { TILE_GEOMETRIES, type TileAlgorithm } from '../graph/winograd.ts';
import input2 from '../../shaders/winograd_input.wgsl?stored&f2';
import input4 from '../../shaders/winograd_input.wgsl?stored&f4';
import inputPhases from '../../shaders/winograd_input.wgsl?stored&phases';
import output2 from '../../shaders/winograd_output.wgsl?stored&f2';
import output2Norm from '../../shaders/winograd_output.wgsl?stored&f2&norm';
import output2Resample from '../../shaders/winograd_output.wgsl?stored&f2&resample';
import output4 from '../../shaders/winograd_output.wgsl?stored&f4';
import output4Norm from '../../shaders/winograd_output.wgsl?stored&f4&norm';
import output4Resample from '../../shaders/winograd_output.wgsl?stored&f4&resample';
import outputPhases from '../../shaders/winograd_output.wgsl?stored&phases';
import outputPhasesResample from '../../shaders/winograd_output.wgsl?stored&phases&resample';
import weight2Half from '../../shaders/winograd_weight.wgsl?static&f16&f2';
import weight4Half from '../../shaders/winograd_weight.wgsl?static&f16&f4';
import weightPhasesHalf from '../../shaders/winograd_weight.wgsl?static&f16&phases';
import weight2 from '../../shaders/winograd_weight.wgsl?static&f2';
import weight4 from '../../shaders/winograd_weight.wgsl?static&f4';
import weightPhases from '../../shaders/winograd_weight.wgsl?static&phases';
import { CONV_BINDINGS, convResources, convShader, epilogue, passParams, resamples } from './conv_pass.ts';
import { groups, tensorResource, view, weightResource, WORKGROUP, type Dispatch } from './dispatch.ts';
import { variantFor, storedShader, type StoredShader } from './storage.ts';

type ByAlgorithm<T> = Readonly<Record<TileAlgorithm, T>>;

function byAlgorithm<C, S>(shader: (code: C) => S, winograd2: C, winograd4: C, phases: C): ByAlgorithm<S> {
  return { winograd2: shader(winograd2), winograd4: shader(winograd4), phases: shader(phases) };
}

const input = (code: typeof input2): StoredShader => storedShader('winograd_input', code, CONV_BINDINGS);
const output = (code: typeof output2): StoredShader => storedShader('winograd_output', code, CONV_BINDINGS);
const norm = (code: typeof output2): StoredShader => storedShader('winograd_norm', code, CONV_BINDINGS);
const weight = (code: string): Shader => convShader('winograd_weight', code);

const inputShaders = byAlgorithm(input, input2, input4, inputPhases);
const outputShaders = {
  norm: byAlgorithm(norm, output2Norm, output4Norm, outputPhases),
  plain: byAlgorithm(output, output2, output4, outputPhases),
  resample: byAlgorithm(output, output2Resample, output4Resample, outputPhasesResample),
};
const weightShaders: Record<WeightType, ByAlgorithm<Shader>> = {
  f32: byAlgorithm(weight, weight2, weight4, weightPhases),
  f16: byAlgorithm(weight, weight2Half, weight4Half, weightPhasesHalf),
};

/** Some of a convolution's weights into matrices, in f32 whatever they are stored in: a dispatch for each buffer that they lie in. */
export function winogradWeight(
  { label, algorithm, weight, slice, y }: WinogradWeightOp,
  type: WeightType,
  stored: readonly WeightSlice[],
): Dispatch[] {
  const lanes = convLanes(weight);
  return stored.flatMap(({ firstTile, tiles }, i) => {
    const from = Math.max(firstTile, slice.firstTile);
    const to = Math.min(firstTile + tiles, slice.firstTile + slice.tiles);
    if (from >= to) return [];
    return {
      label,
      shader: weightShaders[type][algorithm],
      constants: {},
      resources: convResources({ weight: weightResource(weight, i), y: tensorResource(y) }),
      params: passParams({
        in_quads: weight.paddedColumns / 4,
        lanes,
        first_tile: from - firstTile,
        matrix_tile: from - slice.firstTile,
      }),
      grid: [groups(weight.paddedColumns * 2 * lanes), to - from, 1] as const,
    };
  });
}

/** Tiles of x into what is multiplied. */
export function winogradInput({ label, rect, algorithm, x, y }: WinogradInputOp): Dispatch {
  const quads = quadsOf(x.layout);
  return {
    label,
    shader: variantFor(inputShaders[algorithm], [x], y),
    constants: {},
    resources: convResources({ x: tensorResource(x), y: tensorResource(y) }),
    params: passParams({
      x: view(x, { at: scaled(rect, TILE_GEOMETRIES[algorithm].step), padding: 1 }),
      y: view(y),
      rows: rect.height,
      cols: rect.width,
      in_quads: quads,
      batch: x.n,
    }),
    grid: [groups(rect.width * 4 * quads), rect.height, x.n],
  };
}

/** Products into pixels. With a norm, a workgroup has all channels of a few tiles. */
export function winogradOutput({ label, algorithm, x, conv }: WinogradOutputOp): Dispatch {
  const { out } = TILE_GEOMETRIES[algorithm];
  const pixels = convRect(conv);
  const { resources, params } = epilogue(conv);
  const { norm, shortcut } = conv;
  const quads = quadsOf(x.layout);
  const forms = outputShaders[norm ? 'norm' : resamples(conv) ? 'resample' : 'plain'];
  const groupTiles = Math.max(1, Math.min(4, Math.floor(WORKGROUP / quads)));
  return {
    label,
    shader: variantFor(forms[algorithm], shortcut ? [shortcut.source] : [], conv.y),
    constants: norm ? { WORKGROUP: groupTiles * quads } : {},
    resources: convResources({ ...resources, x: tensorResource(x), ...(norm && { weight: weightResource(norm) }) }),
    params: passParams({
      ...params,
      x: { ...view(x), y: out * x.origin.y - pixels.y, x: out * x.origin.x - pixels.x },
      taps: TILE_GEOMETRIES[algorithm].size,
      tile_cols: out,
      tile_pixels: out ** 2,
      sums: out ** 2,
      ...(norm && {
        group_tiles: groupTiles,
        norm_channels: norm.rows.channels,
        norm_biased: norm.keys.length > 1 ? 1 : 0,
        norm_eps: norm.eps,
      }),
    }),
    grid: [norm ? Math.ceil(x.width / groupTiles) : groups(x.width * quads), x.height, conv.y.n],
  };
}
