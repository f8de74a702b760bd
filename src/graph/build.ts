import type { ActivationName } from '../config/config.ts';
import { InputError } from '../errors.ts';
import type { Decoder, Encoder } from '../model/autoencoder.ts';
import type {
  Attention,
  Block,
  DCDownBlock2d,
  DCUpBlock2d,
  GLUMBConv,
  MultiscaleProjection,
  ResBlock,
} from '../model/blocks.ts';
import type { Conv2d, Norm } from '../model/layers.ts';
import { IDENTITY, tensorsOf, type Branches, type ConvOp, type ChannelShuffle, type Op } from './ops.ts';
import { rectOf } from './rects.ts';
import { channelsOf, quadsOf, type ChannelLayout, type StorageType, type Tensor } from './tensor.ts';
import { biasVector, denseWeight, depthwiseWeight, groupedWeight, normVectors } from './weights.ts';

/** A network as a list of ops in the order in which they run. */
export interface Graph {
  readonly ops: readonly Op[];
  readonly input: Tensor;
  readonly output: Tensor;
}

/** Size of a graph's input: pictures, and pixels of an image or of a latent. */
export interface InputSize {
  readonly n: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Approximate number of tokens in one partial sum of linear attention. A small image needs enough sums to run in
 * parallel, a larger one few. The maximum keeps the regions of a very large image small, since they contain whole
 * spans.
 */
const SPAN = { least: 256, most: 1024, count: 16 };
/** The most partial sums that the second pass adds itself. More take a pass of their own. */
const FEW_SPANS = 16;
/** The most quads of a head in shaders/multiscale.wgsl. */
export const MULTISCALE_QUADS = 64;

/** Converts modules to ops. Each method adds the ops of a module and returns its output. */
export class GraphBuilder {
  readonly ops: Op[] = [];
  readonly #storage: StorageType;
  #tensors = 0;
  /** Start of error messages that names the network's input. */
  #whose: string | undefined;

  /** @param storage - storage type of activations, unless a method is given another */
  constructor(storage: StorageType = 'f32') {
    this.#storage = storage;
  }

