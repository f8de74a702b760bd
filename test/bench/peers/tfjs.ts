import { layerParameters, type Conv2d, type Norm } from '../../../src/model/layers.ts';
import { hashTensor } from '../../support/hash_weights.ts';
import type { BenchModule } from '../works.ts';
import { forward, type Arithmetic } from './network.ts';
import type { Peer } from './peer.ts';

/** A TF.js tensor, `[N, H, W, C]` here. */
interface Tensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface ConvOptions {
  readonly x: Tensor;
  readonly filter: Tensor;
  readonly strides: number;
  readonly pad: number;
  readonly dimRoundingMode: 'floor';
  readonly bias?: Tensor | undefined;
}

/** The part of TF.js's API that this network calls. Source: https://js.tensorflow.org/api/4.22.0/ */
interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  backend(): { device: GPUDevice; submitQueue?(): void; endComputePassEncoder?(): void; commandEncoder?: unknown };
  readonly version_core: string;
  tidy<T>(work: () => T): T;
  keep(x: Tensor): Tensor;
  tensor(data: Float32Array, shape: readonly number[]): Tensor;
  tensor1d(data: readonly number[], dtype: 'int32'): Tensor;
  ones(shape: readonly number[]): Tensor;
  transpose(x: Tensor, perm: readonly number[]): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  gather(x: Tensor, indices: Tensor, axis: number): Tensor;
  concat(x: readonly Tensor[], axis: number): Tensor;
  split(x: Tensor, sizes: readonly number[], axis: number): Tensor[];
  matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  add(a: Tensor, b: Tensor | number): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  div(a: Tensor, b: Tensor): Tensor;
  mean(x: Tensor, axis: number, keepDims?: boolean): Tensor;
  sum(x: Tensor, axis: number, keepDims?: boolean): Tensor;
  square(x: Tensor): Tensor;
  rsqrt(x: Tensor): Tensor;
  sigmoid(x: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  readonly image: { resizeNearestNeighbor(x: Tensor, size: readonly [number, number]): Tensor };
  readonly fused: { conv2d(options: ConvOptions): Tensor; depthwiseConv2d(options: ConvOptions): Tensor };
}

/** The network on TF.js; weights are made at first use and kept. */
class TfArithmetic implements Arithmetic<Tensor> {
  readonly #tf: Tf;
  readonly #weights = new Map<string, Tensor>();

  constructor(tf: Tf) {
    this.#tf = tf;
  }

  dispose(): void {
    for (const weight of this.#weights.values()) weight.dispose();
  }

  #weight(key: string, make: () => Tensor): Tensor {
    let weight = this.#weights.get(key);
    if (!weight) this.#weights.set(key, (weight = this.#tf.keep(make())));
    return weight;
  }

