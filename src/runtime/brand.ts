/** The name of an object's class. Unlike `instanceof`, it recognises objects of other windows and iframes too. */
export function classNameOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is a Blob or a File. */
export function isBlob(value: unknown): value is Blob {
  return ['Blob', 'File'].includes(classNameOf(value));
}