  /** Creates a tensor at the image's origin. */
  tensor(label: string, size: InputSize, layout: ChannelLayout, storage = this.#storage): Tensor {
    const { n, height, width } = size;
    return { id: this.#tensors++, label, n, height, width, layout, storage, origin: { y: 0, x: 0 } };
  }

  /** Adds a dense convolution with its epilogue. The output's size follows from the input's size and from `store`. */
  conv(
    conv: Conv2d,
    x: Tensor,
    options: Partial<Pick<ConvOp, 'upsample' | 'activation' | 'store' | 'shortcut' | 'affine' | 'weight'>> & {
      layout?: ChannelLayout;
      storage?: StorageType | undefined;
    } = {},
  ): Tensor {
    const { store = 'plain', upsample = false } = options;
    const phases = store === 'shuffle' ? 4 : 1;
    const size = (pixels: number): number => {
      const out = Math.ceil((upsample ? 2 * pixels : pixels) / conv.stride);
      return store === 'shuffle' ? 2 * out : store === 'unshuffle' ? out / 2 : out;
    };
    const channels =
      store === 'shuffle' ? conv.outChannels / 4 : store === 'unshuffle' ? 4 * conv.outChannels : conv.outChannels;
    const shape = { n: x.n, height: size(x.height), width: size(x.width) };
    const y = this.tensor(conv.path, shape, options.layout ?? channelsOf(channels), options.storage);
    this.ops.push({
      type: 'conv',
      label: conv.path,
      rect: rectOf(y),
      x,
      y,
      weight: options.weight ?? denseWeight([conv], x.layout, { phases }),
      affine: options.affine ?? (conv.bias ? biasVector(conv, phases) : undefined),
      kernel: conv.kernel,
      stride: conv.stride,
      upsample,
      activation: options.activation,
      store,
      shortcut: options.shortcut,
      norm: undefined,
      algorithm: 'direct',
    });
    return y;
  }

  /** Adds a depthwise convolution. With `gated`, GLUMBConv's gate follows, which halves the channels. */
  depthwise(conv: Conv2d, x: Tensor, gated = false): Tensor {
    const layout = gated ? channelsOf(conv.outChannels / 2) : x.layout;
    const y = this.tensor(conv.path, x, layout);
    const bias = conv.bias ? biasVector(conv) : undefined;
    const weight = depthwiseWeight(conv, x.layout);
    const { kernel, path: label } = conv;
    this.ops.push({ type: 'depthwise', label, rect: rectOf(y), x, y, weight, bias, kernel, gated });
    return y;
  }

  /** Adds a grouped 1x1 convolution over x's channel groups. */
  grouped(conv: Conv2d, x: Tensor): Tensor {
    const y = this.tensor(conv.path, x, x.layout);
    const weight = groupedWeight(conv, x.layout);
    this.ops.push({ type: 'grouped', label: conv.path, rect: rectOf(y), x, y, weight });
    return y;
  }

  /** Adds a norm, then an activation, then a residual. */
  norm(norm: Norm, x: Tensor, options: { activation?: ActivationName; residual?: Tensor } = {}): Tensor {
    const y = this.tensor(norm.path, x, x.layout);
    const common = {
      label: norm.path,
      rect: rectOf(y),
      x,
      y,
      affine: normVectors(norm),
      activation: options.activation,
    };
    if (norm.type === 'RMSNorm') this.ops.push({ type: 'rms-norm', ...common, residual: options.residual });
    else this.ops.push({ type: 'resample', ...common, shuffle: IDENTITY });
    return y;
  }

  /**
   * Adds `norm(conv(x))` and a residual. Batch norm is part of the convolution's epilogue, RMSNorm an op of its own.
   */
  convNorm(conv: Conv2d, x: Tensor, norm: Norm | undefined, residual: Tensor | undefined): Tensor {
    const shortcut = residual && { source: residual, shuffle: IDENTITY };
    if (norm === undefined) return this.conv(conv, x, { shortcut });
    if (norm.type === 'BatchNorm2d') return this.conv(conv, x, { affine: normVectors(norm), shortcut });
    return this.norm(norm, this.conv(conv, x), residual && { residual });
  }

  /** Adds a channel shuffle to `channels` channels. The output's size follows from the shuffle. */
  resample(label: string, x: Tensor, channels: number, shuffle: ChannelShuffle, activation?: ActivationName): Tensor {
    const scale = shuffle.pixelShuffle || shuffle.upsampleNearest ? 2 : shuffle.pixelUnshuffle ? 0.5 : 1;
    const y = this.tensor(label, { n: x.n, height: x.height * scale, width: x.width * scale }, channelsOf(channels));
    this.ops.push({ type: 'resample', label, rect: rectOf(y), x, y, shuffle, affine: undefined, activation });
    return y;
  }

  resBlock({ conv1, act, conv2, norm }: ResBlock, x: Tensor): Tensor {
    return this.convNorm(conv2, this.conv(conv1, x, { activation: act }), norm, x);
  }

  attention(attn: Attention, x: Tensor): Tensor {
    const { heads, headDim, toQkv, multiscale, toOut, normOut } = attn;
    const layout = { channels: 3 * heads * headDim, group: headDim };
    const weight = denseWeight(toQkv, x.layout, { rowGroup: headDim });
    const qkv = this.conv(toQkv[0], x, { weight, layout });
    const branches = [qkv, ...multiscale.map((projection) => this.multiscale(projection, qkv))];
    const out = this.tensor(`${toOut.path}.input`, x, { channels: branches.length * heads * headDim, group: headDim });
    branches.forEach((branch, i) => {
      if (i % 2 === 0) this.#attend([branch, branches[i + 1]], out, i * heads);
    });
    return this.convNorm(toOut, out, normOut, attn.residual ? x : undefined);
  }

  /** Adds a multi-scale branch of qkv. */
  multiscale({ projIn, projOut }: MultiscaleProjection, qkv: Tensor): Tensor {
    if (quadsOf(channelsOf(qkv.layout.group)) > MULTISCALE_QUADS)
      return this.grouped(projOut, this.depthwise(projIn, qkv));
    const y = this.tensor(projOut.path, qkv, qkv.layout);
    const depthwise = depthwiseWeight(projIn, qkv.layout);
    const weight = groupedWeight(projOut, qkv.layout);
    const { path: label } = projOut;
    this.ops.push({ type: 'multiscale', label, rect: rectOf(y), x: qkv, y, depthwise, weight, kernel: projIn.kernel });
    return y;
  }

  /**
   * Adds attention of one or two branches, which writes heads of `y`. As in the reference, it is quadratic if tokens <=
   * head dimension.
   */
  #attend(branches: Branches, y: Tensor, firstHead: number): void {
    const [{ n, height, width, layout, label }] = branches;
    const { channels, group: headDim } = layout;
    const tokens = height * width;
    if (tokens <= headDim) {
      this.ops.push({ type: 'attention-quadratic', label, rect: rectOf(y), branches, y, firstHead });
      return;
    }
    const span = Math.min(SPAN.most, Math.max(SPAN.least, tokens / SPAN.count));
    const spanRows = Math.max(1, Math.ceil(span / width));
    const spans = Math.ceil(height / spanRows);
    const heads = (tensorsOf(branches).length * channels) / (3 * headDim);
    const rows = 4 * quadsOf(channelsOf(headDim)) + 1;
    const shape = { n: spans, height: n * heads, width: rows };
    const partial = this.tensor(`${label}.sums`, shape, channelsOf(headDim), 'f32');
    this.ops.push({ type: 'attention-sums', label, rect: rectOf(branches[0]), branches, y: partial, spanRows });
    let sums = partial;
    if (spans > FEW_SPANS) {
      sums = this.tensor(`${label}.sums`, { ...shape, n: 1 }, channelsOf(headDim), 'f32');
      this.ops.push({ type: 'attention-reduce', label, rect: rectOf(sums), x: partial, y: sums });
    }
    this.ops.push({ type: 'attention-apply', label, rect: rectOf(y), branches, sums, y, firstHead });
  }

