/** A picture of which nothing is known yet. */
import type { Picture } from '../state/state.ts';

let lastId = 0;

/** Creates a picture with a number of its own. */
export function newPicture(known: Pick<Picture, 'kind' | 'title'> & Partial<Picture>): Picture {
  const size = { width: 1, height: 1 };
  return {
    id: ++lastId,
    credit: undefined,
    sample: undefined,
    link: undefined,
    sourceBytes: undefined,
    size,
    originalSize: size,
    losses: [],
    bitmaps: {},
    encoded: undefined,
    latentShape: undefined,
    file: undefined,
    targetBytes: undefined,
    decodeCost: undefined,
    quality: undefined,
    likeness: undefined,
    compared: {},
    curve: {},
    ...known,
  };
}
