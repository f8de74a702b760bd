/** One tensor of a checkpoint: its key in the state dict and its shape as PyTorch has it. */
interface Parameter {
  readonly key: string;
  readonly shape: readonly number[];
}

/** `nn.Conv2d` with zero padding of `(kernel - 1) / 2`, or `nn.Linear` over channels (`linear`). */
export interface Conv2d {
  readonly type: 'Conv2d';
  /** The module's path, which is the prefix of its keys. */
  readonly path: string;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Height and width of the kernel. */
  readonly kernel: number;
  readonly stride: number;
  readonly groups: number;
  readonly bias: boolean;
  /** An `nn.Linear`: the weight is stored as `[out, in]`. */
  readonly linear: boolean;
}

/** RMSNorm over channels with weight and bias. */
export interface RMSNorm {
  readonly type: 'RMSNorm';
  readonly path: string;
  readonly channels: number;
  readonly eps: number;
  readonly bias: boolean;
}

/** `nn.BatchNorm2d` at inference: running statistics, affine. */
export interface BatchNorm2d {
  readonly type: 'BatchNorm2d';
  readonly path: string;
  readonly channels: number;
  readonly eps: number;
}

/** A norm: the result of diffusers' `get_normalization` for `rms_norm` or `batch_norm`. */
export type Norm = RMSNorm | BatchNorm2d;

/** The modules that own parameters; all others are made of these. */
export type Layer = Conv2d | Norm;

/** A dense convolution; `padding` is `(kernel - 1) / 2`. */
export function conv2d(
  path: string,
  inChannels: number,
  outChannels: number,
  options: { kernel?: number; stride?: number; groups?: number; bias?: boolean; linear?: boolean } = {},
): Conv2d {
  const { kernel = 3, stride = 1, groups = 1, bias = true, linear = false } = options;
  return { type: 'Conv2d', path, inChannels, outChannels, kernel, stride, groups, bias, linear };
}

/** `nn.Linear` over channels, without bias, as everywhere in this model. */
export function linear(path: string, inChannels: number, outChannels: number): Conv2d {
  return conv2d(path, inChannels, outChannels, { kernel: 1, bias: false, linear: true });
}

/** RMSNorm with the eps of 1e-5 that the reference uses throughout. */
export function rmsNorm(path: string, channels: number, bias = true): RMSNorm {
  return { type: 'RMSNorm', path, channels, eps: 1e-5, bias };
}

/** diffusers' `get_normalization(type, channels)`. */
export function norm(type: 'rms_norm' | 'batch_norm', path: string, channels: number): Norm {
  return type === 'rms_norm' ? rmsNorm(path, channels) : { type: 'BatchNorm2d', path, channels, eps: 1e-5 };
}

function isLayer(value: object): value is Layer {
  return 'type' in value && (value.type === 'Conv2d' || value.type === 'RMSNorm' || value.type === 'BatchNorm2d');
}

/** All layers below a module, depth first. */
export function layers(module: object): Layer[] {
  if (isLayer(module)) return [module];
  return Object.values(module).flatMap((child: unknown) =>
    typeof child === 'object' && child !== null ? layers(child) : [],
  );
}

/**
 * Returns a layer's tensors, with the keys and shapes of diffusers' state dict (without `num_batches_tracked`, which
 * inference does not read).
 */
export function layerParameters(layer: Layer): Parameter[] {
  const { path } = layer;
  if (layer.type === 'Conv2d') {
    const { outChannels, inChannels, groups, kernel } = layer;
    const shape = layer.linear ? [outChannels, inChannels] : [outChannels, inChannels / groups, kernel, kernel];
    return [{ key: `${path}.weight`, shape }, ...(layer.bias ? [{ key: `${path}.bias`, shape: [outChannels] }] : [])];
  }
  const names =
    layer.type === 'BatchNorm2d'
      ? ['weight', 'bias', 'running_mean', 'running_var']
      : layer.bias
        ? ['weight', 'bias']
        : ['weight'];
  return names.map((name) => ({ key: `${path}.${name}`, shape: [layer.channels] }));
}

/** All tensors that a module needs from a checkpoint. */
export function parameters(module: object): Parameter[] {
  return layers(module).flatMap(layerParameters);
}