  /** A layer's weight as `[out, in / groups, k, k]`. */
  #oihw({ path, outChannels, inChannels, groups, kernel }: Conv2d): Tensor {
    const shape = [outChannels, inChannels / groups, kernel, kernel];
    return this.#tf.tensor(hashTensor(`${path}.weight`, shape), shape);
  }

  #vector(key: string, channels: number): Tensor {
    return this.#weight(key, () => this.#tf.tensor(hashTensor(key, [channels]), [channels]));
  }

  conv(layer: Conv2d, x: Tensor): Tensor {
    const { path, outChannels, inChannels, groups, kernel, stride } = layer;
    if (groups > 1 && groups < inChannels) return this.#grouped(layer, x);
    const options = {
      x,
      strides: stride,
      pad: (kernel - 1) / 2,
      dimRoundingMode: 'floor' as const,
      bias: layer.bias ? this.#vector(`${path}.bias`, outChannels) : undefined,
    };
    const order = groups === 1 ? [2, 3, 1, 0] : [2, 3, 0, 1];
    const filter = this.#weight(path, () => this.#tf.transpose(this.#oihw(layer), order));
    return groups === 1
      ? this.#tf.fused.conv2d({ ...options, filter })
      : this.#tf.fused.depthwiseConv2d({ ...options, filter });
  }

  /** TF.js has no grouped convolution on WebGPU: a batched product. */
  #grouped(layer: Conv2d, x: Tensor): Tensor {
    const tf = this.#tf;
    const [n = 1, height = 1, width = 1] = x.shape;
    const { groups, outChannels } = layer;
    const size = outChannels / groups;
    const weight = this.#weight(layer.path, () => tf.reshape(this.#oihw(layer), [groups, size, size]));
    const rows = tf.transpose(tf.reshape(x, [n * height * width, groups, size]), [1, 0, 2]);
    const y = tf.transpose(tf.matMul(rows, weight, false, true), [1, 0, 2]);
    return tf.reshape(y, [n, height, width, outChannels]);
  }

  concatenatedConv(layers: readonly Conv2d[], x: Tensor): Tensor {
    const tf = this.#tf;
    const key = layers.map(({ path }) => path).join();
    const filter = this.#weight(key, () =>
      tf.concat(
        layers.map((layer) => tf.transpose(this.#oihw(layer), [2, 3, 1, 0])),
        3,
      ),
    );
    return tf.fused.conv2d({ x, filter, strides: 1, pad: 0, dimRoundingMode: 'floor' });
  }

  activate(x: Tensor, name: Parameters<Arithmetic<Tensor>['activate']>[1]): Tensor {
    if (name === 'relu') return this.#tf.relu(x);
    if (name !== 'silu') throw new RangeError(`no work needs ${name}`);
    return this.#tf.mul(x, this.#tf.sigmoid(x));
  }

  norm(norm: Norm, x: Tensor): Tensor {
    const tf = this.#tf;
    if (norm.type !== 'RMSNorm') throw new RangeError('no work needs batch norm');
    const [weight, bias] = layerParameters(norm).map(({ key }) => this.#vector(key, norm.channels));
    if (!weight || !bias) throw new RangeError('a norm without bias');
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), norm.eps));
    return tf.add(tf.mul(tf.mul(x, scale), weight), bias);
  }

  add(a: Tensor, b: Tensor): Tensor {
    return this.#tf.add(a, b);
  }

  gate(x: Tensor): Tensor {
    const half = (x.shape[3] ?? 2) / 2;
    const [h, gate] = this.#tf.split(x, [half, half], 3);
    if (!h || !gate) throw new RangeError('no halves');
    return this.#tf.mul(h, this.activate(gate, 'silu'));
  }

  attend(branches: readonly Tensor[], headDim: number): Tensor {
    const tf = this.#tf;
    const [n = 1, height = 1, width = 1, channels = 1] = branches[0]?.shape ?? [];
    const tokens = height * width;
    const heads = (branches.length * channels) / (3 * headDim);
    const rows = tf.reshape(tf.concat(branches, 3), [n, tokens, heads, 3 * headDim]);
    const [q0, k0, v] = tf.split(tf.transpose(rows, [0, 2, 1, 3]), [headDim, headDim, headDim], 3);
    if (!q0 || !k0 || !v) throw new RangeError('no thirds');
    const [q, k] = [tf.relu(q0), tf.relu(k0)];
    let out: Tensor;
    if (tokens > headDim) {
      const padded = tf.concat([v, tf.ones([n, heads, tokens, 1])], 3);
      const product = tf.matMul(q, tf.matMul(k, padded, true));
      const [value, norm] = tf.split(product, [headDim, 1], 3);
      if (!value || !norm) throw new RangeError('no norm');
      out = tf.div(value, tf.add(norm, 1e-15));
    } else {
      const scores = tf.matMul(q, k, false, true);
      out = tf.matMul(tf.div(scores, tf.add(tf.sum(scores, 3, true), 1e-15)), v);
    }
    return tf.reshape(tf.transpose(out, [0, 2, 1, 3]), [n, height, width, heads * headDim]);
  }

  nearestUp2(x: Tensor): Tensor {
    const [, height = 1, width = 1] = x.shape;
    return this.#tf.image.resizeNearestNeighbor(x, [2 * height, 2 * width]);
  }

  repeat(x: Tensor, repeats: number): Tensor {
    const channels = (x.shape[3] ?? 1) * repeats;
    const indices = Array.from({ length: channels }, (_, i) => Math.floor(i / repeats));
    const list = this.#weight(`repeat ${channels} ${repeats}`, () => this.#tf.tensor1d(indices, 'int32'));
    return this.#tf.gather(x, list, 3);
  }

  mean(x: Tensor, group: number): Tensor {
    if (group === 1) return x;
    const [n = 1, height = 1, width = 1, channels = 1] = x.shape;
    return this.#tf.mean(this.#tf.reshape(x, [n, height, width, channels / group, group]), -1);
  }

  pixelShuffle(x: Tensor): Tensor {
    const [n = 1, height = 1, width = 1, channels = 1] = x.shape;
    const pairs = this.#tf.reshape(x, [n * height, width, channels / 4, 2, 2]);
    return this.#tf.reshape(this.#tf.transpose(pairs, [0, 3, 1, 4, 2]), [n, 2 * height, 2 * width, channels / 4]);
  }

  pixelUnshuffle(x: Tensor): Tensor {
    const [n = 1, height = 1, width = 1, channels = 1] = x.shape;
    const pairs = this.#tf.reshape(x, [(n * height) / 2, 2, width / 2, 2, channels]);
    return this.#tf.reshape(this.#tf.transpose(pairs, [0, 2, 4, 1, 3]), [n, height / 2, width / 2, 4 * channels]);
  }
}

