/** The checkpoints to choose from. */
import { knownCheckpoints, type KnownCheckpoint } from 'dc-ae-webgpu';

/** A checkpoint in the list. */
export interface Choice {
  /** Its value in the list; for the released ones, the repository's id. */
  readonly id: string;
  readonly title: string;
  /** Bytes of the first download. */
  readonly bytes: number;
  readonly goodAt: string;
}

/** The small checkpoint's value in the list. */
export const NANO = 'nano';
/** The value of the entry for any other. */
export const CUSTOM = 'custom';

/** Where the small checkpoint lies: beside the page. */
export function nanoUrl(): URL {
  return new URL('models/nano/', document.baseURI);
}

const nano: Choice = {
  id: NANO,
  title: 'nano',
  bytes: 894_888,
  goodAt:
    'Comes with the page and runs anywhere. Made in an hour on a CPU: good to try with, beaten by the released ones.',
};

/** The small checkpoint, and all that were released; each network once, in diffusers' format. */
export const choices: readonly Choice[] = [nano, ...released()];

function released(): Choice[] {
  const networks = new Map<string, KnownCheckpoint>();
  for (const known of knownCheckpoints) {
    if (known.format === 'diffusers' && !networks.has(known.title)) networks.set(known.title, known);
  }
  return [...networks.values()].map((known) => ({
    id: known.repo,
    title: known.title,
    bytes: known.bytes.encoder + known.bytes.decoder,
    goodAt: goodAt(known),
  }));
}

/** The strength of a released network, as its authors describe it. */
function goodAt({ repo, config }: KnownCheckpoint): string {
  const side = 2 ** (config.encoder.blockOutChannels.length - 1);
  const each = `${side} × ${side} pixels for each of the latent’s ${config.latentChannels} numbers.`;
  if (repo.includes('lite')) return `SANA’s encoder with a decoder of convolutions alone, made for speed. ${each}`;
  if (repo.includes('sana-1.1')) return `Photographs and drawings: the sharpest decoder of SANA’s. ${each}`;
  if (repo.includes('sana')) return `Photographs and drawings: SANA’s first. ${each}`;
  const data = repo.includes('-mix-') ? 'Photographs, faces and text alike' : 'Single things and animals (ImageNet)';
  return `${data}. ${each}${side > 32 ? ' Smaller files, less of the detail.' : ''}`;
}
