import type { Gpu } from '../gpu/gpu.ts';
import type { Pipeline } from '../gpu/pipelines.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Dispatch, Resource } from '../kernels/dispatch.ts';
import type { DispatchStep } from '../plan/plan.ts';
import type { WeightStore } from './weight_store.ts';

/** A dispatch with its GPU objects, ready to encode. */
export interface Command {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  /** Offset of the dispatch's params in the params buffer, in bytes. */
  readonly offset: readonly [number];
  readonly grid: readonly [number, number, number];
  readonly flops: number;
}

/** The buffers that dispatches bind. */
export interface CommandResources {
  /** Holds the params of all dispatches; those of dispatch `i` lie at `i * paramStride` bytes. */
  readonly params: GPUBuffer;
  readonly paramStride: number;
  readonly bufferOf: (tensor: Tensor) => GPUBuffer;
  readonly weights: WeightStore;
}

/**
 * Compiles the pipelines of dispatches.
 *
 * @returns a function that writes the params and makes bind groups; dispatches that bind the same buffers share one
 *
 * @throws DeviceError if a shader doesn't compile, or the device is lost
 */
export async function prepareDispatches(
  gpu: Gpu,
  steps: readonly DispatchStep[],
): Promise<(surroundings: CommandResources) => Command[]> {
  const compiled = new Map<string, Pipeline>();
  const shaders = new Map<unknown, number>();
  const keyOf = ({ shader, constants }: Dispatch): string => {
    const number = shaders.get(shader) ?? shaders.size;
    shaders.set(shader, number);
    return `${number} ${JSON.stringify(constants)}`;
  };
  const kinds = new Map(steps.map(({ dispatch }) => [keyOf(dispatch), dispatch]));
  await gpu.guard(
    Promise.all(
      [...kinds].map(async ([key, { shader, constants }]) => {
        compiled.set(key, await gpu.pipelines.get(shader, constants));
      }),
    ),
  );

  return ({ params, paramStride, bufferOf, weights }) => {
    const bytes = new Uint8Array(params.size);
    const groups = new Map<string, GPUBindGroup>();
    const buffers = new Map<GPUBuffer, number>();
    const bind = (resource: Resource): GPUBuffer => {
      if (resource.kind === 'none') return gpu.unused;
      if (resource.kind === 'weight') return weights.buffer(resource.spec, resource.slice);
      return bufferOf(resource.tensor);
    };
    const numberOf = (buffer: GPUBuffer): number => {
      const number = buffers.get(buffer) ?? buffers.size;
      buffers.set(buffer, number);
      return number;
    };
    const commands = steps.map(({ dispatch, flops }, i): Command => {
      const { shader, resources, params: own, grid, label } = dispatch;
      bytes.set(new Uint8Array(own), i * paramStride);
      const target = compiled.get(keyOf(dispatch));
      if (!target) throw new RangeError(`${shader.name} was not compiled`);
      const bound = resources.map(bind);
      const key = `${shader.bindings.join()} ${own.byteLength} ${bound.map(numberOf).join()}`;
      let bindGroup = groups.get(key);
      if (!bindGroup) {
        const entries: GPUBindGroupEntry[] = bound.map((buffer, binding) => ({ binding, resource: { buffer } }));
        entries.push({ binding: entries.length, resource: { buffer: params, size: own.byteLength } });
        bindGroup = gpu.device.createBindGroup({ label: `${label} ${shader.name}`, layout: target.layout, entries });
        groups.set(key, bindGroup);
      }
      return { pipeline: target.pipeline, bindGroup, offset: [i * paramStride], grid, flops };
    });
    gpu.device.queue.writeBuffer(params, 0, bytes);
    return commands;
  };
}
