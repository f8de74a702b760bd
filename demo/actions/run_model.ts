/** One run of the encoder or the decoder, and its cost. */
import type { Profile, RunProgress } from 'dc-ae-webgpu';
import { decompress, type FileInfo, type PlainLatent } from 'dc-ae-webgpu/codec';
import type { LoadedModel } from '../model/load.ts';
import type { Pixels } from '../picture/types.ts';
import type { Settings } from '../state/settings.ts';
import type { RunCost } from '../state/state.ts';

/** How to run. */
export interface RunCall {
  readonly settings: Pick<Settings, 'memoryBudget' | 'profiled'>;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
}

/** Encodes a picture to a latent. The bitmap is used up. */
export async function encode(
  { ae }: LoadedModel,
  bitmap: ImageBitmap,
  { settings: { memoryBudget, profiled }, signal, onProgress }: RunCall,
): Promise<{ readonly latent: PlainLatent; readonly cost: RunCost }> {
  let profile: Profile | undefined;
  const onProfile = profiled ? (found: Profile) => (profile = found) : undefined;
  const started = performance.now();
  const { latent } = await ae.encode(bitmap, { memoryBudget, signal, onProgress, onProfile });
  try {
    const data = new Float32Array(await latent.toArray());
    const ms = performance.now() - started;
    const { shape, imageSize } = latent;
    const cost = await costOf(ae, 'encoder', shape, { memoryBudget, ms, profile });
    return { latent: { data, shape, imageSize }, cost };
  } finally {
    latent.dispose();
  }
}

/** Decodes a `.dcae` file to pixels. */
export async function decode(
  { ae }: LoadedModel,
  file: Uint8Array,
  { settings: { memoryBudget, profiled }, signal, onProgress }: RunCall,
): Promise<{ readonly pixels: Pixels; readonly info: FileInfo; readonly cost: RunCost }> {
  let profile: Profile | undefined;
  const onProfile = profiled ? (found: Profile) => (profile = found) : undefined;
  let started = 0;
  const { image: sample, info } = await decompress(ae, file, {
    as: 'sample',
    signal,
    run: { memoryBudget, onProgress, onProfile },
    onProgress: ({ phase }) => {
      if (phase === 'decode') started = performance.now();
    },
  });
  try {
    const pixels = await sample.toPixels();
    const ms = performance.now() - started;
    return { pixels, info, cost: await costOf(ae, 'decoder', info.latent, { memoryBudget, ms, profile }) };
  } finally {
    sample.dispose();
  }
}

interface Measured {
  readonly memoryBudget: number | undefined;
  readonly ms: number;
  readonly profile: Profile | undefined;
}

async function costOf(
  ae: LoadedModel['ae'],
  which: 'encoder' | 'decoder',
  [n, , rows, columns]: readonly [number, number, number, number],
  { memoryBudget, ms, profile }: Measured,
): Promise<RunCost> {
  const ratio = ae.spatialCompressionRatio;
  const plan = await ae.plan({ which, n, height: ratio * rows, width: ratio * columns, memoryBudget });
  return { ms, ...plan, profile: profile && { clock: profile.clock, stages: profile.stages } };
}