/** TF.js's UMD builds put themselves here. */
function loaded(): Tf {
  const { tf }: { tf?: Tf } = globalThis as { tf?: Tf };
  if (!tf) throw new Error('TF.js did not load');
  return tf;
}

function script(url: string): Promise<unknown> {
  const element = document.createElement('script');
  element.src = url;
  return new Promise((resolve, reject) => {
    element.addEventListener('load', resolve);
    element.addEventListener('error', reject);
    document.head.append(element);
  });
}

/** TF.js on its WebGPU backend; `folder` is where its packages are served. */
export async function tfjsPeer(folder: string): Promise<Peer> {
  for (const [name, file] of [
    ['tfjs-core', 'tf-core'],
    ['tfjs-backend-cpu', 'tf-backend-cpu'],
    ['tfjs-backend-webgpu', 'tf-backend-webgpu'],
  ]) {
    await script(`${folder}/@tensorflow/${name}/dist/${file}.js`);
  }
  const tf = loaded();
  if (!(await tf.setBackend('webgpu'))) throw new Error('TF.js has no WebGPU backend here');
  await tf.ready();
  return {
    version: tf.version_core,
    prepare: (module: BenchModule, input) => {
      const arithmetic = new TfArithmetic(tf);
      const x = tf.keep(tf.tidy(() => tf.transpose(tf.tensor(input.data, input.shape), [0, 2, 3, 1])));
      const run = (): Tensor => tf.tidy(() => forward(arithmetic, module, x));
      return Promise.resolve({
        async run() {
          const y = run();
          const backend = tf.backend();
          backend.endComputePassEncoder?.();
          // what it has not submitted by itself, every 15 dispatches
          if (backend.commandEncoder) backend.submitQueue?.();
          await backend.device.queue.onSubmittedWorkDone();
          y.dispose();
        },
        async output() {
          const y = tf.tidy(() => tf.transpose(run(), [0, 3, 1, 2]));
          const data = await y.data();
          y.dispose();
          return data;
        },
        release() {
          arithmetic.dispose();
          x.dispose();
          return Promise.resolve();
        },
      });
    },
  };
}
