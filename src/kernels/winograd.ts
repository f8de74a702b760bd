import type { Shader } from '../gpu/pipelines.ts';
import { convRect, type WinogradInputOp, type WinogradOutputOp, type WinogradWeightOp } from '../graph/ops.ts';
import { scaled } from '../graph/rects.ts';
import { quadsOf } from '../graph/tensor.ts';
import { convLanes, matrixTiles, type WeightType } from '../graph/weights.ts';
import { TILINGS, type TileAlgorithm } from '../graph/winograd.ts';
import input2 from '../../shaders/winograd_input.wgsl?static&f2';
import input4 from '../../shaders/winograd_input.wgsl?static&f4';
import inputPhases from '../../shaders/winograd_input.wgsl?static&phases';
import output2 from '../../shaders/winograd_output.wgsl?static&f2';
import output2Resample from '../../shaders/winograd_output.wgsl?static&f2&resample';
import output4 from '../../shaders/winograd_output.wgsl?static&f4';
import output4Resample from '../../shaders/winograd_output.wgsl?static&f4&resample';
import outputPhases from '../../shaders/winograd_output.wgsl?static&phases';
import outputPhasesResample from '../../shaders/winograd_output.wgsl?static&phases&resample';
import weight2Half from '../../shaders/winograd_weight.wgsl?static&f16&f2';
import weight4Half from '../../shaders/winograd_weight.wgsl?static&f16&f4';
import weightPhasesHalf from '../../shaders/winograd_weight.wgsl?static&f16&phases';
import weight2 from '../../shaders/winograd_weight.wgsl?static&f2';
import weight4 from '../../shaders/winograd_weight.wgsl?static&f4';
import weightPhases from '../../shaders/winograd_weight.wgsl?static&phases';
import { convResources, convShader, epilogue, passParams, resamples } from './conv_pass.ts';
import { groups, tensorResource, view, weightResource, type Dispatch } from './dispatch.ts';

type Shaders = Readonly<Record<TileAlgorithm, Shader>>;

function shaders(name: string, winograd2: string, winograd4: string, phases: string): Shaders {
  return {
    winograd2: convShader(name, winograd2),
    winograd4: convShader(name, winograd4),
    phases: convShader(name, phases),
  };
}

const inputShaders = shaders('winograd_input', input2, input4, inputPhases);
const outputShaders = {
  plain: shaders('winograd_output', output2, output4, outputPhases),
  resample: shaders('winograd_output', output2Resample, output4Resample, outputPhasesResample),
};
const weightShaders: Record<WeightType, Shaders> = {
  f32: shaders('winograd_weight', weight2, weight4, weightPhases),
  f16: shaders('winograd_weight', weight2Half, weight4Half, weightPhasesHalf),
};

/** A convolution's weights into matrices, in f32 whatever they are stored in. */
export function winogradWeight({ label, algorithm, weight, y }: WinogradWeightOp, type: WeightType): Dispatch {
  const tiles = matrixTiles(weight);
  const lanes = convLanes(weight);
  return {
    label,
    shader: weightShaders[type][algorithm],
    constants: {},
    resources: convResources({ weight: weightResource(weight), y: tensorResource(y) }),
    params: passParams({ in_quads: weight.paddedColumns / 4, lanes }),
    grid: [groups(weight.paddedColumns * 2 * lanes), tiles, 1],
  };
}

/** Tiles of x into what is multiplied. */
export function winogradInput({ label, rect, algorithm, x, y }: WinogradInputOp): Dispatch {
  const quads = quadsOf(x.layout);
  return {
    label,
    shader: inputShaders[algorithm],
    constants: {},
    resources: convResources({ x: tensorResource(x), y: tensorResource(y) }),
    params: passParams({
      x: view(x, { at: scaled(rect, TILINGS[algorithm].step), padding: 1 }),
      y: view(y),
      rows: rect.height,
      cols: rect.width,
      in_quads: quads,
      batch: x.n,
    }),
    grid: [groups(rect.width * 4 * quads), rect.height, x.n],
  };
}

/** Products into pixels. */
export function winogradOutput({ label, algorithm, x, conv }: WinogradOutputOp): Dispatch {
  const { out } = TILINGS[algorithm];
  const pixels = convRect(conv);
  const { resources, params } = epilogue(conv);
  return {
    label,
    shader: outputShaders[resamples(conv) ? 'resample' : 'plain'][algorithm],
    constants: {},
    resources: convResources({ ...resources, x: tensorResource(x) }),
    params: passParams({
      ...params,
      x: { ...view(x), y: out * x.origin.y - pixels.y, x: out * x.origin.x - pixels.x },
      taps: TILINGS[algorithm].size,
      tile_cols: out,
      tile_pixels: out ** 2,
      sums: out ** 2,
    }),
    grid: [groups(x.width * quadsOf(x.layout)), x.height, conv.y.n],
  };
}
