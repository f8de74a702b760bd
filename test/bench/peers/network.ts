import type { ActivationName } from '../../../src/config/config.ts';
import type { Attention, Block, DCDownBlock2d, DCUpBlock2d, GLUMBConv } from '../../../src/model/blocks.ts';
import type { Conv2d, Norm } from '../../../src/model/layers.ts';
import type { BenchModule } from '../works.ts';

/**
 * The operations that another runtime must offer to run this network: those that diffusers calls, on its own kind of
 * tensor `T`.
 */
export interface Arithmetic<T> {
  /** Dense, depthwise or grouped, with its bias; `activation` may be fused. */
  conv(layer: Conv2d, x: T): T;
  /** 1x1 convolutions that read the same input, their outputs end to end. */
  concatenatedConv(layers: readonly Conv2d[], x: T): T;
  activate(x: T, name: ActivationName): T;
  norm(norm: Norm, x: T): T;
  add(a: T, b: T): T;
  /** `h * silu(gate)`, halves of x's channels. */
  gate(x: T): T;
  /**
   * ReLU attention over the heads of all branches of qkv laid end to end, linear or quadratic as the reference does.
   */
  attend(branches: readonly T[], headDim: number): T;
  nearestUp2(x: T): T;
  /** Every channel `repeats` times. */
  repeat(x: T, repeats: number): T;
  /** Means of `group` consecutive channels. */
  mean(x: T, group: number): T;
  pixelShuffle(x: T): T;
  pixelUnshuffle(x: T): T;
}

/**
 * The module's output in another runtime's arithmetic: diffusers' forward pass, line by line, without fusing anything
 * by hand.
 */
export function forward<T>(a: Arithmetic<T>, module: BenchModule, x: T): T {
  const normed = (norm: Norm | undefined, y: T): T => (norm ? a.norm(norm, y) : y);

  const attention = ({ headDim, toQkv, multiscale, toOut, normOut, residual }: Attention, input: T): T => {
    const qkv = a.concatenatedConv(toQkv, input);
    const branches = multiscale.map(({ projIn, projOut }) => a.conv(projOut, a.conv(projIn, qkv)));
    const out = a.norm(normOut, a.conv(toOut, a.attend([qkv, ...branches], headDim)));
    return residual ? a.add(out, input) : out;
  };
  const glumbConv = ({ convInverted, convDepth, convPoint, norm, residual }: GLUMBConv, input: T): T => {
    const gated = a.gate(a.conv(convDepth, a.activate(a.conv(convInverted, input), 'silu')));
    const out = normed(norm, a.conv(convPoint, gated));
    return residual ? a.add(out, input) : out;
  };
  const down = ({ conv, inChannels, outChannels, unshuffle, shortcut }: DCDownBlock2d, input: T): T => {
    const y = unshuffle ? a.pixelUnshuffle(a.conv(conv, input)) : a.conv(conv, input);
    return shortcut ? a.add(y, a.mean(a.pixelUnshuffle(input), (4 * inChannels) / outChannels)) : y;
  };
  const up = ({ conv, inChannels, outChannels, interpolate, shortcut }: DCUpBlock2d, input: T): T => {
    const y = interpolate ? a.conv(conv, a.nearestUp2(input)) : a.pixelShuffle(a.conv(conv, input));
    return shortcut ? a.add(y, a.pixelShuffle(a.repeat(input, (4 * outChannels) / inChannels))) : y;
  };
  const run = (part: Block | Conv2d, input: T): T => {
    switch (part.type) {
      case 'Conv2d':
        return a.conv(part, input);
      case 'ResBlock': {
        const y = a.conv(part.conv2, a.activate(a.conv(part.conv1, input), part.act));
        return a.add(a.norm(part.norm, y), input);
      }
      case 'EfficientViTBlock':
        return glumbConv(part.convOut, attention(part.attn, input));
      case 'DCDownBlock2d':
        return down(part, input);
      case 'DCUpBlock2d':
        return up(part, input);
    }
  };

  if (module.type === 'Encoder') {
    const { convIn, stages, convOut, outShortcut } = module;
    const y = [convIn, ...stages.flat()].reduce((value, part) => run(part, value), x);
    const latent = a.conv(convOut, y);
    return outShortcut ? a.add(latent, a.mean(y, convOut.inChannels / convOut.outChannels)) : latent;
  }
  if (module.type === 'Decoder') {
    const { convIn, inShortcut, stages, normOut, convAct, convOut } = module;
    const first = a.conv(convIn, x);
    const start = inShortcut ? a.add(first, a.repeat(x, convIn.outChannels / convIn.inChannels)) : first;
    const y = stages.flat().reduce((value, part) => run(part, value), start);
    return run(convOut, a.activate(a.norm(normOut, y), convAct));
  }
  if (module.type === 'RMSNorm') return a.norm(module, x);
  if (module.type === 'Attention') return attention(module, x);
  return module.type === 'GLUMBConv' ? glumbConv(module, x) : run(module, x);
}
