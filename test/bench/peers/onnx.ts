import { layerParameters } from '../../../src/model/layers.ts';
import { hashTensor } from '../../support/hash_weights.ts';
import type { BenchModule } from '../works.ts';
import { forward, type Arithmetic } from './network.ts';
import { message, type Field } from './protobuf.ts';

// Field numbers and enum values: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const FLOAT = 1;
const INT64 = 7;
const OPSET = 17; // the last whose ReduceMean takes its axes as an attribute
const IR_VERSION = 8;

/** A value of the graph, `[N, C, H, W]`. */
interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

type Attribute = number | string | readonly number[];

function attribute(name: string, value: Attribute): Field {
  const common: Field[] = [[1, name]];
  if (typeof value === 'number') return [5, [...common, [3, value], [20, 2]]];
  if (typeof value === 'string') return [5, [...common, [4, value], [20, 3]]];
  return [5, [...common, ...value.map((item): Field => [8, item]), [20, 7]]];
}

function valueInfo({ name, shape }: Value): Field[] {
  const dims = shape.map((size): Field => [1, [[1, size]]]);
  return [
    [1, name],
    [
      2,
      [
        [
          1,
          [
            [1, FLOAT],
            [2, dims],
          ],
        ],
      ],
    ],
  ];
}

/** Collects nodes and initializers. */
class OnnxGraph implements Arithmetic<Value> {
  readonly nodes: Field[] = [];
  readonly initializers: Field[] = [];
  #values = 0;

  node(type: string, inputs: readonly string[], shape: readonly number[], attributes: Record<string, Attribute> = {}) {
    const name = `v${this.#values++}`;
    this.nodes.push([
      1,
      [
        ...inputs.map((input): Field => [1, input]),
        [2, name],
        [3, name],
        [4, type],
        ...Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      ],
    ]);
    return { name, shape };
  }

  constant(data: Float32Array | readonly number[], shape: readonly number[]): string {
    const name = `c${this.#values++}`;
    const floats = data instanceof Float32Array;
    const raw = floats ? data : BigInt64Array.from(data, BigInt);
    const bytes = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
    const dims = shape.map((size): Field => [1, size]);
    this.initializers.push([5, [...dims, [2, floats ? FLOAT : INT64], [8, name], [9, bytes]]]);
    return name;
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return this.node('Reshape', [x.name, this.constant(shape, [shape.length])], shape);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return this.node(
      'Transpose',
      [x.name],
      perm.map((axis) => x.shape[axis] ?? 1),
      { perm },
    );
  }

  split(x: Value, axis: number, sizes: readonly number[]): Value[] {
    const names = sizes.map(() => `v${this.#values++}`);
    const inputs = [x.name, this.constant(sizes, [sizes.length])];
    this.nodes.push([
      1,
      [
        ...inputs.map((name): Field => [1, name]),
        ...names.map((name): Field => [2, name]),
        [4, 'Split'],
        attribute('axis', axis),
      ],
    ]);
    return names.map((name, i) => ({ name, shape: x.shape.map((size, at) => (at === axis ? (sizes[i] ?? 1) : size)) }));
  }

  binary(type: string, a: Value, b: string): Value {
    return this.node(type, [a.name, b], a.shape);
  }

  concatenatedConv(layers: Parameters<Arithmetic<Value>['concatenatedConv']>[0], x: Value): Value {
    const [first] = layers;
    if (!first) throw new RangeError('no layers');
    const [n = 1, , height = 1, width = 1] = x.shape;
    const { kernel, stride, groups, inChannels } = first;
    const rows = layers.reduce((sum, { outChannels }) => sum + outChannels, 0);
    const each = (part: 'weight' | 'bias'): Float32Array => {
      const tensors = layers.flatMap((layer) =>
        layerParameters(layer)
          .filter(({ key }) => key.endsWith(part))
          .map(({ key, shape }) => hashTensor(key, shape)),
      );
      const all = new Float32Array(tensors.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const tensor of tensors) {
        all.set(tensor, at);
        at += tensor.length;
      }
      return all;
    };
    const weight = this.constant(each('weight'), [rows, inChannels / groups, kernel, kernel]);
    const bias = first.bias ? [this.constant(each('bias'), [rows])] : [];
    const padding = (kernel - 1) / 2;
    const shape = [n, rows, Math.ceil(height / stride), Math.ceil(width / stride)];
    return this.node('Conv', [x.name, weight, ...bias], shape, {
      kernel_shape: [kernel, kernel],
      pads: [padding, padding, padding, padding],
      strides: [stride, stride],
      group: groups,
    });
  }

  conv(layer: Parameters<Arithmetic<Value>['conv']>[0], x: Value): Value {
    return this.concatenatedConv([layer], x);
  }

  activate(x: Value, name: Parameters<Arithmetic<Value>['activate']>[1]): Value {
    if (name === 'relu') return this.node('Relu', [x.name], x.shape);
    if (name !== 'silu') throw new RangeError(`no work needs ${name}`);
    return this.binary('Mul', x, this.node('Sigmoid', [x.name], x.shape).name);
  }

