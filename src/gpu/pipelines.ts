import { DeviceError } from '../errors.ts';
import { ShaderStage } from './usage.ts';

/** What a shader's binding holds. A uniform takes its offset when it is set, so that many dispatches share a bind group. */
export type BindingType = 'read' | 'write' | 'uniform' | 'texture' | 'image';

/** A shader and what it binds, in the order of its binding numbers, in group 0. */
export interface Shader {
  /** The shader file's name: labels and messages use it. */
  readonly name: string;
  readonly code: string;
  readonly bindings: readonly BindingType[];
}

/** A pipeline with the layout that bind groups for it are made with. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Values of a shader's `override` constants. */
export type Constants = Readonly<Record<string, number>>;

const LAYOUT_ENTRY: Record<BindingType, Omit<GPUBindGroupLayoutEntry, 'binding' | 'visibility'>> = {
  read: { buffer: { type: 'read-only-storage' } },
  write: { buffer: { type: 'storage' } },
  uniform: { buffer: { type: 'uniform', hasDynamicOffset: true } },
  texture: { texture: { sampleType: 'float' } },
  image: { storageTexture: { format: 'rgba8unorm', access: 'write-only' } },
};

/** Values by shader and constants. A shader's code, which is long, is looked up as it is: a key made with it would be a copy each time. */
export class PipelineMap<T> {
  readonly #byCode = new Map<string, Map<string, T>>();

  /** How many there are. */
  get size(): number {
    return [...this.#byCode.values()].reduce((sum, values) => sum + values.size, 0);
  }

  /** The value; `undefined` where there is none. */
  get({ code }: Shader, constants: Constants): T | undefined {
    return this.#byCode.get(code)?.get(JSON.stringify(constants));
  }

  /** Puts a value. */
  set({ code }: Shader, constants: Constants, value: T): void {
    const values = this.#byCode.get(code) ?? new Map<string, T>();
    this.#byCode.set(code, values.set(JSON.stringify(constants), value));
  }

  /** Forgets a value. */
  delete({ code }: Shader, constants: Constants): void {
    this.#byCode.get(code)?.delete(JSON.stringify(constants));
  }
}

/** Compiles each shader variant once, however many ask for it at the same time; a failed compile is forgotten. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new PipelineMap<Promise<Pipeline>>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #layouts = new Map<string, { bindGroup: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Pipelines compiled or compiling. */
  get size(): number {
    return this.#pipelines.size;
  }

  /**
   * The pipeline of a shader with these constants.
   *
   * @throws DeviceError `gpu` if the shader doesn't compile, with line, column and source
   */
  get(shader: Shader, constants: Constants): Promise<Pipeline> {
    let pipeline = this.#pipelines.get(shader, constants);
    if (!pipeline) {
      pipeline = this.#compile(shader, constants);
      this.#pipelines.set(shader, constants, pipeline);
      pipeline.catch(() => this.#pipelines.delete(shader, constants));
    }
    return pipeline;
  }

  async #compile(shader: Shader, constants: Constants): Promise<Pipeline> {
    const { bindGroup, pipeline: layout } = this.#layout(shader.bindings);
    let module = this.#modules.get(shader.code);
    if (!module) {
      module = this.#device.createShaderModule({ label: shader.name, code: shader.code });
      this.#modules.set(shader.code, module);
    }
    const label = `${shader.name} ${JSON.stringify(constants)}`;
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label,
        layout,
        compute: { module, entryPoint: 'main', constants },
      });
      return { pipeline, layout: bindGroup };
    } catch (cause) {
      const lost = await Promise.race([this.#device.lost, undefined]);
      if (lost) throw new DeviceError('device-lost', `The GPU device was lost while ${label} compiled.`, { cause });
      const { messages } = await module.getCompilationInfo();
      const lines = shader.code.split('\n');
      const report = messages.map(
        ({ lineNum, linePos, message }) =>
          `${shader.name}.wgsl:${lineNum}:${linePos}: ${message}\n  ${lines[lineNum - 1] ?? ''}`,
      );
      throw new DeviceError(
        'gpu',
        `This GPU's driver refused the shader ${label}. Please report it with the adapter's name.\n${report.join('\n')}`,
        { cause },
      );
    }
  }

  #layout(bindings: readonly BindingType[]): { bindGroup: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const key = bindings.join();
    let layout = this.#layouts.get(key);
    if (!layout) {
      const bindGroup = this.#device.createBindGroupLayout({
        label: key,
        entries: bindings.map((type, binding) => ({
          binding,
          visibility: ShaderStage.COMPUTE,
          ...LAYOUT_ENTRY[type],
        })),
      });
      layout = { bindGroup, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [bindGroup] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
