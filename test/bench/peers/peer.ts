import type { FixtureTensor } from '../../support/fixtures.ts';
import type { BenchModule } from '../works.ts';

/** One work in one runtime, compiled as far as the runtime does that ahead of a run. */
export interface Prepared {
  /** One run, to the end of the GPU's work. */
  run(): Promise<void>;
  /** `[N, C, H, W]` in order. */
  output(): Promise<Float32Array>;
  release(): Promise<void>;
}

/** A runtime to measure. */
export interface Peer {
  readonly version: string;
  prepare(module: BenchModule, input: FixtureTensor): Promise<Prepared>;
}
