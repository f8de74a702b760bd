/** How files come in: picked, pasted, dropped, shared. */

/** Receives the files; not called if there are none. */
export type Receive = (files: readonly File[]) => void;

/** Listens to the file fields, the clipboard and whatever is dragged over the window. */
export function listen(fields: readonly HTMLInputElement[], receive: Receive): void {
  for (const field of fields) {
    field.addEventListener('change', () => {
      const files = [...(field.files ?? [])];
      field.value = ''; // so that the same file can be chosen again
      if (files.length > 0) receive(files);
    });
  }

  document.addEventListener('paste', ({ clipboardData, target }) => {
    const typing = target instanceof HTMLInputElement && clipboardData?.files.length === 0;
    if (clipboardData && !typing) receive([...clipboardData.files]);
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
    if (!holdsFile(event) || !event.dataTransfer) return;
    event.preventDefault(); // or the browser would leave the page for the file
    filesIn(event.dataTransfer).then(receive, () => receive([]));
  });
}

/** All files of a drop, those in its folders too. Entries must be asked for before the event is over. */
async function filesIn({ items, files }: DataTransfer): Promise<File[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.some(({ isDirectory }) => isDirectory)) return [...files];
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<File[]> {
  if (isFileEntry(entry)) {
    return [await new Promise<File>((resolve, reject) => entry.file(resolve, reject))];
  }
  if (!isDirectoryEntry(entry)) return [];
  const reader = entry.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    // it hands out a hundred at a time
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    all.push(...some);
  }
  return (await Promise.all(all.map(filesBelow))).flat();
}

// Chromium has entries, but not the classes that they are instances of.
function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectoryEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** The name of the cache in which the service worker leaves files that another app shared with this one. */
const SHARED = 'shared';

/** Takes the files that another app shared with this one. */
export async function takeShared(): Promise<File[]> {
  const cache = await caches.open(SHARED);
  const files = await Promise.all(
    (await cache.keys()).map(async (request) => {
      const response = await cache.match(request);
      await cache.delete(request);
      const name = decodeURIComponent(new URL(request.url).pathname.split('/').at(-1) ?? 'picture');
      return response && new File([await response.blob()], name, { type: response.headers.get('content-type') ?? '' });
    }),
  );
  return files.filter((file) => file !== undefined);
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
