// SANA's network at an eighth of its width, in the page and in a worker: the same API, the same numbers.
import { beforeEach, describe, expect, test } from 'vitest';
import { traceMainThread } from '../support/main_thread.ts';
import { smallSana } from '../support/small_sana.ts';

const sana = smallSana();

beforeEach(async () => {
  sana.hub.fault = undefined;
  await sana.tab.forgetAll();
});

describe('createWorkerClient', () => {
  test('gives what the page itself gives: numbers, pictures, progress', async () => {
    const { inPage, inWorker } = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
      const { AutoencoderDC, createWorkerClient } = window.page.dcae;
      const shape = [2, 3, 64, 96];
      const tensor = { data: window.page.hashTensor('input', shape), shape };
      const canvas = new OffscreenCanvas(70, 50); // no multiple of 32: padded, and cropped again
      const context = canvas.getContext('2d')!;
      const gradient = context.createLinearGradient(0, 0, 70, 50);
      gradient.addColorStop(0, '#f60');
      gradient.addColorStop(1, '#06f');
      context.fillStyle = gradient;
      context.fillRect(0, 0, 70, 50);

      const run = async (ae: Awaited<ReturnType<typeof AutoencoderDC.fromPretrained>>) => {
        const { latent } = await ae.encode(tensor);
        const { sample } = await ae.decode(latent);
        const fromCanvas = await ae.encode(canvas);
        const bitmap = await createImageBitmap(canvas, { premultiplyAlpha: 'none' });
        const fromBitmap = await ae.encode(bitmap);
        const picture = (await ae.decode(fromBitmap.latent)).sample;
        const again = await ae.decode({ data: await latent.toArray(), shape: latent.shape });
        const { data } = await picture.toImageData();
        const target = document.createElement('canvas');
        target.getContext('2d');
        await picture.drawTo(target);
        const drawn = target.getContext('2d')!.getImageData(0, 0, target.width, target.height).data;
        const result = {
          shapes: [latent.shape, sample.shape, fromCanvas.latent.shape, picture.shape],
          imageSize: fromBitmap.latent.imageSize,
          latent: [...(await latent.toArray())],
          sample: [...(await sample.toArray())].slice(0, 200),
          fromCanvas: [...(await fromCanvas.latent.toArray())],
          fromBitmap: [...(await fromBitmap.latent.toArray())],
          again: [...(await again.sample.toArray())].slice(0, 200),
          pixels: [...data].slice(0, 200),
          drawn: [...drawn].slice(0, 200),
          bitmapLeft: bitmap.width,
          ratio: ae.spatialCompressionRatio,
          plan: await ae.plan({ which: 'encoder', height: 64, width: 64 }),
          scalingFactor: ae.config.scalingFactor,
          dtype: ae.dtype,
          activations: ae.activations,
        };
        for (const each of [latent, sample, fromCanvas.latent, fromBitmap.latent, picture, again.sample])
          each.dispose();
        return result;
      };

      const here = await AutoencoderDC.fromPretrained(source, {
        hubUrl,
        activations: 'f16',
        device: await window.page.shared,
      });
      const inPage = await run(here);
      const hereMemory = here.memory;
      here.dispose();
      const client = createWorkerClient();
      const phases: string[] = [];
      const options = {
        hubUrl,
        activations: 'f16' as const,
        onProgress: ({ phase }: { phase: string }) => phases.push(phase),
      };
      const ae = await client.fromPretrained(source, options);
      const inWorker = await run(ae as never);
      const { memory } = ae;
      client.dispose();
      return {
        inPage: { ...inPage, memory: hereMemory },
        inWorker: { ...inWorker, memory, phases: [...new Set(phases)] },
      };
    }, sana.given);
    const { phases, bitmapLeft, ...rest } = inWorker;
    expect(rest).toEqual({ ...inPage, bitmapLeft: undefined });
    expect(bitmapLeft).toBe(0); // it was handed over
    expect(inPage.bitmapLeft).toBe(70);
    expect(phases).toEqual(['resolve', 'download', 'upload', 'compile', 'ready']);
    expect(inPage.drawn).toEqual(inPage.pixels);
  });

  test("keeps the page's own thread free while a model loads and runs", async () => {
    const tasks = await traceMainThread(sana.tab.page, async () => {
      await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
        const canvas = new OffscreenCanvas(256, 256);
        canvas.getContext('2d')!.fillRect(64, 64, 128, 128);
        const client = window.page.dcae.createWorkerClient();
        const ae = await client.fromPretrained(source, { hubUrl, onProgress: () => undefined });
        const { sample } = await ae.forward(canvas);
        (await sample.toImageBitmap()).close();
        client.dispose();
      }, sana.given);
    });
    const [longest] = tasks;
    console.log(`${tasks.length} tasks on the main thread, the longest of ${longest?.cpu.toFixed(1)} ms`);
    expect(tasks.length).toBeGreaterThan(100);
    // A fixed amount of work is the measure, since every task takes longer on a busy machine.
    const [busy] = await traceMainThread(sana.tab.page, async () => {
      await sana.tab.page.evaluate(async (hubUrl) => {
        const client = window.page.dcae.createWorkerClient();
        await client.fromPretrained('someone/nothing', { hubUrl }).catch(() => undefined); // the worker has started now
        let sum = 0;
        for (let i = 0; i < 2e8; i++) sum = (sum + i) | 0;
        client.dispose();
        return sum;
      }, sana.hub.url);
    });
    console.log(`the fixed amount of work took ${busy!.cpu.toFixed(1)} ms`);
    expect(longest!.cpu / busy!.cpu).toBeLessThan(1 / 5);
  });

  test('throws the same errors, and stops when told to', async () => {
    const seen = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
      const { createWorkerClient, DcAeError, SourceError, InputError, DisposedError } = window.page.dcae;
      const client = createWorkerClient();
      const caught = async (promise: Promise<unknown>) => {
        try {
          await promise;
          return 'nothing';
        } catch (error) {
          const of = (key: string): unknown => Reflect.get(error as object, key);
          const known = [SourceError, InputError, DisposedError].find((type) => error instanceof type)?.name;
          return {
            name: of('name'),
            known,
            ours: error instanceof DcAeError,
            status: of('status'),
            code: of('code'),
            message: of('message'),
          };
        }
      };
      const missing = await caught(client.fromPretrained('someone/nothing', { hubUrl }));
      const device = await caught(
        client.fromPretrained(source, { hubUrl, device: await window.page.shared } as object),
      );
      const controller = new AbortController();
      let abortedAt = 0;
      const loading = caught(
        client.fromPretrained(source, {
          hubUrl,
          cache: false,
          signal: controller.signal,
          onProgress: ({ loaded }) => {
            if (loaded > 0 && abortedAt === 0) {
              abortedAt = performance.now();
              controller.abort(new DOMException('enough', 'AbortError'));
            }
          },
        }),
      );
      const aborted = await loading;
      const abortedIn = performance.now() - abortedAt;
      const ae = await client.fromPretrained(source, { hubUrl });
      const shape = await caught(ae.encode({ data: new Float32Array(5), shape: [1, 3, 33, 1] }));
      const texture = await caught(
        ae.encode(
          (await window.page.shared).createTexture({
            size: [8, 8],
            format: 'rgba8unorm',
            usage: GPUTextureUsage.TEXTURE_BINDING,
          }),
        ),
      );
      const { latent } = await ae.encode({ data: new Float32Array(3 * 32 * 32), shape: [1, 3, 32, 32] });
      latent.dispose();
      const disposed = await caught(ae.decode(latent));
      const running = caught(ae.encode({ data: new Float32Array(3 * 256 * 256), shape: [1, 3, 256, 256] }));
      client.dispose();
      return {
        missing,
        device,
        aborted,
        abortedIn,
        shape,
        texture,
        disposed,
        running: await running,
        after: await caught(client.fromPretrained(source, { hubUrl })),
      };
    }, sana.given);
    expect(seen).toMatchObject({
      missing: { name: 'SourceError', known: expect.any(String), ours: true, status: 401, code: 'source' },
      device: { name: 'InputError', message: expect.stringContaining('options.device cannot be sent to a worker') },
      aborted: { name: 'AbortError', message: 'enough', ours: false },
      shape: { name: 'InputError', message: expect.stringContaining('image.data must hold 99 numbers') },
      texture: { name: 'InputError', message: expect.stringContaining('GPUTexture cannot be sent to a worker') },
      disposed: { name: 'DisposedError' },
      running: { name: 'DisposedError', message: expect.stringContaining('worker client') },
      after: { name: 'DisposedError' },
    });
    expect(seen.abortedIn).toBeLessThan(5000); // 5 ms on an idle machine
  });

  test("leaves nothing on the GPU, in a worker of the page's own", async () => {
    const seen = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
      const { worker, alive } = window.page.countingWorker();
      const client = window.page.dcae.createWorkerClient({ worker });
      // The page's call ends with the abort; the worker hears of it a moment later.
      const left = async (): Promise<readonly string[]> => {
        const end = performance.now() + 30_000;
        for (;;) {
          const labels = await alive();
          if (labels.length === 0 || performance.now() > end) return labels;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const abortedAt = async (share: number): Promise<readonly string[]> => {
        const controller = new AbortController();
        const onProgress = ({ loaded, total }: { loaded: number; total: number }): void => {
          if (loaded >= share * total) controller.abort();
        };
        const loading = client.fromPretrained(source, { hubUrl, cache: false, onProgress, signal: controller.signal });
        await loading.catch(() => undefined);
        return await left();
      };
      const aborted = [await abortedAt(0), await abortedAt(0.3), await abortedAt(0.9)];
      const ae = await client.fromPretrained(source, { hubUrl, cache: false });
      const { latent } = await ae.encode({ data: new Float32Array(3 * 32 * 32), shape: [1, 3, 32, 32] });
      const used = (await alive()).length;
      latent.dispose();
      ae.dispose();
      const after = await left();
      client.dispose();
      return { aborted, used, after };
    }, sana.given);
    expect(seen.aborted).toEqual([[], [], []]);
    expect(seen.used).toBeGreaterThan(100);
    expect(seen.after).toEqual([]);
  });

  test('reads what only the page has: files, objects, its own fetch', async () => {
    const { files, object, fetched } = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
      const { createWorkerClient } = window.page.dcae;
      const client = createWorkerClient();
      const folder = `${hubUrl}/${source}/resolve/main`;
      const names = ['config.json', 'diffusion_pytorch_model.safetensors'];
      const bytes = await Promise.all(
        names.map(async (name) => new Uint8Array(await (await fetch(`${folder}/${name}`)).arrayBuffer())),
      );
      const latentOf = async (input: Parameters<typeof client.fromPretrained>[0], options: object) => {
        const ae = await client.fromPretrained(input, options);
        const { latent } = await ae.encode({
          data: window.page.hashTensor('input', [1, 3, 32, 32]),
          shape: [1, 3, 32, 32],
        });
        const numbers = [...(await latent.toArray())];
        latent.dispose();
        ae.dispose();
        return numbers;
      };
      const files = await latentOf(
        names.map((name, i) => new File([bytes[i]!], name)),
        {},
      );
      const of = (path: string) => {
        const found = bytes[names.indexOf(path)];
        if (!found) throw Object.assign(new Error('no such file'), { status: 404 });
        return found;
      };
      const object = await latentOf(
        { size: async (path) => of(path).length, read: async (path, start, end) => of(path).slice(start, end) },
        {},
      );
      let asked = 0;
      const fetched = await latentOf(source, {
        hubUrl,
        cache: false,
        fetch: (input: RequestInfo, init?: RequestInit) => {
          asked++;
          return fetch(input, init);
        },
      });
      client.dispose();
      return { files, object, fetched: { numbers: fetched, asked } };
    }, sana.given);
    expect(object).toEqual(files);
    expect(fetched.numbers).toEqual(files);
    expect(fetched.asked).toBeGreaterThan(4);
  });
});
