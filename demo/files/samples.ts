/** The sample pictures; samples/LICENCES.md has their licences. */

/** A sample picture. */
export interface Sample {
  /** The name in the page's address: `?sample=tiger`. */
  readonly id: string;
  readonly title: string;
  readonly credit: string;
  readonly file: string;
}

const sample = (id: string, title: string, credit: string, file: string): Sample => ({ id, title, credit, file });

/** All samples. The page opens with the first. */
export const samples: readonly [Sample, ...Sample[]] = [
  sample('tiger', 'Tiger in snow', 'Pexels, CC0', 'pexels-photo-302304_512.png'),
  sample('astronaut', 'Eileen Collins', 'NASA, public domain', 'astronaut_512.png'),
  sample('flower', 'Chrysanthemums', 'JPEG XL Project, BSD-3-Clause', 'flower_512.png'),
  sample('moose', 'Moose', 'Ryan Hagerty, public domain', 'moose_512.png'),
  sample('dandelions', 'Dandelions', 'Clemens Engelhardt, CC0', 'seeding_512.png'),
  sample('raccoon', 'Raccoon', 'public-domain-image.com, public domain', 'face_512.png'),
  sample('tulips', 'Tulips', 'wesaturate, CC0', 'tmshre_256.png'),
  sample('coffee', 'Coffee', 'Rachel Michetti, CC0', 'coffee_256.png'),
  sample('cat', 'Chelsea the cat', 'Stefan van der Walt, CC0', 'chelsea_256.png'),
  sample('blossom', 'Plum blossom', 'wesaturate, CC0', 'u76c0g_256.png'),
  sample('shore', 'Lake shore', 'wesaturate, CC0', 'cvo9xd_256.png'),
  sample('rocket', 'Rocket', 'SpaceX, public domain', 'rocket_256.png'),
];

/** Returns the address of a sample. */
export function sampleUrl({ file }: Sample): URL {
  return new URL(`samples/${file}`, document.baseURI);
}

/** Returns the address of a sample's thumbnail. */
export function thumbUrl({ file }: Sample): URL {
  return new URL(`samples/thumbs/${file.replace(/_\d+\.png$/, '.jpg')}`, document.baseURI);
}
