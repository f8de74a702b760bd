import { expect, test } from 'vitest';
import { smallSana } from '../support/small_sana.ts';

const sana = smallSana();

test('failures of the GPU in a worker reject the calls on the page that caused them, and nothing else', async () => {
  const reported: string[] = [];
  sana.tab.page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) reported.push(message.text());
  });
  sana.tab.page.on('pageerror', (error) => reported.push(String(error)));
  const seen = await sana.tab.page.evaluate(async ({ source, hubUrl }) => {
    const { worker, alive: count } = window.page.countingWorker();
    const client = window.page.dcae.createWorkerClient({ worker });
    const ae = await client.fromPretrained(source, { hubUrl, cache: false });
    const image = { data: window.page.hashTensor('input', [1, 3, 64, 64]), shape: [1, 3, 64, 64] };
    const error = async (call: Promise<unknown>) => {
      const { name, code, message } = (await call.then(
        () => ({}),
        (caught: unknown) => caught,
      )) as { name?: string; code?: string; message?: string };
      return { name, code, message };
    };
    const { latent } = await ae.encode(image);
    const before = [...(await latent.toArray())];
    const kept = await count('fail');
    const memory = await error(ae.encode(image));
    const left = await count();
    const again = (await ae.encode(image)).latent;
    const after = [...(await again.toArray())];
    await count('lose');
    const lost = await Promise.all([error(ae.encode(image)), error(ae.decode(latent)), error(ae.forward(image))]);
    lost.push(await error(latent.toArray()), await error(ae.encode(image)));
    const { message } = await ae.device.lost;
    client.dispose();
    return { before, after, kept, left, memory, lost, message };
  }, sana.given);
  expect(seen.after).toEqual(seen.before);
  expect(seen.left).toEqual(seen.kept);
  expect(seen.memory).toMatchObject({
    name: 'DeviceError',
    code: 'limits',
    message: expect.stringMatching(/ran out of memory/),
  });
  for (const error of seen.lost) {
    expect(error).toMatchObject({
      name: 'DeviceError',
      code: 'device-lost',
      message: expect.stringMatching(/Dispose of this model/),
    });
  }
  expect(seen.message).toMatch(/destroyed|lost/);
  expect(reported).toEqual([]);
});
