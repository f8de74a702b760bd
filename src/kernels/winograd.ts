import type { Shader } from '../gpu/pipelines.ts';
import {
  convRect,
  type ConvOp,
  type WinogradInputOp,
  type WinogradOutputOp,
  type WinogradWeightOp,
} from '../graph/ops.ts';
import { scaled } from '../graph/rects.ts';
import { quadsOf } from '../graph/tensor.ts';
import { convLanes, type WeightSlice, type WeightType } from '../graph/weights.ts';
import { TILE_GEOMETRIES, type TileAlgorithm } from '../graph/tile_geometry.ts';
import input2 from '../../shaders/winograd_input.wgsl?f2&link=input';
import input4 from '../../shaders/winograd_input.wgsl?f4&link=input';
import inputPhases from '../../shaders/winograd_input.wgsl?phases&link=input';
import output2 from '../../shaders/winograd_output.wgsl?f2&link=output';
import output2Norm from '../../shaders/winograd_output.wgsl?f2&norm&link=same';
import output2Resample from '../../shaders/winograd_output.wgsl?f2&resample&link=stored';
import output4 from '../../shaders/winograd_output.wgsl?f4&link=output';
import output4Norm from '../../shaders/winograd_output.wgsl?f4&norm&link=same';
import output4Resample from '../../shaders/winograd_output.wgsl?f4&resample&link=stored';
import outputPhases from '../../shaders/winograd_output.wgsl?phases&link=output';
import outputPhasesResample from '../../shaders/winograd_output.wgsl?phases&resample&link=stored';
import weight2F16 from '../../shaders/winograd_weight.wgsl?f16&f2&link=static';
import weight4F16 from '../../shaders/winograd_weight.wgsl?f16&f4&link=static';
import weightPhasesF16 from '../../shaders/winograd_weight.wgsl?f16&phases&link=static';
import weight2 from '../../shaders/winograd_weight.wgsl?f2&link=static';
import weight4 from '../../shaders/winograd_weight.wgsl?f4&link=static';
import weightPhases from '../../shaders/winograd_weight.wgsl?phases&link=static';
import { CONV_BINDINGS, convResources, convShader, epilogue, passParams, resamples } from './conv_pass.ts';
import { groups, tensorResource, view, weightResource, WORKGROUP, type Dispatch } from './dispatch.ts';
import { byStorage, commonStorage, variantFor, storedShader, type ByStorage } from './storage.ts';

const input = (code: ByStorage<string>) => byStorage('winograd_input', code, CONV_BINDINGS);
const output = (code: ByStorage<string>) => byStorage('winograd_output', code, CONV_BINDINGS);
const norm = (code: ByStorage<string>) => byStorage('winograd_norm', code, CONV_BINDINGS);
const resample = (code: ByStorage<ByStorage<string>>) => storedShader('winograd_output', code, CONV_BINDINGS);
const weight = (code: string) => convShader('winograd_weight', code);

const inputShaders = { winograd2: input(input2), winograd4: input(input4), phases: input(inputPhases) };
const outputShaders = { winograd2: output(output2), winograd4: output(output4), phases: output(outputPhases) };
const normShaders = { winograd2: norm(output2Norm), winograd4: norm(output4Norm) };
const resampleShaders = {
  winograd2: resample(output2Resample),
  winograd4: resample(output4Resample),
  phases: resample(outputPhasesResample),
};
const weightShaders: Record<WeightType, Record<TileAlgorithm, Shader>> = {
  f32: { winograd2: weight(weight2), winograd4: weight(weight4), phases: weight(weightPhases) },
  f16: { winograd2: weight(weight2F16), winograd4: weight(weight4F16), phases: weight(weightPhasesF16) },
};

/** Transforms some of a convolution's weights into matrices in f32: one dispatch for each buffer that holds them. */
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

/** Transforms Winograd tiles of x into the matrices that are multiplied. */
export function winogradInput({ label, rect, algorithm, x, y }: WinogradInputOp): Dispatch {
  const quads = quadsOf(x.layout);
  return {
    label,
    shader: inputShaders[algorithm][x.storage],
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

function outputShader(algorithm: TileAlgorithm, conv: ConvOp): Shader {
  const { norm, shortcut, y } = conv;
  const sources = shortcut ? [shortcut.source] : [];
  if (norm && algorithm !== 'phases') return normShaders[algorithm][commonStorage([y, ...sources])];
  if (resamples(conv)) return variantFor(resampleShaders[algorithm], sources, y);
  return outputShaders[algorithm][y.storage];
}

/** Transforms products into pixels. With a norm, a workgroup has all channels of one to four Winograd tiles. */
export function winogradOutput({ label, algorithm, x, conv }: WinogradOutputOp): Dispatch {
  const { out } = TILE_GEOMETRIES[algorithm];
  const pixels = convRect(conv);
  const { resources, params } = epilogue(conv);
  const { norm } = conv;
  const quads = quadsOf(x.layout);
  const groupTiles = Math.max(1, Math.min(MAX_GROUP_TILES, Math.floor(WORKGROUP / quads)));
  return {
    label,
    shader: outputShader(algorithm, conv),
    constants: norm ? { WORKGROUP: groupTiles * quads } : {},
    resources: convResources({ ...resources, x: tensorResource(x), ...(norm && { weight: weightResource(norm) }) }),
    params: passParams({
      ...params,
      x: { ...view(x), y: out * x.origin.y - pixels.y, x: out * x.origin.x - pixels.x },
      taps: TILE_GEOMETRIES[algorithm].size,
      tile_cols: out,
      cells: out ** 2 / 4,
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

/** Winograd tiles that a workgroup normalises at most. */
export const MAX_GROUP_TILES = 4;
