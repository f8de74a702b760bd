/** The models to choose from. */
import { knownCheckpoints, type KnownCheckpoint } from 'dc-ae-webgpu';

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

/** The model that comes with the page. */
export const bundledModel: ListedModel = {
  id: 'nano',
  title: 'nano',
  bytes: 894_888,
  description: 'Comes with this page and runs on any device. Small and quick.',
  topQuality: 60,
};

/** All listed models: the page's own, then each released network once, in diffusers' format. */
export const listedModels: readonly ListedModel[] = [bundledModel, ...released()];

/**
 * Returns a listed model by its id, or any model by repository or address, which is resolved against the page;
 * undefined if the address is invalid.
 */
export function chooseModel(address: string): ModelChoice | undefined {
  const { id: bundledId } = bundledModel;
  const own = new URL(`models/${bundledId}/`, document.baseURI);
  if (address === bundledId || address === own.href) {
    return { name: bundledId, source: own.href, checkpointUrl: own.protocol === 'https:' ? own.href : undefined };
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
