/** The parts of a picture file that a `.dcae` file leaves out, found by the marks of each file format. */

/** A mark, where it is looked for, and the sentence about it. */
interface Mark {
  /** The file's first bytes as Latin-1 text, to tell formats apart. */
  readonly format: RegExp;
  readonly mark: RegExp;
  readonly loss: string;
}

const ANIMATION = 'Only the first frame of the animation is used.';
const METADATA = 'EXIF data (camera, date, place, author) are left out. The picture is already turned upright.';
const PROFILE = 'The colour profile is left out. Colours are converted to sRGB.';

const JPEG = /^\xff\xd8/;
const PNG = /^\x89PNG/;
const WEBP = /^RIFF....WEBP/s;
const GIF = /^GIF8/;

const MARKS: readonly Mark[] = [
  { format: JPEG, mark: /Exif\0\0/, loss: METADATA },
  { format: JPEG, mark: /ICC_PROFILE\0/, loss: PROFILE },
  { format: PNG, mark: /acTL\0/, loss: ANIMATION },
  { format: PNG, mark: /eXIf/, loss: METADATA },
  { format: PNG, mark: /iCCP/, loss: PROFILE },
  { format: WEBP, mark: /ANIM\x06\0\0\0/, loss: ANIMATION },
  { format: WEBP, mark: /EXIF/, loss: METADATA },
  { format: WEBP, mark: /ICCP/, loss: PROFILE },
  { format: GIF, mark: /NETSCAPE2\.0/, loss: ANIMATION },
];

/** The marks stand near the start of a file; WebP has its EXIF data at the end. */
const HEAD_BYTES = 128 * 1024;
const TAIL_BYTES = 64 * 1024;

/** Returns a sentence for each part of a picture file that compressing leaves out. */
export async function lossesOf(file: Blob, opaque: boolean): Promise<string[]> {
  const head = await textOf(file.slice(0, HEAD_BYTES));
  const tail = WEBP.test(head) ? await textOf(file.slice(Math.max(HEAD_BYTES, file.size - TAIL_BYTES))) : '';
  const found = MARKS.filter(({ format, mark }) => format.test(head) && (mark.test(head) || mark.test(tail)));
  const losses = found.map(({ loss }) => loss);
  if (!opaque) losses.unshift('Transparent parts are shown on white.');
  return losses;
}

async function textOf(part: Blob): Promise<string> {
  return new TextDecoder('latin1').decode(await part.arrayBuffer());
}
