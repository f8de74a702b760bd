// Sizes of the released networks, from their configs and the planner.
import { readFileSync } from 'node:fs';
import { knownCheckpoints } from '../../src/config/checkpoints.ts';
import { parseConfig } from '../../src/config/config.ts';
import { weightBytes } from '../../src/graph/weights.ts';
import { weightSpecs } from '../../src/loading/networks.ts';
import { compressionRatio, decoder, encoder } from '../../src/model/autoencoder.ts';
import { planNetwork } from '../../src/plan/plan.ts';
import { DESKTOP_LIMITS } from '../support/desktop_limits.ts';

const SIDE_PIXELS = 1024;

/** Bytes of a network, as f32 and as f16. */
export interface NetworkSizes {
  /** Packed weights on the GPU. */
  readonly weights: { readonly f32: number; readonly f16: number };
  /** Activations of an image of 1024 × 1024 pixels. */
  readonly activations: { readonly f32: number; readonly f16: number };
}

/** The sizes of both networks of a checkpoint. */
export interface CheckpointSizes {
  readonly encoder: NetworkSizes;
  readonly decoder: NetworkSizes;
}

const planned = new Map<string, CheckpointSizes>();

/**
 * The sizes of both networks of a checkpoint. Planning takes about a second, so each checkpoint is planned once.
 *
 * @param id - a repository's id, or `nano`
 */
export function networkSizes(id: string): CheckpointSizes {
  const sizes = planned.get(id) ?? plan(id);
  planned.set(id, sizes);
  return sizes;
}

function plan(id: string): CheckpointSizes {
  const config =
    id === 'nano'
      ? parseConfig(JSON.parse(readFileSync('demo/models/nano/config.json', 'utf8')))
      : knownCheckpoints.find(({ repo }) => repo === id)?.config;
  if (!config) throw new Error(`unknown checkpoint ${id}`);
  return { encoder: sizesOf(encoder(config)), decoder: sizesOf(decoder(config)) };
}

function sizesOf(network: ReturnType<typeof encoder> | ReturnType<typeof decoder>): NetworkSizes {
  const specs = weightSpecs(network);
  const weights = (type: 'f32' | 'f16'): number => specs.reduce((sum, spec) => sum + weightBytes(spec, type), 0);
  const side = network.type === 'Encoder' ? SIDE_PIXELS : SIDE_PIXELS / compressionRatio(network);
  const kernels = { conv: 'workgroup', multiply: 'workgroup' } as const;
  const target = { weights: 'f16', software: false, kernels, numerics: 'fast', products: 'f32' } as const;
  const peak = (activations: 'f32' | 'f16'): number =>
    planNetwork(network, { n: 1, height: side, width: side }, { ...target, activations }, DESKTOP_LIMITS).peakBytes;
  return {
    weights: { f32: weights('f32'), f16: weights('f16') },
    activations: { f32: peak('f32'), f16: peak('f16') },
  };
}
