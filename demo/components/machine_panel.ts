/** The panel “Runs on”: the GPU, the cost of each run, and the settings of a run. */
import { processPicture } from '../actions/compress.ts';
import { updateSettings, type Context } from '../actions/context.ts';
import { find, make, onPress, setText } from '../dom.ts';
import { bytes, count, duration } from '../format.ts';
import type { LoadedModel } from '../model/load.ts';
import { defaultSettings } from '../state/settings.ts';
import type { RunCost } from '../state/state.ts';
import { watch } from '../state/store.ts';

type Line = readonly [name: string, value: string];

/** The limits that decide what fits. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/** Fills in the panel, and lets its settings be changed. */
export function machinePanel(context: Context): void {
  const { store } = context;
  const list = find('#machine', HTMLElement);
  const budget = find('#budget', HTMLSelectElement);
  const profiled = find('#profiled', HTMLInputElement);
  budget.addEventListener('change', () => {
    updateSettings(context, { memoryBudget: budget.value === '' ? undefined : Number(budget.value) });
    void processPicture(context);
  });
  profiled.addEventListener('change', () => {
    updateSettings(context, { profiled: profiled.checked });
    void processPicture(context);
  });
  onPress('#reset', () => {
    updateSettings(context, defaultSettings);
    void processPicture(context);
  });
  watch(
    store,
    ({ settings }) => [settings.memoryBudget, settings.profiled],
    (memoryBudget, timed) => {
      budget.value = memoryBudget === undefined ? '' : String(memoryBudget);
      profiled.checked = timed;
    },
  );
  watch(
    store,
    ({ adapter }) => [adapter],
    (adapter) => {
      setText('#adapter', adapter?.name ?? 'a GPU not known yet');
      find('#software', HTMLElement).hidden = !adapter?.software;
    },
  );
  watch(
    store,
    ({ model, picture }) => [model, picture?.encoded, picture?.decodeCost],
    (model, encoded, decodeCost) => {
      const lines = [
        ...(model ? modelLines(model) : []),
        ...(encoded ? costLines('Encode', encoded.cost) : []),
        ...(decodeCost ? costLines('Decode', decodeCost) : []),
      ];
      const elements = lines.flatMap(([name, value]) => [
        make('dt', { textContent: name }),
        make('dd', { textContent: value }),
      ]);
      list.replaceChildren(...elements);
    },
  );
}

function modelLines({ ae, weightBytes }: LoadedModel): Line[] {
  const { features, limits } = ae.device;
  return [
    ['Features', features.join(', ') || 'none'],
    ...LIMITS.map((name): Line => {
      const value = limits[name] ?? 0;
      return [name, value >= 65536 ? bytes(value) : count(value)];
    }),
    ['Weights', `${bytes(weightBytes)} in ${ae.dtype}`],
    ['Latent', `${ae.config.latentChannels} channels, scaled by ${ae.config.scalingFactor}`],
  ];
}

function costLines(name: string, { ms, flops, dispatches, peakBytes, regions, recompute, profile }: RunCost): Line[] {
  const plan =
    `${count(regions)} ${regions === 1 ? 'region' : 'regions'}, ${recompute.toFixed(2)} × the ` + 'work of one piece';
  return [
    [name, `${duration(ms)}, ${(flops / 1e9).toFixed(2)} GFLOP, ${(flops / ms / 1e6).toFixed(0)} GFLOP/s`],
    [`${name}: GPU`, `${count(dispatches)} dispatches, ${bytes(peakBytes)} at most`],
    [`${name}: plan`, plan],
    ...stageLines(name, profile),
  ];
}

function stageLines(name: string, profile: RunCost['profile']): Line[] {
  if (!profile) return [];
  const clock =
    profile.clock === 'submits'
      ? 'no timestamp-query on this device: each dispatch is timed from outside, with the cost of its submit'
      : 'by timestamp queries';
  return [[`${name}: stages`, clock], ...profile.stages.map(({ name: stage, ms }): Line => [stage, duration(ms)])];
}