  norm(norm: Parameters<Arithmetic<Value>['norm']>[0], x: Value): Value {
    if (norm.type !== 'RMSNorm') throw new RangeError('no work needs batch norm');
    const [weight, bias] = layerParameters(norm).map(({ key, shape }) =>
      this.constant(hashTensor(key, shape), [norm.channels, 1, 1]),
    );
    const pixels = x.shape.map((size, axis) => (axis === 1 ? 1 : size));
    const mean = this.node('ReduceMean', [this.binary('Mul', x, x.name).name], pixels, { axes: [1], keepdims: 1 });
    const root = this.node(
      'Sqrt',
      [this.binary('Add', mean, this.constant(Float32Array.of(norm.eps), [])).name],
      pixels,
    );
    return this.binary('Add', this.binary('Mul', this.binary('Div', x, root.name), weight ?? ''), bias ?? '');
  }

  add(a: Value, b: Value): Value {
    return this.binary('Add', a, b.name);
  }

  gate(x: Value): Value {
    const half = (x.shape[1] ?? 2) / 2;
    const [h, gate] = this.split(x, 1, [half, half]);
    if (!h || !gate) throw new RangeError('no halves');
    return this.binary('Mul', h, this.activate(gate, 'silu').name);
  }

  attend(branches: readonly Value[], headDim: number): Value {
    const [n = 1, channels = 1, height = 1, width = 1] = branches[0]?.shape ?? [];
    const tokens = height * width;
    const heads = (branches.length * channels) / (3 * headDim);
    const names = branches.map(({ name }) => name);
    const all = names.length > 1 ? this.node('Concat', names, [], { axis: 1 }) : { name: names[0] ?? '', shape: [] };
    const rows = this.reshape(all, [n, heads, 3 * headDim, tokens]);
    const [q0, k0, v] = this.split(rows, 2, [headDim, headDim, headDim]);
    if (!q0 || !k0 || !v) throw new RangeError('no thirds');
    const q = this.activate(q0, 'relu');
    const kT = this.transpose(this.activate(k0, 'relu'), [0, 1, 3, 2]);
    const epsilon = this.constant(Float32Array.of(1e-15), []);
    let out: Value;
    if (tokens > headDim) {
      const ones = this.constant(new Float32Array(n * heads * tokens).fill(1), [n, heads, 1, tokens]);
      const padded = this.node('Concat', [v.name, ones], [n, heads, headDim + 1, tokens], { axis: 2 });
      const sums = this.node('MatMul', [padded.name, kT.name], [n, heads, headDim + 1, headDim]);
      const product = this.node('MatMul', [sums.name, q.name], [n, heads, headDim + 1, tokens]);
      const [value, norm] = this.split(product, 2, [headDim, 1]);
      if (!value || !norm) throw new RangeError('no norm');
      out = this.binary('Div', value, this.binary('Add', norm, epsilon).name);
    } else {
      const scores = this.node('MatMul', [kT.name, q.name], [n, heads, tokens, tokens]);
      const norm = this.node('ReduceSum', [scores.name, this.constant([2], [1])], [n, heads, 1, tokens], {
        keepdims: 1,
      });
      const shares = this.binary('Div', scores, this.binary('Add', norm, epsilon).name);
      out = this.node('MatMul', [v.name, shares.name], [n, heads, headDim, tokens]);
    }
    return this.reshape(out, [n, heads * headDim, height, width]);
  }

  nearestUp2(x: Value): Value {
    const [n = 1, c = 1, height = 1, width = 1] = x.shape;
    const scales = this.constant(Float32Array.of(1, 1, 2, 2), [4]);
    return this.node('Resize', [x.name, '', scales], [n, c, 2 * height, 2 * width], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
  }

  repeat(x: Value, repeats: number): Value {
    const [n = 1, c = 1, height = 1, width = 1] = x.shape;
    const column = this.reshape(x, [n, c, 1, height * width]);
    const shape = [n, c, repeats, height * width];
    const expanded = this.node('Expand', [column.name, this.constant(shape, [4])], shape);
    return this.reshape(expanded, [n, c * repeats, height, width]);
  }

  mean(x: Value, group: number): Value {
    if (group === 1) return x;
    const [n = 1, c = 1, height = 1, width = 1] = x.shape;
    const grouped = this.reshape(x, [n, c / group, group, height * width]);
    const mean = this.node('ReduceMean', [grouped.name], [n, c / group, height * width], { axes: [2], keepdims: 0 });
    return this.reshape(mean, [n, c / group, height, width]);
  }

  pixelShuffle(x: Value): Value {
    const [n = 1, c = 1, height = 1, width = 1] = x.shape;
    const shape = [n, c / 4, 2 * height, 2 * width];
    return this.node('DepthToSpace', [x.name], shape, { blocksize: 2, mode: 'CRD' });
  }

  pixelUnshuffle(x: Value): Value {
    const [n = 1, c = 1, height = 1, width = 1] = x.shape;
    const pairs = this.reshape(x, [n, c, height / 2, 2, width / 2, 2]);
    return this.reshape(this.transpose(pairs, [0, 1, 3, 5, 2, 4]), [n, 4 * c, height / 2, width / 2]);
  }
}

/**
 * A module as an ONNX file with one input, `x`, and one output, with hash-generated weights, in the operators that a
 * PyTorch export of diffusers' code gives.
 */
export function onnxModel(module: BenchModule, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const graph = new OnnxGraph();
  const x = { name: 'x', shape };
  const y = forward(graph, module, x);
  return message([
    [1, IR_VERSION],
    [8, [[2, OPSET]]],
    [7, [...graph.nodes, [2, module.type], ...graph.initializers, [11, valueInfo(x)], [12, valueInfo(y)]]],
  ]);
}
