/** Files from outside: picked, pasted, dropped, shared by another app. */

/** Receives the files; the list is empty if nothing dropped or pasted was a file. */
export type Receive = (files: readonly File[]) => void;

/** Listens to the file field, the clipboard, and drags over the window. */
export function listenForFiles(field: HTMLInputElement, receive: Receive): void {
  field.addEventListener('change', () => {
    const files = [...(field.files ?? [])];
    field.value = ''; // so that the same file can be chosen again
    if (files.length > 0) receive(files);
  });

  document.addEventListener('paste', ({ clipboardData, target }) => {
    const typing = target instanceof HTMLInputElement && clipboardData?.files.length === 0;
    if (clipboardData && !typing) receive([...clipboardData.files]);
  });

  let depth = 0; // dragenter and dragleave fire for every element below the pointer
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
    event.preventDefault(); // the browser would open the file in place of the page
    filesIn(event.dataTransfer).then(receive, () => receive([]));
  });
}

/** Returns all files of a drop, with those in its folders. Entries must be read before the event is over. */
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
    // the browser hands out up to a hundred entries at a time
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) break;
    all.push(...some);
  }
  return (await Promise.all(all.map(filesBelow))).flat();
}

// Chromium has these entries, but does not expose their classes.
function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectoryEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** The name of the service worker's cache for files that another app has shared. */
const SHARED = 'shared';

/** Returns the name of the file at an address; as it is written there if its escapes are not text. */
export function nameAt(address: string): string {
  const name = new URL(address, document.baseURI).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Takes the files that another app has shared with this page. */
export async function takeShared(): Promise<File[]> {
  const cache = await caches.open(SHARED);
  const files = await Promise.all(
    (await cache.keys()).map(async (request) => {
      const response = await cache.match(request);
      await cache.delete(request);
      const name = nameAt(request.url);
      return response && new File([await response.blob()], name, { type: response.headers.get('content-type') ?? '' });
    }),
  );
  return files.filter((file) => file !== undefined);
}
