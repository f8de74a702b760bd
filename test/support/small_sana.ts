// SANA's network at an eighth of its width on a hub, and a page that can load it.
import { beforeAll } from 'vitest';
import { loadingBench, type LoadingBench, type LoadingPage } from './loading.ts';
import { putNetwork } from './networks_on_hub.ts';

const network = 'dc-ae-f32c32-sana-1.1';

/** A hub with the network, and a page. */
export interface SmallSana {
  readonly hub: LoadingBench['hub'];
  readonly tab: LoadingPage;
  /** The repository of the network, and the address of its hub. */
  readonly given: { readonly source: string; readonly hubUrl: string };
}

/** Starts a hub and a page before the tests of a file, and ends them after. */
export function smallSana(): SmallSana {
  const bench = loadingBench();
  let tab: LoadingPage | undefined;
  beforeAll(async () => {
    await putNetwork(bench.hub, 'someone', network, 8);
    tab = await bench.open();
  });
  return {
    get hub() {
      return bench.hub;
    },
    get tab() {
      if (tab === undefined) throw new Error('the page is there only while tests run');
      return tab;
    },
    get given() {
      return { source: `someone/${network}-diffusers`, hubUrl: bench.hub.url };
    },
  };
}
