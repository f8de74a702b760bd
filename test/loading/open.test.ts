// The released checkpoints at full width: their headers tell format and config.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';
import { openPretrained, openSingleFile } from '../../src/loading/open.ts';
import { readJson } from '../support/fixtures.ts';
import { startHub, type Hub } from '../support/hub.ts';
import { networks, putNetwork } from '../support/networks_on_hub.ts';

// The released networks at full width: gigabytes, of which only headers are read here.
let hub: Hub;
beforeAll(async () => {
  hub = await startHub();
  for (const network of networks.keys()) await putNetwork(hub, 'someone', network, 1);
});
afterAll(() => hub.close());

const options = () => {
  const warnings: string[] = [];
  return { warnings, hubUrl: hub.url, onWarning: (message: string) => void warnings.push(message) };
};
const configOf = async (network: string) => parseConfig(await readJson(`test/fixtures/configs/${network}.json`));

describe.each([...networks.keys()])('%s', (network) => {
  const isIn = network.includes('-in-');
  const mixed = network.replace('-in-', '-mix-');
  const canBeMistaken = /-(in|mix)-/.test(network);

  test('in diffusers format has the config that comes with it', async () => {
    const { warnings, ...given } = options();
    const { config, checkpoint } = await openPretrained(`someone/${network}-diffusers`, given, plain);
    expect(config).toEqual(await configOf(network));
    expect(checkpoint.format).toBe('diffusers');
    expect(warnings).toEqual([]);
  });

  test('in its original format tells its config by keys and shapes, as far as they go', async () => {
    const { warnings, ...given } = options();
    const file = `${hub.url}/someone/${network}/blob/main/model.safetensors`; // the file's page
    const { config, checkpoint } = await openSingleFile(file, given, plain);
    expect(config).toEqual(
      await configOf(mixed.replace('sana-1.1', 'sana-1.0').replace('lite-f32c32-sana-1.0', 'lite-f32c32-sana-1.1')),
    );
    expect(checkpoint.format).toBe('original');
    if (!canBeMistaken) expect(warnings).toEqual([]);
    else {
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`pass \`config: "mit-han-lab/${mixed.replace('-mix-', '-in-')}-diffusers"\``);
    }
  });

  test('in its original format takes the config that it is given, by name or as an object', async () => {
    const { warnings, ...given } = options();
    const file = `someone/${network}/model.safetensors`;
    const expected = await configOf(network);
    const json = await readJson(`test/fixtures/configs/${network}.json`);
    for (const config of [
      `mit-han-lab/${network}-diffusers`,
      `someone/${network}-diffusers`,
      network,
      json,
      expected,
    ]) {
      expect((await openSingleFile(file, { ...given, config }, plain)).config).toEqual(expected);
    }
    expect(warnings).toEqual([]);
  });

  test('as its repository has it tells its config by model_name', async () => {
    const { warnings, ...given } = options();
    const { config } = await openPretrained(`someone/${network}`, given, plain);
    expect(config).toEqual(await configOf(network));
    expect(warnings).toEqual([]);
  });

  if (isIn) {
    test('is known by the name of its repository, too', async () => {
      await putNetwork(hub, 'mit-han-lab', network, 1);
      hub.remove(`mit-han-lab/${network}`, 'config.json');
      const { warnings, ...given } = options();
      for (const open of [
        openSingleFile(`mit-han-lab/${network}/model.safetensors`, given, plain),
        openPretrained(`mit-han-lab/${network}`, given, plain),
      ]) {
        expect((await open).config).toEqual(await configOf(network));
      }
      expect(warnings).toEqual([]);
    });
  }
});

describe('what is asked for by name', () => {
  test('is a variant of the weights', async () => {
    hub.put(
      'someone/fp16',
      'config.json',
      JSON.stringify(await readJson('test/fixtures/configs/dc-ae-f32c32-mix-1.0.json')),
    );
    await expect(openPretrained('someone/fp16', { hubUrl: hub.url, variant: 'fp16' }, plain)).rejects.toThrow(
      'looked for diffusion_pytorch_model.fp16.safetensors, diffusion_pytorch_model.safetensors.index.fp16.json, model.fp16.safetensors',
    );
  });

  test('is refused in words where it is neither a repository nor a config', async () => {
    const file = 'someone/dc-ae-f32c32-mix-1.0/model.safetensors';
    await expect(openSingleFile(file, { hubUrl: hub.url, config: 'mix' }, plain)).rejects.toThrow(
      'options.config "mix" is neither a repository\'s id',
    );
    await expect(openSingleFile(file, { hubUrl: hub.url, config: 'someone/nothing' }, plain)).rejects.toThrow(
      'no repository "someone/nothing"',
    );
  });
});

async function plain<T>({ source }: { source: T }): Promise<T> {
  return source;
}
