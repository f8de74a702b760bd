/** The page: one state, the components that render from it, and what the page's address asks for. */
import { followAddress } from './actions/address.ts';
import { createContext, type Context } from './actions/context.ts';
import { loadAddress } from './actions/model_actions.ts';
import { receive } from './actions/receive.ts';
import { batchDialog } from './components/batch_dialog.ts';
import { codecTable } from './components/codec_table.ts';
import { insidePanel } from './components/inside_panel.ts';
import { machinePanel } from './components/machine_panel.ts';
import { modelPanel } from './components/model_panel.ts';
import { noticeCard } from './components/notice_card.ts';
import { offlinePanel } from './components/offline_panel.ts';
import { ratePlot } from './components/rate_plot.ts';
import { result } from './components/result.ts';
import { sampleStrip } from './components/sample_strip.ts';
import { sharePanel } from './components/share_panel.ts';
import { stage } from './components/stage.ts';
import { workBar } from './components/work_bar.ts';
import { find } from './dom.ts';
import type { DownloadMethods } from './files/download_worker.ts';
import { listenForFiles } from './files/intake.ts';
import { findAdapter } from './model/adapter.ts';
import { modelFor } from './model/choices.ts';
import type { PictureMethods } from './picture/protocol.ts';
import { storeSettings } from './state/settings.ts';
import { initialState } from './state/state.ts';
import { createStore, watch } from './state/store.ts';
import { connect, type Remote } from './worker_channel.ts';

const COMPONENTS: readonly ((context: Context) => void)[] = [
  stage,
  sampleStrip,
  workBar,
  noticeCard,
  result,
  codecTable,
  ratePlot,
  insidePanel,
  modelPanel,
  sharePanel,
  offlinePanel,
  machinePanel,
  batchDialog,
];

/** Starts the page. */
export async function startApp(): Promise<void> {
  const worker = new Worker(new URL('./picture/picture_worker.ts', import.meta.url), { type: 'module' });
  let downloads: Remote<DownloadMethods> | undefined;
  const context = createContext({
    store: createStore(initialState()),
    pictures: connect<PictureMethods>(worker),
    download: async (url, signal) => {
      downloads ??= connect<DownloadMethods>(
        new Worker(new URL('./files/download_worker.ts', import.meta.url), { type: 'module' }),
      );
      return await downloads.call('download', url, { signal });
    },
  });
  const { store } = context;
  for (const component of COMPONENTS) component(context);
  watch(store, ({ settings }) => [settings], storeSettings);
  listenForFiles(find('#file', HTMLInputElement), (files) => void receive(context, files));
  store.update({ adapter: await findAdapter() });
  void loadAddress(context, modelFor(store.state.adapter).id);
  await followAddress(context);
}