  glumbConv({ convInverted, convDepth, convPoint, norm, residual }: GLUMBConv, x: Tensor): Tensor {
    const expanded = this.conv(convInverted, x, { activation: 'silu' });
    return this.convNorm(convPoint, this.depthwise(convDepth, expanded, true), norm, residual ? x : undefined);
  }

  down({ conv, inChannels, outChannels, unshuffle, shortcut }: DCDownBlock2d, x: Tensor): Tensor {
    if ((unshuffle || shortcut) && (x.height % 2 === 1 || x.width % 2 === 1)) {
      throw new InputError(
        `${this.#whose ?? ''}${conv.path} would have to halve ${x.height} x ${x.width} pixels. Pad or crop ` +
          'to even sides; a picture ' +
          '(ImageData, a canvas, ...) is padded by itself.',
      );
    }
    const shuffle: ChannelShuffle = { ...IDENTITY, group: (4 * inChannels) / outChannels, pixelUnshuffle: true };
    return this.conv(conv, x, {
      store: unshuffle ? 'unshuffle' : 'plain',
      shortcut: shortcut ? { source: x, shuffle } : undefined,
    });
  }

  up({ conv, inChannels, outChannels, interpolate, shortcut }: DCUpBlock2d, x: Tensor, storage?: StorageType): Tensor {
    const shuffle: ChannelShuffle = { ...IDENTITY, repeats: (4 * outChannels) / inChannels, pixelShuffle: true };
    return this.conv(conv, x, {
      store: interpolate ? 'plain' : 'shuffle',
      upsample: interpolate,
      storage,
      shortcut: shortcut ? { source: x, shuffle } : undefined,
    });
  }

  block(block: Block, x: Tensor): Tensor {
    switch (block.type) {
      case 'ResBlock':
        return this.resBlock(block, x);
      case 'EfficientViTBlock':
        return this.glumbConv(block.convOut, this.attention(block.attn, x));
      case 'DCDownBlock2d':
        return this.down(block, x);
      case 'DCUpBlock2d':
        return this.up(block, x);
    }
  }

  encoder({ convIn, stages, convOut, outShortcut }: Encoder, image: Tensor): Tensor {
    const halvings = [convIn, ...stages.flat()].filter(({ type }) => type === 'DCDownBlock2d').length;
    const { height, width } = image;
    this.#whose = `An image of ${height} x ${width} doesn't fit this network, whose images' sides are multiples of ${2 ** halvings}: `;
    let x = convIn.type === 'Conv2d' ? this.conv(convIn, image) : this.down(convIn, image);
    for (const block of stages.flat()) x = this.block(block, x);
    const group = convOut.inChannels / convOut.outChannels;
    return this.conv(convOut, x, {
      storage: 'f32',
      shortcut: outShortcut ? { source: x, shuffle: { ...IDENTITY, group } } : undefined,
    });
  }

  decoder({ convIn, inShortcut, stages, normOut, convAct, convOut }: Decoder, latent: Tensor): Tensor {
    const repeats = convIn.outChannels / convIn.inChannels;
    let x = this.conv(convIn, latent, {
      shortcut: inShortcut ? { source: latent, shuffle: { ...IDENTITY, repeats } } : undefined,
    });
    for (const block of stages.flat()) x = this.block(block, x);
    x = this.norm(normOut, x, { activation: convAct });
    return convOut.type === 'Conv2d' ? this.conv(convOut, x, { storage: 'f32' }) : this.up(convOut, x, 'f32');
  }
}

/**
 * Builds the graph of a network for inputs of a size: `[n, height, width]` of an image or of a latent.
 *
 * @param storage - storage type of the tensors between ops; input and output are f32
 * @throws InputError if the network cannot take the size
 */
export function buildGraph(network: Encoder | Decoder, size: InputSize, storage: StorageType = 'f32'): Graph {
  const builder = new GraphBuilder(storage);
  const channels = network.convIn.type === 'Conv2d' ? network.convIn.inChannels : network.convIn.conv.inChannels;
  const input = builder.tensor('input', size, channelsOf(channels), 'f32');
  const output = network.type === 'Encoder' ? builder.encoder(network, input) : builder.decoder(network, input);
  return { ops: builder.ops, input, output };
}
