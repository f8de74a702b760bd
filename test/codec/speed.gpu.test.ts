// The time that writing and reading a latent's integers takes is printed. It is not judged: the machine may be busy.
import { expect, inject, test } from 'vitest';
import { packLatent, unpackLatent } from '../../src/codec/index.ts';
import { modelWith } from '../support/codec.ts';
import { readBytes } from '../support/fixtures.ts';

test('32,768 integers, a 1024² f32c32 latent, are written and read; the best time is printed', async () => {
  const file = new Uint8Array(await readBytes('test/fixtures/codec/chelsea_256.q40.dcae'));
  const { latent } = await unpackLatent(file);
  const data = new Float32Array([...latent.data, ...latent.data.map((_, i) => latent.data[i ^ 1023]!)]);
  const model = modelWith(32);
  let best = { pack: Infinity, unpack: Infinity };
  for (let run = 0; run < 10; run++) {
    const began = performance.now();
    const { bytes } = await packLatent({ data, shape: [1, 32, 32, 32], imageSize: undefined }, { model, quality: 40 });
    const packed = performance.now();
    const back = await unpackLatent(bytes);
    const unpacked = performance.now();
    expect(back.latent.shape).toEqual([1, 32, 32, 32]);
    if (unpacked - began < best.pack + best.unpack) best = { pack: packed - began, unpack: unpacked - packed };
  }
  console.info(
    `codec | ${inject('adapter')} | 32,768 integers: ${best.pack.toFixed(1)} ms in, ${best.unpack.toFixed(1)} ms out, ` +
      `${(best.pack + best.unpack).toFixed(1)} ms together`,
  );
});
