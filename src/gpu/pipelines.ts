import { DeviceError } from '../errors.ts';
import { ShaderStage } from './usage.ts';

/** The kind of a shader's binding. A uniform has a dynamic offset, so many dispatches share a bind group. */
export type BindingType = 'read' | 'write' | 'uniform' | 'texture' | 'image';

/** A shader and its bindings in group 0, in the order of their numbers. */
export interface Shader {
  /** The name of the shader file, for labels and messages. */
  readonly name: string;
  readonly code: string;
  readonly bindings: readonly BindingType[];
}

/** A pipeline and the layout of its bind group. */
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

/**
 * Values by shader and constants. The code itself is a key of the outer map; a combined key would copy it for every
 * lookup.
 */
export class PipelineMap<T> {
  readonly #byCode = new Map<string, Map<string, T>>();

  /** Number of values. */
  get size(): number {
    return [...this.#byCode.values()].reduce((sum, values) => sum + values.size, 0);
  }

  /** Returns the value, or `undefined` if there is none. */
  get({ code }: Shader, constants: Constants): T | undefined {
    return this.#byCode.get(code)?.get(JSON.stringify(constants));
  }

  /** Sets a value. */
  set({ code }: Shader, constants: Constants, value: T): void {
    const values = this.#byCode.get(code) ?? new Map<string, T>();
    this.#byCode.set(code, values.set(JSON.stringify(constants), value));
  }

  /** Deletes a value. */
  delete({ code }: Shader, constants: Constants): void {
    this.#byCode.get(code)?.delete(JSON.stringify(constants));
  }
}

/**
 * Compiles each shader variant once, also if several callers request it at the same time. A failed compile is not kept.
 */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #pipelines = new PipelineMap<Promise<Pipeline>>();
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #layouts = new Map<string, { bindGroup: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Number of pipelines that are compiled or compiling. */
  get size(): number {
    return this.#pipelines.size;
  }

  /**
   * Returns the pipeline of a shader with these constants.
   *
   * @throws DeviceError `gpu` if the shader does not compile, with line, column and source; `device-lost` if the device
   *   is lost
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
    this.#device.pushErrorScope('validation');
    const { bindGroup, pipeline: layout } = this.#layout(shader.bindings);
    const module = this.#module(shader);
    this.#device.popErrorScope().catch(() => undefined); // creating the pipeline reports the error
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
        `The GPU driver rejected the shader ${label}. Please report this with the name of the GPU.\n` +
          report.join('\n'),
        { cause },
      );
    }
  }

  #module({ name, code }: Shader): GPUShaderModule {
    const module = this.#modules.get(code) ?? this.#device.createShaderModule({ label: name, code });
    this.#modules.set(code, module);
    return module;
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
