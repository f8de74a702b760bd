// The adapter's f32 multiply-add peak: the best of several kernels that touch registers only. The bodies are unrolled:
// on software adapters a loop's own step costs as much as some sixteen vec4 FMAs, and a rolled probe reads three to
// four times too low.

const SHAPES = [
  { width: 4, sums: 2, unroll: 8 },
  { width: 4, sums: 4, unroll: 4 },
  { width: 1, sums: 8, unroll: 8 },
  { width: 1, sums: 16, unroll: 8 },
  { width: 4, sums: 8, unroll: 2 },
];
const ITERATIONS = 128;
const THREADS = 64;

function shader({ width, sums, unroll }: (typeof SHAPES)[number]): string {
  const type = width === 1 ? 'f32' : `vec4<f32>`;
  const each = (line: (i: number) => string, glue = ' '): string =>
    Array.from({ length: sums }, (_, i) => line(i)).join(glue);
  const step = each((i) => `a${i} = fma(a${i}, m, a${(i + 1) % sums});`);
  return `@group(0) @binding(0) var<storage, read_write> o: array<f32>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(global_invocation_id) g: vec3<u32>) {
  ${each((i) => `var a${i} = ${type}(f32(g.x) * 0.001 + ${i}.0);`)} let m = ${type}(0.99);
  for (var i = 0u; i < ${ITERATIONS}u; i++) { ${Array<string>(unroll).fill(step).join('\n')} }
  let s = ${each((i) => `a${i}`, ' + ')};
  o[g.x] = ${width === 1 ? 's' : 's.x + s.y + s.z + s.w'};
}`;
}

/** CPU seconds that the browser or Node has used so far, all processes and threads; NaN where nobody can tell. */
export type CpuClock = () => Promise<number>;

/** The peak in GFLOP/s, and in GFLOP per CPU-second, which other load on the machine leaves alone. */
export interface Peak {
  readonly rate: number;
  readonly cpuRate: number;
}

/** A probe of the device's peak. */
export interface PeakProbe {
  /** The best of a few runs, now. */
  measure(): Promise<Peak>;
}

/** Compiles the probe and finds how much work makes each kernel run for about 40 ms. */
export async function peakProbe(device: GPUDevice, cpu: CpuClock): Promise<PeakProbe> {
  const kernels = await Promise.all(
    SHAPES.map(async (shape) => ({
      pipeline: await device.createComputePipelineAsync({
        layout: 'auto',
        compute: { module: device.createShaderModule({ code: shader(shape) }) },
      }),
      flops: ITERATIONS * shape.unroll * shape.sums * shape.width * 2,
      threads: 4096,
      best: 0,
    })),
  );
  type Kernel = (typeof kernels)[number];
  const once = async (kernel: Kernel): Promise<number> => {
    const buffer = device.createBuffer({ size: kernel.threads * 4, usage: 0x80 });
    const entries = [{ binding: 0, resource: { buffer } }];
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: kernel.pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(kernel.threads / THREADS);
    pass.end();
    const ms = await submitTime(device, encoder);
    buffer.destroy();
    const rate = (kernel.threads * kernel.flops) / ms / 1e6;
    kernel.best = Math.max(kernel.best, rate);
    return ms;
  };
  for (const kernel of kernels) {
    await once(kernel);
    while ((await once(kernel)) < 40 && kernel.threads < (65535 * THREADS) / 2) kernel.threads *= 2;
  }
  const fastest = [...kernels].sort((a, b) => b.best - a.best).slice(0, 2);
  return {
    async measure() {
      let rate = 0;
      let cpuRate = 0;
      for (const kernel of fastest) {
        const before = await cpu();
        let flops = 0;
        for (let i = 0; i < 3; i++) {
          const ms = await once(kernel);
          flops += kernel.threads * kernel.flops;
          rate = Math.max(rate, (kernel.threads * kernel.flops) / ms / 1e6);
        }
        cpuRate = Math.max(cpuRate, flops / 1e9 / ((await cpu()) - before));
      }
      return { rate, cpuRate };
    },
  };
}

/** A probe of the device's copy bandwidth. */
export interface CopyProbe {
  /** GB/s, bytes read and bytes written together; the best of a few runs, now. */
  measure(): Promise<number>;
}

const COPY_BYTES = 2 ** 26;
const COPY_SHADER = `@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(${THREADS}) fn main(@builtin(global_invocation_id) g: vec3<u32>) { let i = g.y * ${256 * THREADS}u + g.x; y[i] = x[i]; }`;

/** Compiles a kernel that copies 64 MiB. */
export async function copyProbe(device: GPUDevice): Promise<CopyProbe> {
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: COPY_SHADER }) },
  });
  return {
    async measure() {
      const buffers = [0, 1].map(() => device.createBuffer({ size: COPY_BYTES, usage: 0x80 }));
      const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
      const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
      let rate = 0;
      // Long enough that a submit's own time doesn't count.
      for (let i = 0, copies = 1; i < 5; i++) {
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        for (let j = 0; j < copies; j++) pass.dispatchWorkgroups(256, COPY_BYTES / 16 / THREADS / 256);
        pass.end();
        const ms = await submitTime(device, encoder);
        rate = Math.max(rate, (copies * 2 * COPY_BYTES) / ms / 1e6);
        if (ms < 20) copies *= 8;
      }
      for (const buffer of buffers) buffer.destroy();
      return rate;
    },
  };
}

/** Milliseconds that a submit takes by itself. */
async function submitTime(device: GPUDevice, encoder: GPUCommandEncoder): Promise<number> {
  await device.queue.onSubmittedWorkDone();
  const start = performance.now();
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  return performance.now() - start;
}
