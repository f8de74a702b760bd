/** How pictures come in: picked, pasted, dropped. */

/** What comes of it: a file, or nothing usable. */
export type Receive = (file: File | undefined) => void;

/** Listens to the file field, the clipboard and whatever is dragged over the window. */
export function listen(field: HTMLInputElement, receive: Receive): void {
  field.addEventListener('change', () => {
    const file = field.files?.[0];
    field.value = ''; // so that the same file can be chosen again
    if (file) receive(file);
  });

  document.addEventListener('paste', ({ clipboardData }) => {
    if (clipboardData) receive(pictureIn(clipboardData.files));
  });

  let depth = 0; // dragenter and dragleave come for every element on the way
  const dropping = (change: number): void => {
    depth = Math.max(0, depth + change);
    document.body.toggleAttribute('data-dropping', depth > 0);
  };
  const holdsFile = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragenter', (event) => {
    if (holdsFile(event)) dropping(1);
  });
  document.addEventListener('dragleave', (event) => {
    if (holdsFile(event)) dropping(-1);
  });
  document.addEventListener('dragover', (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
  });
  document.addEventListener('drop', (event) => {
    dropping(-depth);
    if (!holdsFile(event)) return;
    event.preventDefault(); // or the browser would leave the page for the file
    receive(pictureIn(event.dataTransfer?.files));
  });
}

/** The first picture among files; the first file where none says that it is one. */
function pictureIn(files: FileList | undefined): File | undefined {
  const list = [...(files ?? [])];
  return list.find(({ type }) => type.startsWith('image/')) ?? list[0];
}

/** The most pixels that every browser's canvas holds. */
const MAX_CANVAS = 4096 * 4096;

/**
 * A picture's pixels, upright, small enough for a canvas.
 *
 * @throws DOMException where the browser can't decode it
 */
export async function decode(file: Blob): Promise<ImageBitmap> {
  const bitmap = await createImageBitmap(file);
  const pixels = bitmap.width * bitmap.height;
  if (pixels <= MAX_CANVAS) return bitmap;
  const resizeWidth = Math.floor(bitmap.width * Math.sqrt(MAX_CANVAS / pixels));
  const smaller = await createImageBitmap(bitmap, { resizeWidth, resizeQuality: 'high' });
  bitmap.close();
  return smaller;
}
