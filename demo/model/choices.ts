/** The models to choose from. */
import { knownCheckpoints, type KnownCheckpoint } from 'dc-ae-webgpu';
import type { Adapter } from './adapter.ts';

/** The storage type of weights on the GPU. */
export type Dtype = 'f32' | 'f16';

/** A model that the user asked for. */
export interface ModelChoice {
  /** The name that the page shows. */
  readonly name: string;
  /** An address, a repository's id, or the files of a folder. */
  readonly source: string | readonly File[];
  /** An address where other people find the model; it is written into files if the hub's id does not say it. */
  readonly checkpointUrl: string | undefined;
}

/** A model in the list. */
export interface ListedModel {
  /** Its value in the list; the repository's id for released models. */
  readonly id: string;
  readonly title: string;
  /** Bytes of the download. */
  readonly bytes: number;
  readonly description: string;
  /** The quality above which files grow without a visible gain; undefined if nobody measured it. */
  readonly topQuality: number | undefined;
}

/** The value of the list's entry for any other model. */
export const CUSTOM = 'custom';

/** The small model of the page. Files that name no model were made with it. */
export const nano: ListedModel = {
  id: 'nano',
  title: 'nano',
  bytes: 894_888,
  description: 'Comes with this page and runs on any device. Small and quick.',
  topQuality: 60,
};

/** The page's model for low rates. From quality 40 to 60, Kodak's pictures gain 0.4 dB for 55 % more bytes. */
export const photo: ListedModel = {
  id: 'photo',
  title: 'photo',
  bytes: 7_366_632,
  description: 'Comes with this page. For photographs in very few bytes; quick on a GPU only.',
  topQuality: 40,
};

/** The models that come with the page. */
const bundledModels = [nano, photo];

/** All listed models: the page's own, then each released network once, in diffusers' format. */
export const listedModels: readonly ListedModel[] = [...bundledModels, ...released()];

/** Returns the page's own model that an adapter runs within seconds. */
export function modelFor(adapter: Adapter | undefined): ListedModel {
  return adapter && !adapter.software ? photo : nano;
}

/**
 * Returns a listed model by its id, or any model by repository or address, which is resolved against the page;
 * undefined if the address is invalid.
 */
export function chooseModel(address: string): ModelChoice | undefined {
  for (const { id } of bundledModels) {
    const { href, protocol } = new URL(`models/${id}/`, document.baseURI);
    if (address !== id && address !== href) continue;
    return { name: id, source: href, checkpointUrl: protocol === 'https:' ? href : undefined };
  }
  const listed = listedModels.find(({ id }) => id === address);
  if (listed || /^[\w.-]+\/[\w.-]+$/.test(address)) {
    return { name: listed?.title ?? address, source: address, checkpointUrl: undefined };
  }
  if (!URL.canParse(address, document.baseURI)) return undefined;
  const { href, protocol } = new URL(address, document.baseURI);
  if (!/^https?:$/.test(protocol)) return undefined;
  return { name: href, source: href, checkpointUrl: protocol === 'https:' ? href : undefined };
}

/** Returns a model by the files of its folder. */
export function modelOfFiles(files: readonly File[]): ModelChoice {
  return { name: 'your own', source: files, checkpointUrl: undefined };
}

function released(): ListedModel[] {
  const networks = new Map<string, KnownCheckpoint>();
  for (const known of knownCheckpoints) {
    if (known.format === 'diffusers' && !networks.has(known.title)) networks.set(known.title, known);
  }
  return [...networks.values()].map((known) => ({
    id: known.repo,
    title: known.title,
    bytes: known.bytes.encoder + known.bytes.decoder,
    description: descriptionOf(known),
    topQuality: undefined,
  }));
}

/** Describes a released network by its authors' words. */
function descriptionOf({ repo, config }: KnownCheckpoint): string {
  const side = 2 ** (config.encoder.blockOutChannels.length - 1);
  const block = `Turns each block of ${side} × ${side} pixels into ${config.latentChannels} numbers.`;
  if (repo.includes('lite')) return `SANA’s encoder, with a faster decoder. ${block}`;
  if (repo.includes('sana-1.1')) return `For photographs and drawings. The sharpest of SANA’s models. ${block}`;
  if (repo.includes('sana')) return `For photographs and drawings. SANA’s first model. ${block}`;
  const data = repo.includes('-mix-')
    ? 'For photographs, faces and text.'
    : 'For single objects and animals (ImageNet).';
  return `${data} ${block}${side > 32 ? ' Smaller files with less detail.' : ''}`;
}
