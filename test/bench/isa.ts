import { knownCheckpoints } from '../../src/config/checkpoints.ts';
import { buildGraph } from '../../src/graph/build.ts';
import { channelsOf, type StorageType, type Tensor } from '../../src/graph/tensor.ts';
import type { ConvVariant, Target } from '../../src/graph/target.ts';
import { biasVector, denseWeight, normVectors } from '../../src/graph/weights.ts';
import { PipelineMap, type Constants, type Shader } from '../../src/gpu/pipelines.ts';
import { CONV_VARIANTS } from '../../src/kernels/conv.ts';
import { blend } from '../../src/kernels/blend.ts';
import { imageIn, imageOut, nchwIn, nchwOut } from '../../src/kernels/image.ts';
import { packBatchNormWeights, packMatrixWeights, packVectorWeights } from '../../src/kernels/pack.ts';
import { decoder, encoder } from '../../src/model/autoencoder.ts';
import { conv2d, rmsNorm } from '../../src/model/layers.ts';
import { planGraph } from '../../src/plan/plan.ts';

/** A pipeline that a GPU may compile. */
export interface IsaPipeline extends Shader {
  readonly constants: Constants;
  /** The variant, or the first target that needs the pipeline. */
  readonly target: string;
}

/** The limits of a large GPU. */
const LIMITS = {
  maxStorageBufferBindingSize: 2 ** 31,
  maxBufferSize: 2 ** 31,
  maxComputeWorkgroupsPerDimension: 65535,
  minUniformBufferOffsetAlignment: 256,
};
const SIDE = 512;

/** Targets with every storage type and every algorithm. Kernel variants differ only in the convolution. */
function targets(): Target[] {
  const types: readonly StorageType[] = ['f32', 'f16'];
  const kernels = { conv: 'workgroup', multiply: 'workgroup' } as const;
  return types.flatMap((weights) =>
    types.flatMap((activations) =>
      (['fast', 'strict'] as const).map((numerics) => ({
        weights,
        activations,
        numerics,
        products: 'f32' as const,
        software: false,
        kernels,
      })),
    ),
  );
}

/** The kernel variants that a GPU may choose. */
const GPU_VARIANTS = ['workgroup', 'f16', 'registers', 'subgroups'] as const satisfies ConvVariant[];

/** The pipelines that a GPU may compile for the released checkpoints, and those outside plans. */
export function isaPipelines(): IsaPipeline[] {
  const pipelines: IsaPipeline[] = [];
  const known = new PipelineMap<true>();
  const add = (shader: Shader, constants: Constants, target: string): void => {
    if (known.get(shader, constants)) return;
    known.set(shader, constants, true);
    pipelines.push({ ...shader, constants, target });
  };
  for (const variant of GPU_VARIANTS) {
    const { conv, multiply } = CONV_VARIANTS[variant];
    for (const weights of ['f32', 'f16'] as const) {
      for (const [store, shader] of Object.entries(conv[weights])) {
        for (const input of ['f32', 'f16'] as const) {
          for (const output of ['f32', 'f16'] as const) {
            add(shader[input][output], {}, `${variant}, ${store}, weights ${weights}, ${input} to ${output}`);
          }
        }
      }
    }
    add(multiply, {}, variant);
  }
  const configs = [...new Map(knownCheckpoints.map(({ config }) => [JSON.stringify(config), config])).values()];
  for (const target of targets()) {
    const { weights, activations } = target;
    for (const config of configs) {
      for (const module of [encoder(config), decoder(config)]) {
        const side = module.type === 'Encoder' ? SIDE : SIDE / 2 ** (config.encoder.blockOutChannels.length - 1);
        const graph = buildGraph(module, { n: 1, height: side, width: side }, activations);
        for (const { dispatch } of planGraph(graph, target, LIMITS).dispatches) {
          add(dispatch.shader, dispatch.constants, `weights ${weights}, activations ${activations}`);
        }
      }
    }
  }
  const tensor = (channels: number): Tensor => ({
    id: 0,
    label: 'tensor',
    n: 1,
    height: SIDE,
    width: SIDE,
    layout: channelsOf(channels),
    storage: 'f32',
    origin: { y: 0, x: 0 },
  });
  const rect = { y: 0, x: 0, height: SIDE, width: SIDE };
  const conv = conv2d('conv', 64, 64);
  const matrix = denseWeight([conv], channelsOf(64), { phases: 1 });
  const shuffled = denseWeight([conv], channelsOf(64), { phases: 4 });
  const single = [
    nchwIn(tensor(32)),
    nchwOut(tensor(3), SIDE, SIDE),
    imageIn(tensor(3), { rect, picture: rect, corner: rect, background: [1, 1, 1] }),
    imageOut(tensor(3), 0, rect),
    blend(tensor(3), tensor(3), 64, true),
    packBatchNormWeights(normVectors(rmsNorm('norm', 64))),
    packVectorWeights(biasVector(conv), 'F32', 0),
    ...(['F32', 'F16', 'BF16', 'F64'] as const).flatMap((raw) =>
      (['f32', 'f16'] as const).flatMap((packed) =>
        [matrix, shuffled].map((spec) =>
          packMatrixWeights(spec, { firstTile: 0, tiles: 1 }, { raw, packed }, 0, { first: 0, rows: 64 }),
        ),
      ),
    ),
  ];
  for (const { shader, constants } of single) add(shader, constants, 'outside plans');
  return pipelines;
}
