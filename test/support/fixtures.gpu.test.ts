// A browser reads the same fixtures as Node.
import { expect, test } from 'vitest';
import { readBytes, readFixture, readJson } from './fixtures.ts';

test('a browser reads fixtures and the checkpoint through the test server', async () => {
  const { tensors } = await readFixture('test/fixtures/hash-models/sana-quarter/io-64x64.safetensors');
  expect(tensors.get('latent')?.shape).toEqual([1, 32, 2, 2]);
  const config = await readJson<{ latent_channels: number }>('demo/models/nano/config.json');
  expect(config.latent_channels).toBe(16);
  const { byteLength } = await readBytes('demo/models/nano/diffusion_pytorch_model.safetensors');
  expect(byteLength).toBe(894888);
  await expect(readBytes('test/fixtures/nothing.safetensors')).rejects.toThrow('no such file');
});
