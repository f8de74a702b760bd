// Weights that depend only on a name. The Python that made the fixtures computes the same bits
// (test/fixtures/README.md).

/** FNV-1a over the UTF-8 bytes of `text`, in 32 bits. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Offset and scale of the values of the tensor `name`. */
function affine(name: string, shape: readonly number[]): readonly [offset: number, scale: number] {
  switch (name.slice(name.lastIndexOf('.') + 1)) {
    case 'running_var':
      return [1, 0.5];
    case 'running_mean':
      return [0, 0.25];
    case 'num_batches_tracked':
      return [0, 0];
    case 'bias':
      return [0, 0.1];
    case 'weight':
      return shape.length === 1 ? [1, 0.25] : [0, Math.sqrt(3 / shape.slice(1).reduce((a, b) => a * b, 1))];
    default:
      return [0, 1];
  }
}

/**
 * The tensor called `name`, row-major.
 *
 * @param name - its key in the diffusers-format state dict, or `input`
 * @param shape - its shape there
 * @param target - receives the tensor, or the part of it that begins at element `first`
 */
export function hashTensor(
  name: string,
  shape: readonly number[],
  target = new Float32Array(shape.reduce((a, b) => a * b, 1)),
  first = 0,
): Float32Array<ArrayBuffer> {
  const [offset, scale] = affine(name, shape);
  let counter = (fnv1a32(name) + Math.imul(first, 0x9e3779b9)) | 0;
  for (let i = 0; i < target.length; i++) {
    let x = counter;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    x ^= x >>> 16;
    target[i] = offset + scale * (((x >>> 8) - 8388608) / 8388608);
    counter = (counter + 0x9e3779b9) | 0;
  }
  return target;
}
