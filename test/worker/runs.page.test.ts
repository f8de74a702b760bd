// Every way to run a model gives the same on the page and in a worker.
import { expect, test } from 'vitest';
import { smallSana } from '../support/small_sana.ts';

const sana = smallSana();

test('createWorkerClient gives strips, tiles, slices and profiles as the page does', async () => {
  const { inPage, inWorker } = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
    const { AutoencoderDC, createWorkerClient } = window.page.dcae;
    const tensorOf = (...shape: number[]) => ({ data: window.page.hashTensor('input', shape), shape });
    const latent = tensorOf(1, 32, 9, 5);

    const run = async (ae: Awaited<ReturnType<typeof AutoencoderDC.fromPretrained>>) => {
      const picture = { height: 288, width: 160 };
      const whole = (await ae.plan({ which: 'decoder', ...picture })).peakBytes;
      const memoryBudget = 0.3 * whole;
      const done = new Set<number>();
      const rows: number[] = [];
      const pixels: number[] = [];
      const onProgress = (progress: { done: number }) => done.add(progress.done);
      for await (const strip of ae.decodeStrips(latent, { memoryBudget, onProgress })) {
        rows.push(strip.y, strip.height);
        pixels.push(...strip.data.filter((_, i) => i % 97 === 0));
      }
      for await (const strip of ae.decodeStrips(latent, { memoryBudget })) {
        rows.push(strip.height);
        break;
      }
      const canvas = document.createElement('canvas');
      await ae.decodeTo(canvas, latent, { memoryBudget });
      const drawn = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      const closed = await ae.decodeTo(canvas, tensorOf(2, 32, 2, 2)).catch((error: unknown) => String(error));
      const first = async () => {
        const { latent } = await ae.encode(tensorOf(2, 3, 160, 96));
        const numbers = [...(await latent.toArray())].slice(0, 100);
        latent.dispose();
        return numbers;
      };
      await ae.enableTiling({ tileSampleMinHeight: 64, tileSampleStrideHeight: 32 });
      const tiled = await first();
      await ae.disableTiling();
      await ae.enableSlicing();
      const sliced = await ae.plan({ which: 'encoder', height: 64, width: 64, n: 2 });
      await ae.disableSlicing();
      const plain = await first();
      let stages: string[] = [];
      const onProfile = (profile: { stages: readonly { name: string }[] }) => {
        stages = profile.stages.map(({ name }) => name);
      };
      (await ae.decode(tensorOf(1, 32, 2, 2), { onProfile })).sample.dispose();
      const wrong = await Promise.resolve()
        .then(() => ae.enableTiling({ tileSampleMinHeight: 1 }))
        .catch((error: unknown) => String(error));
      return {
        done: [...done], // how often each is reported depends on time
        rows,
        pixels,
        drawn: [...drawn.data].slice(0, 4000),
        closed,
        tiled,
        plain,
        sliced,
        stages,
        wrong,
      };
    };

    const here = await AutoencoderDC.fromPretrained(source, { hubUrl, device: await window.page.shared });
    const inPage = await run(here);
    here.dispose();
    const client = createWorkerClient();
    const inWorker = await run((await client.fromPretrained(source, { hubUrl })) as never);
    client.dispose();
    return { inPage, inWorker };
  }, sana.given);
  expect(inWorker).toEqual(inPage);
  expect(inPage.rows.length).toBeGreaterThan(5);
  expect(inPage.done.length).toBeGreaterThan(2);
  expect(inPage.tiled).not.toEqual(inPage.plain);
  expect(inPage.closed).toContain('takes one picture');
  expect(inPage.wrong).toContain('tileSampleMinHeight');
  expect(inPage.stages).toContain('decoder.conv_in');
});

test('a worker compresses, packs and decompresses as the page does', async () => {
  const { inPage, inWorker } = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
    const { AutoencoderDC, createWorkerClient } = window.page.dcae;
    const { compress, decompress, packLatent } = window.page.codec;
    const data = new Uint8ClampedArray(4 * 70 * 50).map((_, i) => (i % 4 === 3 ? 255 : (i * i) % 251));

    const run = async (ae: Parameters<typeof compress>[0] & Parameters<typeof decompress>[0]) => {
      const phases = new Set<string>();
      let runs = 0;
      const onProgress = ({ phase }: { phase: string }) => phases.add(phase);
      const { bytes, stats } = await compress(
        ae,
        { data, width: 70, height: 50 },
        { quality: 40, onProgress, run: { onProgress: () => runs++ } },
      );
      const { image, info } = await decompress(ae, bytes, { onProgress });
      const bitmap = (await decompress(ae, bytes, { as: 'imageBitmap' })).image;
      const tensor = (await decompress(ae, bytes, { as: 'tensor' })).image;
      const sample = (await decompress(ae, bytes, { as: 'sample' })).image;
      const pixels = [...(await sample.toImageData()).data];
      sample.dispose();
      const { latent } = await ae.encode({ data, width: 70, height: 50 });
      const packed = await packLatent(latent as never, { model: ae, quality: 40 });
      latent.dispose();
      const wrong = await decompress(ae, bytes.slice(0, 40)).catch((error: unknown) => error);
      return {
        bytes: [...bytes],
        bits: stats.bitsPerPixel,
        phases: [...phases],
        runs,
        image: [...image.data],
        info,
        bitmap: [bitmap.width, bitmap.height],
        tensor: [...tensor.data],
        pixels,
        packed: [...packed.bytes],
        wrong: String(wrong),
      };
    };

    const here = await AutoencoderDC.fromPretrained(source, { hubUrl, device: await window.page.shared });
    const inPage = await run(here);
    here.dispose();
    const client = createWorkerClient();
    const there = await client.fromPretrained(source, { hubUrl });
    const inWorker = await run(there);
    client.dispose();
    return { inPage, inWorker };
  }, sana.given);
  expect(inWorker).toEqual(inPage);
  expect(inPage.phases).toEqual(['encode', 'pack', 'done', 'unpack', 'decode']);
  expect(inPage.packed).toEqual(inPage.bytes);
  expect(inPage.pixels).toEqual(inPage.image);
  expect(inPage.wrong).toContain('FormatError');
});

test('a model in a worker describes its device, and tells when that is lost', async () => {
  const { here, there, reason, idle } = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
    const { AutoencoderDC, createWorkerClient } = window.page.dcae;
    const model = await AutoencoderDC.fromPretrained(source, { hubUrl, device: await window.page.shared });
    const client = createWorkerClient();
    const ae = await client.fromPretrained(source, { hubUrl });
    const idle = await ae.onSubmittedWorkDone();
    ae.dispose();
    const { reason } = await ae.device.lost;
    client.dispose();
    const { lost: _, ...there } = ae.device;
    return { here: model.device.adapterInfo.vendor, there, reason, idle };
  }, sana.given);
  expect(there.adapterInfo.vendor).toBe(here);
  expect(Object.keys(there.limits)).toContain('maxBufferSize');
  expect([reason, idle]).toEqual(['destroyed', undefined]);
});
