import type { Gpu } from '../gpu/gpu.ts';
import { PipelineMap, type Pipeline } from '../gpu/pipelines.ts';
import { BufferUsage } from '../gpu/usage.ts';
import {
  affineQuads,
  tileBytes,
  weightBytes,
  weightSlices,
  type AffineSpec,
  type WeightSpec,
  type WeightType,
} from '../graph/weights.ts';
import {
  packBatchNormWeights,
  packMatrixWeights,
  packVectorWeights,
  RAW_BYTES,
  windowRows,
  type SingleDispatch,
  type RawType,
  type RowWindow,
} from '../kernels/pack.ts';
import { PackQueue } from './pack_queue.ts';
import { WeightStaging } from './weight_staging.ts';

/** A tensor of a checkpoint whose bytes are being written. */
export interface ArrivingTensor {
  readonly key: string;
  readonly dtype: RawType;
  readonly shape: readonly number[];
}

/** A checkpoint tensor's share of a weight. */
interface WeightSource {
  readonly spec: WeightSpec;
  /** The tensor's index among the spec's tensors. */
  readonly index: number;
  /** The weight's row at which the tensor starts. */
  readonly rowBase: number;
}

/** A tensor whose bytes are being written, and the window of its rows that is being filled. */
interface Arrival {
  readonly tensor: ArrivingTensor;
  readonly source: WeightSource;
  readonly rowBytes: number;
  readonly rows: number;
  /** A window's rows are a multiple of this, or all remaining rows. */
  readonly step: number;
  window: Window;
}

/** Rows of a tensor in the staging buffer, starting at byte `offset`. */
interface Window extends RowWindow {
  readonly offset: number;
}

/** The remedy when weights do not fit. */
const REMEDY = 'Load with dtype "f16" or only one of the networks, and close other tabs that use the GPU.';

/** The packed weights of a model on the GPU. Uploads a checkpoint's raw bytes and packs them with a kernel. */
export class WeightStore {
  readonly #gpu: Gpu;
  readonly #type: WeightType;
  readonly #maxBinding: number;
  readonly #buffers = new Map<string, GPUBuffer[]>();
  readonly #sources = new Map<string, WeightSource>();
  /** Batch norm's statistics, kept until all four tensors are complete. */
  readonly #statistics = new Map<string, { buffer: GPUBuffer; missing: number }>();
  readonly #pipelines = new PipelineMap<Pipeline>();
  readonly #staging: WeightStaging;
  readonly #packs: PackQueue;
  #arrival: Arrival | undefined;
  #disposed = false;

