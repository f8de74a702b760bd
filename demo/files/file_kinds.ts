/** Telling received files apart. */

/** Whether a file is a `.dcae` file, by its name. */
export function isDcae({ name }: File): boolean {
  return /\.dcae$/i.test(name);
}

/** Whether a file is a picture, by its type or, if the system knows no type, by its name. */
export function isPicture({ name, type }: File): boolean {
  return type === '' ? /\.(png|jpe?g|webp|avif|gif|bmp|heic|svg)$/i.test(name) : type.startsWith('image/');
}

/** Whether a file's content begins as a `.dcae` file. Files that other apps share may have lost their name. */
export async function startsLikeDcae(file: Blob): Promise<boolean> {
  return new TextDecoder('latin1').decode(await file.slice(0, 4).arrayBuffer()) === 'DCAE';
}
