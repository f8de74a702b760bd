/** Saving files, and links to hosted files. */

/** Saves a file under a name, as a download. */
export function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Returns a file name for a title, with another extension. */
export function fileName(title: string, ending: string): string {
  const stem = title.replace(/\.\w{2,5}$/, '').replace(/[^\p{Letter}\p{Number}._-]+/gu, '-');
  return `${stem.replace(/^[-.]+|[-.]+$/g, '') || 'picture'}.${ending}`;
}

/** Returns the link that opens a hosted file in this page; undefined if the address is invalid. */
export function linkTo(address: string): string | undefined {
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    return undefined;
  }
  if (!/^https?:$/.test(url.protocol)) return undefined;
  const link = new URL(location.pathname, location.origin);
  link.searchParams.set('open', url.href);
  return link.href;
}
