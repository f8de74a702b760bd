/** The name of an object's class. Unlike `instanceof`, it recognises objects of other windows and iframes too. */
export function classNameOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is a Blob or a File. */
export function isBlob(value: unknown): value is Blob {
  return ['Blob', 'File'].includes(classNameOf(value));
}

/** Whether a value is a File. */
export function isFile(value: unknown): value is File {
  return isBlob(value) && 'name' in value && typeof value.name === 'string';
}

/** The bytes of a view, an ArrayBuffer or a SharedArrayBuffer, not copied; `undefined` for anything else. */
export function bufferBytes(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const isBuffer = ['ArrayBuffer', 'SharedArrayBuffer'].includes(classNameOf(value));
  return isBuffer ? new Uint8Array(value as ArrayBuffer) : undefined;
}

/** Whether a value is a URL object. */
export function isUrl(value: unknown): value is URL {
  return classNameOf(value) === 'URL';
}
