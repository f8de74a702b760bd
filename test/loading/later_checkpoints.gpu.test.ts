// Checkpoints that came after the DC-AE paper load and run: narrow ones, with weights made by hash.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AutoencoderDC } from '../../src/index.ts';
import { watchedDevice, type WatchedDevice } from '../support/device.ts';
import { readBytes } from '../support/fixtures.ts';
import { hashSource } from '../support/hash_source.ts';
import { NANO } from '../support/nano.ts';
import { memorySource } from '../support/sources.ts';

let watched: WatchedDevice;
beforeAll(async () => {
  watched = await watchedDevice();
});
afterAll(() => watched.device.destroy());

const resBlocks = (widths: readonly number[]) => ({
  latent_channels: 32,
  encoder_block_out_channels: widths,
  decoder_block_out_channels: widths,
  encoder_layers_per_block: [0, 5, 10, 4, 4, 4, 4].slice(0, widths.length),
  decoder_layers_per_block: [0, 5, 10, 4, 4, 4, 4].slice(0, widths.length),
  encoder_qkv_multiscales: widths.map(() => []),
  decoder_qkv_multiscales: widths.map(() => []),
  encoder_out_shortcut: false,
  decoder_in_shortcut: false,
  decoder_conv_act_fn: 'silu',
});
const fourStages = ['ResBlock', 'ResBlock', 'ResBlock', 'EfficientViTBlock'];
const music = {
  in_channels: 2,
  latent_channels: 8,
  encoder_block_types: fourStages,
  decoder_block_types: fourStages,
  encoder_block_out_channels: [16, 32, 64, 128],
  decoder_block_out_channels: [16, 32, 64, 128],
  encoder_layers_per_block: [2, 2, 3, 3],
  decoder_layers_per_block: [3, 3, 3, 3],
  encoder_qkv_multiscales: [[], [], [5], [5]],
  decoder_qkv_multiscales: [[], [], [5], [5]],
  downsample_block_type: 'Conv',
  upsample_block_type: 'interpolate',
};

test.each<[string, Record<string, unknown>, number, number]>([
  ['DC-AE 1.5 f32c128', resBlocks([16, 32, 64, 64, 128, 128]), 3, 32],
  ['DC-AE 1.5 f64c128', resBlocks([16, 32, 64, 64, 128, 128, 128]), 3, 64],
  ["ACE-Step's music DC-AE", music, 2, 8],
])('%s loads and runs', async (_, config, channels, side) => {
  using ae = await AutoencoderDC.fromPretrained(hashSource(config), { device: watched.device });
  const shape = [1, channels, side, side] as const;
  const data = Float32Array.from({ length: channels * side * side }, (_, i) => Math.sin(i));
  const { latent } = await ae.encode({ data, shape });
  expect(latent.shape.slice(2)).toEqual([1, 1]);
  expect((await latent.toArray()).every(Number.isFinite)).toBe(true);
  latent.dispose();
});

test('A surplus tensor is a warning that names it', async () => {
  const [config, file] = await Promise.all(
    ['config.json', 'diffusion_pytorch_model.safetensors'].map((name) => readBytes(`${NANO}/${name}`)),
  );
  const bytes = new Uint8Array(file!);
  const length = Number(new DataView(file!).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, unknown>;
  const end = bytes.length - 8 - length;
  header['latents_mean'] = { dtype: 'F4', shape: [0], data_offsets: [end, end] };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const more = new Uint8Array(8 + text.length + end);
  new DataView(more.buffer).setBigUint64(0, BigInt(text.length), true);
  more.set(text, 8);
  more.set(bytes.subarray(8 + length), 8 + text.length);
  const warnings: string[] = [];
  const files = { 'config.json': config!, 'diffusion_pytorch_model.safetensors': more };
  using _ae = await AutoencoderDC.fromPretrained(memorySource(files), {
    device: watched.device,
    onWarning: (message) => void warnings.push(message),
  });
  expect(warnings).toEqual(['The checkpoint has a tensor that the network does not use:\n- latents_mean']);
});
