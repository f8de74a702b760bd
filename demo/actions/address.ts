/** The page's address: it follows the sample and the settings, and opens what it names. */
import { takeShared } from '../files/intake.ts';
import { samples } from '../files/samples.ts';
import { FORMATS, type Side } from '../picture/types.ts';
import { isQuality } from '../state/settings.ts';
import type { Picture, State } from '../state/state.ts';
import { watch } from '../state/store.ts';
import { processPicture } from './compress.ts';
import { updateSettings, type Context } from './context.ts';
import { openLink, openSample, receive } from './receive.ts';

/** Browsers allow few changes of the address in a short time. */
const REST_MS = 300;

/** Keeps the address up to date, and opens what it names, now and when the user goes back or forward. */
export async function followAddress(context: Context): Promise<void> {
  const { store } = context;
  let timer = 0;
  watch(
    store,
    ({ picture, settings, side }) => [picture?.id, settings.quality, side],
    (id, _quality, _side) => {
      clearTimeout(timer);
      if (id !== undefined) timer = setTimeout(() => writeAddress(store.state), REST_MS);
    },
  );
  addEventListener('popstate', () => void openAddressed(context));
  await openAddressed(context);
}

async function openAddressed(context: Context): Promise<void> {
  const { store } = context;
  const query = new URLSearchParams(location.search);
  readSettings(context, query);
  const link = query.get('open');
  const named = query.get('sample');
  const { picture } = store.state;
  // The picture at hand is the one that the address names.
  if (picture && (link ?? named) === (picture.link ?? picture.sample)) return await processPicture(context);
  if (link !== null) return await openLink(context, link);
  const shared = query.has('shared') ? await takeShared().catch(() => []) : [];
  if (shared.length > 0) return await receive(context, shared);
  await openSample(context, samples.find(({ id }) => id === named) ?? samples[0]);
}

function readSettings(context: Context, query: URLSearchParams): void {
  const quality = Number(query.get('quality'));
  if (isQuality(quality)) updateSettings(context, { quality });
  const sides: readonly Side[] = ['original', ...FORMATS];
  const side = sides.find((name) => name === query.get('beside'));
  if (side) context.store.update({ side });
}

function writeAddress({ picture, settings, side }: State): void {
  if (!picture) return;
  const before = new URLSearchParams(location.search);
  const next = new URLSearchParams({ ...sourceOf(picture), quality: String(settings.quality), beside: side });
  if (next.toString() === before.toString()) return;
  // Another sample or link is a new entry in the history; the page's first picture and a new setting are not.
  const isNewEntry = before.has('quality') && ['sample', 'open'].some((name) => before.get(name) !== next.get(name));
  history[isNewEntry ? 'pushState' : 'replaceState'](null, '', `?${next}`);
}

/** A picture of the user's own has no address. */
function sourceOf({ link, sample }: Picture): Record<string, string> {
  if (link !== undefined) return { open: link };
  return sample === undefined ? {} : { sample };
}
