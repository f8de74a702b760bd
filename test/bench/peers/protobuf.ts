// As much of protobuf's wire format as an ONNX file takes: https://protobuf.dev/programming-guides/encoding/

/** A field of a message: a number is a varint, text and bytes are what they are, a list of fields is a message. */
export type Field = readonly [number: number, value: number | string | Uint8Array | readonly Field[]];

const encoder = new TextEncoder();

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

/** The pieces of a message, in order; weights are not copied before the end. */
function pieces(fields: readonly Field[]): Uint8Array[] {
  return fields.flatMap(([number, value]) => {
    if (typeof value === 'number') return [Uint8Array.from([...varint(number << 3), ...varint(value)])];
    const body =
      typeof value === 'string' ? [encoder.encode(value)] : value instanceof Uint8Array ? [value] : pieces(value);
    const length = body.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return [Uint8Array.from([...varint((number << 3) | 2), ...varint(length)]), ...body];
  });
}

/** A message's bytes. */
export function message(fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const parts = pieces(fields);
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
