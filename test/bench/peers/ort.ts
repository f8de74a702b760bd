import type { BenchModule } from '../works.ts';
import { onnxModel } from './onnx.ts';
import type { Peer } from './peer.ts';

interface Tensor {
  getData(): Promise<Float32Array>;
  dispose(): void;
}

interface InferenceSession {
  readonly outputNames: readonly string[];
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** The part of ONNX Runtime Web's API that is called here. Source: https://onnxruntime.ai/docs/api/js/ */
interface Ort {
  readonly env: {
    readonly versions: { readonly web?: string };
    readonly wasm: { wasmPaths?: string; numThreads?: number };
    readonly webgpu: { readonly device: Promise<GPUDevice> };
    logLevel?: string;
  };
  readonly InferenceSession: {
    create(model: Uint8Array, options: Record<string, unknown>): Promise<InferenceSession>;
  };
  readonly Tensor: {
    new (type: 'float32', data: Float32Array, dims: readonly number[]): Tensor;
    fromGpuBuffer(buffer: GPUBuffer, options: { dataType: 'float32'; dims: readonly number[] }): Tensor;
  };
}

/** ONNX Runtime Web: `webgpu` with inputs and outputs that stay on the GPU, or `wasm` on one thread. */
export async function ortPeer(folder: string, provider: 'webgpu' | 'wasm'): Promise<Peer> {
  const dist = `${folder}/onnxruntime-web/dist/`;
  const ort = (await import(/* @vite-ignore */ `${dist}ort.${provider}.mjs`)) as Ort;
  ort.env.wasm.wasmPaths = dist;
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const onGpu = provider === 'webgpu';
  return {
    version: ort.env.versions.web ?? '?',
    async prepare(module: BenchModule, { shape, data }) {
      const session = await ort.InferenceSession.create(onnxModel(module, shape), {
        executionProviders: [provider],
        graphOptimizationLevel: 'all',
        ...(onGpu && { preferredOutputLocation: 'gpu-buffer' }),
      });
      let x = new ort.Tensor('float32', data, shape);
      let buffer: GPUBuffer | undefined;
      if (onGpu) {
        const device = await ort.env.webgpu.device;
        buffer = device.createBuffer({ size: data.byteLength, usage: 0x80 | 0x08 | 0x04 });
        device.queue.writeBuffer(buffer, 0, data);
        x = ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: shape });
      }
      const run = async (): Promise<Tensor> => {
        const results = await session.run({ x });
        const y = results[session.outputNames[0] ?? ''];
        if (!y) throw new Error('ONNX Runtime gave no output');
        return y;
      };
      return {
        async run() {
          const y = await run();
          if (onGpu) await (await ort.env.webgpu.device).queue.onSubmittedWorkDone();
          y.dispose();
        },
        async output() {
          const y = await run();
          const values = await y.getData();
          y.dispose();
          return values;
        },
        async release() {
          await session.release();
          buffer?.destroy();
        },
      };
    },
  };
}
