// Writes strips of a picture as PNG (RGBA, 8 bits), with the browser's own compression.
import type { Strip } from 'dc-ae-webgpu';

/** Returns a stream of strips, from the top, that writes a PNG to `file` and closes it. */
export function pngFile(file: WritableStream<Uint8Array>): WritableStream<Strip> {
  const output = file.getWriter();
  const deflate = new CompressionStream('deflate');
  const rows = deflate.writable.getWriter();
  const compressed = deflate.readable.pipeTo(
    new WritableStream({ write: (bytes: Uint8Array) => output.write(chunk('IDAT', bytes)) }),
  );
  return new WritableStream<Strip>({
    async write({ y, height, width, data, image }) {
      if (y === 0) {
        await output.write(new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]));
        await output.write(chunk('IHDR', header(image.width, image.height)));
      }
      // Each row begins with the number of its filter: 0, none.
      const filtered = new Uint8Array(height * (1 + 4 * width));
      for (let row = 0; row < height; row++) {
        filtered.set(data.subarray(4 * width * row, 4 * width * (row + 1)), row * (1 + 4 * width) + 1);
      }
      await rows.write(filtered);
    },
    async close() {
      await rows.close();
      await compressed;
      await output.write(chunk('IEND', new Uint8Array(0)));
      await output.close();
    },
    abort: (reason) => output.abort(reason),
  });
}

function header(width: number, height: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(13));
  bytes.setUint32(0, width);
  bytes.setUint32(4, height);
  bytes.setUint16(8, 0x0806); // 8 bits for each channel, RGBA
  return new Uint8Array(bytes.buffer);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