  private constructor(gpu: Gpu, type: WeightType, maxBinding: number, specs: readonly WeightSpec[]) {
    this.#gpu = gpu;
    this.#type = type;
    this.#maxBinding = maxBinding;
    const create = (label: string, size: number): GPUBuffer =>
      gpu.device.createBuffer({ label, size, usage: BufferUsage.STORAGE });
    // Slices come before any buffer: a weight that does not fit must throw before anything is allocated.
    const slicesOf = new Map(
      specs.map((spec) => [spec.id, spec.kind === 'matrix' ? weightSlices(spec, type, maxBinding) : []]),
    );
    for (const spec of specs) {
      if (spec.kind === 'matrix') {
        const slices = slicesOf.get(spec.id) ?? [];
        const buffers = slices.map(({ tiles }, i) => create(`${spec.id} ${i}`, tiles * tileBytes(spec, type)));
        this.#buffers.set(spec.id, buffers);
        let rowBase = 0;
        spec.sources.forEach(({ key, rows }, index) => {
          this.#sources.set(key, { spec, index, rowBase });
          rowBase += rows;
        });
      } else {
        this.#buffers.set(spec.id, [create(spec.id, weightBytes(spec, 'f32'))]);
        spec.keys.forEach((key, index) => this.#sources.set(key, { spec, index, rowBase: 0 }));
        if (spec.kind === 'batch_norm') {
          const buffer = create(`${spec.id} statistics`, spec.keys.length * affineQuads(spec) * 16);
          this.#statistics.set(spec.id, { buffer, missing: spec.keys.length });
        }
      }
    }
    this.#staging = new WeightStaging(gpu, maxBinding);
    this.#packs = new PackQueue(gpu, REMEDY);
  }

  /**
   * Allocates buffers for a model's weights.
   *
   * @throws DeviceError if the GPU is out of memory
   */
  static async create(
    gpu: Gpu,
    type: WeightType,
    maxBinding: number,
    specs: readonly WeightSpec[],
  ): Promise<WeightStore> {
    let store: WeightStore | undefined;
    try {
      return await gpu.checked('the weights', () => (store = new WeightStore(gpu, type, maxBinding, specs)), REMEDY);
    } catch (error) {
      store?.dispose();
      throw error;
    }
  }

  /** Bytes of packed weights on the GPU. */
  get bytes(): number {
    return [...this.#buffers.values()].flat().reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** The buffer of one slice of a packed weight, or of an affine. */
  buffer(spec: WeightSpec, slice: number): GPUBuffer {
    const buffer = this.#buffers.get(spec.id)?.[slice];
    if (!buffer) throw new RangeError(`weight ${spec.id} is not part of this model`);
    return buffer;
  }

  /**
   * Writes the next bytes of a tensor. Tensors follow one another, each from start to end, in chunks at offsets that
   * are multiples of 8. Waits if the GPU falls behind.
   */
  async write(tensor: ArrivingTensor, offset: number, bytes: Uint8Array): Promise<void> {
    const arrival = offset === 0 ? await this.#begin(tensor) : this.#arrival;
    if (arrival?.tensor.key !== tensor.key)
      throw new RangeError(`${tensor.key} does not continue the tensor before it`);
    for (let at = 0; at < bytes.length;) {
      if (offset + at === (arrival.window.first + arrival.window.rows) * arrival.rowBytes) await this.#advance(arrival);
      const { first, rows } = arrival.window;
      const inWindow = offset + at - first * arrival.rowBytes;
      const windowBytes = rows * arrival.rowBytes;
      const count = Math.min(bytes.length - at, windowBytes - inWindow);
      const [from, to] = [at, at + count];
      this.#packs.issue(() => this.#staging.write(arrival.window.offset + inWindow, bytes.subarray(from, to)));
      at += count;
      if (inWindow + count === windowBytes) this.#pack(arrival, windowBytes);
    }
  }

  /** Packs the remaining bytes and frees the buffers that only loading needs. */
  async finish(): Promise<void> {
    this.#packs.submit();
    await this.#packs.accepted;
    await this.#gpu.guard(this.#gpu.device.queue.onSubmittedWorkDone());
    this.#staging.dispose();
    this.#packs.dispose();
  }

  /** Frees everything. */
  dispose(): void {
    this.#disposed = true;
    for (const buffer of [...this.#buffers.values()].flat()) buffer.destroy();
    for (const { buffer } of this.#statistics.values()) buffer.destroy();
    this.#staging.dispose();
    this.#packs.dispose();
  }

  async #begin(tensor: ArrivingTensor): Promise<Arrival> {
    const source = this.#sources.get(tensor.key);
    if (!source) throw new RangeError(`${tensor.key} is not a weight of this model`);
    const rows = tensor.shape[0] ?? 1;
    const rowBytes = tensor.shape.slice(1).reduce((a, b) => a * b, RAW_BYTES[tensor.dtype]);
    const step = source.spec.kind === 'matrix' ? windowRows(source.spec) : rows;
    // Compiled here, so that packing itself never waits.
    await Promise.all(
      this.#dispatches(source, tensor.dtype, { first: 0, rows }).map(async ({ dispatch }) => this.#compile(dispatch)),
    );
    if (source.spec.kind === 'batch_norm') await this.#compile(packBatchNormWeights(source.spec));
    this.#assertAlive(tensor);
    this.#arrival = { tensor, source, rowBytes, rows, step, window: { first: 0, rows: 0, offset: 0 } };
    return this.#arrival;
  }

  async #compile({ shader, constants }: SingleDispatch): Promise<void> {
    if (this.#pipelines.get(shader, constants) !== undefined) return;
    this.#pipelines.set(shader, constants, await this.#gpu.guard(this.#gpu.pipelines.get(shader, constants)));
  }

  /** The packing dispatches of a window, each with the buffer that it writes. */
  #dispatches(
    source: WeightSource,
    raw: RawType,
    window: RowWindow,
  ): { dispatch: SingleDispatch; target: GPUBuffer }[] {
    const { spec, index, rowBase } = source;
    if (spec.kind === 'matrix') {
      return weightSlices(spec, this.#type, this.#maxBinding).map((slice, i) => ({
        dispatch: packMatrixWeights(spec, slice, { raw, packed: this.#type }, rowBase, window),
        target: this.buffer(spec, i),
      }));
    }
    const target = spec.kind === 'batch_norm' ? this.#statisticsOf(spec).buffer : this.buffer(spec, 0);
    return [{ dispatch: packVectorWeights(spec, raw, index), target }];
  }

  #statisticsOf(spec: AffineSpec): { buffer: GPUBuffer; missing: number } {
    const entry = this.#statistics.get(spec.id);
    if (!entry) throw new RangeError(`the statistics of ${spec.id} are complete already`);
    return entry;
  }

  /**
   * Throws after `dispose()`: an aborted load disposes of the store while this waits, and later buffers would never be
   * freed.
   */
  #assertAlive({ key }: ArrivingTensor): void {
    if (this.#disposed) throw new RangeError(`${key} came after dispose()`);
  }

  /**
   * Begins the tensor's next window, with as many rows as fit into the staging buffer, or into the next one if none
   * fits.
   */
  async #advance(arrival: Arrival): Promise<void> {
    const { rowBytes, step, window } = arrival;
    const first = window.first + window.rows;
    const left = arrival.rows - first;
    const fitting = (): number => {
      const rows = Math.floor(this.#staging.freeBytes / rowBytes);
      return left <= rows ? left : rows - (rows % step);
    };
    let rows = fitting();
    if (rows === 0) {
      this.#packs.submit();
      await this.#staging.nextBuffer(this.#packs.accepted);
      this.#assertAlive(arrival.tensor);
      rows = Math.max(fitting(), Math.min(step, left));
    }
    arrival.window = { first, rows, offset: this.#staging.take(rows * rowBytes) };
  }

  #pack({ source, tensor, window }: Arrival, bytes: number): void {
    const { spec } = source;
    const raw = { buffer: this.#staging.buffer, offset: window.offset, size: Math.ceil(bytes / 4) * 4 };
    for (const { dispatch, target } of this.#dispatches(source, tensor.dtype, window)) {
      this.#encode(dispatch, raw, target);
    }
    if (spec.kind !== 'batch_norm') return;
    const statistics = this.#statisticsOf(spec);
    if (--statistics.missing === 0) {
      this.#encode(packBatchNormWeights(spec), { buffer: statistics.buffer }, this.buffer(spec, 0));
      this.#statistics.delete(spec.id);
      this.#packs.retire(statistics.buffer);
    }
  }

  #encode(dispatch: SingleDispatch, input: GPUBufferBinding, output: GPUBuffer): void {
    const pipeline = this.#pipelines.get(dispatch.shader, dispatch.constants);
    if (!pipeline) throw new RangeError(`${dispatch.shader.name} was not compiled`);
    this.#packs.add({ dispatch, pipeline, input, output });
  }
}
