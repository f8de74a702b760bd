// Thousands of mutated safetensors headers: each is refused as damaged, or is sound.
import { describe, expect, test } from 'vitest';
import { CheckpointError } from '../../src/errors.ts';
import { parseHeader } from '../../src/weights/format/safetensors.ts';
import { DTYPE_BYTES } from '../../src/weights/format/tensor_info.ts';
import { readHeader } from '../../src/weights/read/header.ts';
import { readBytes } from '../support/fixtures.ts';
import { randomFrom } from '../support/memory_source.ts';

const parse = (bytes: Uint8Array, size = bytes.length) => parseHeader(bytes, size, 'model.safetensors');

describe('thousands of mutated headers', () => {
  /** A mutated file must be refused as damaged, or have a sound header. */
  const check = async (bytes: Uint8Array, size: number): Promise<'sound' | 'refused'> => {
    const source = {
      size: async () => size,
      read: async (_: string, start: number, end: number) => {
        if (end > size) throw new Error(`asked for byte ${end} of a file of ${size}`);
        const part = new Uint8Array(end - start);
        part.set(bytes.subarray(start, end));
        return part;
      },
    };
    let header;
    try {
      header = await readHeader(source, 'model.safetensors');
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      if (error.message.length > 5000) throw new Error(`a message of ${error.message.length} characters`);
      return 'refused';
    }
    let position = header.dataStart;
    for (const { start, end, shape, dtype } of header.tensors) {
      const each = Object.hasOwn(DTYPE_BYTES, dtype) ? DTYPE_BYTES[dtype] : undefined;
      const bytes = each === undefined ? end - start : shape.reduce((product, n) => product * n, each);
      if (start !== position || end - start !== bytes) throw new Error('a header with holes or wrong sizes passed');
      position = end;
    }
    if (position !== size) throw new Error('a header that does not cover its file passed');
    return 'sound';
  };

  test.each([
    ['e2e/sana-like/diffusion_pytorch_model.safetensors', 1],
    ['e2e/bf16-weights/diffusion_pytorch_model.safetensors', 2],
    ['e2e/original-in/model.safetensors', 3],
  ])('of %s neither crash, hang, nor make room for more than the file has', async (path, seed) => {
    const original = new Uint8Array(await readBytes(`test/fixtures/${path}`));
    const random = randomFrom(seed);
    const { dataStart } = parse(original);
    // Numbers and signs that header parsers fall over, put where the text has its own.
    const tokens = [
      '-1',
      '1e308',
      '9007199254740993',
      '0',
      '""',
      'null',
      '[]',
      '{}',
      '[[',
      '}',
      ',',
      '"F32"',
      '\\u0000',
      '"',
      ':',
      '1.5',
      'NaN',
      '\ud800',
    ];
    const outcomes = { sound: 0, refused: 0 };
    for (let i = 0; i < 1500; i++) {
      let header = original.slice(8, dataStart);
      let length = BigInt(header.length);
      let size = original.length;
      switch (random(7)) {
        case 0: // bits
          for (let n = random(4); n >= 0; n--) header[random(header.length)]! ^= 1 << random(8);
          break;
        case 1: // digits: the text stays JSON, the numbers lie
          for (let n = 0; n < 2; n++) {
            const at = random(header.length);
            const digit = header.findIndex((byte, j) => j >= at && byte >= 48 && byte <= 57);
            if (digit >= 0) header[digit] = 48 + random(10);
          }
          break;
        case 2: // a token in place of others
          header = splice(header, random(header.length), random(12), tokens[random(tokens.length)]!);
          break;
        case 3: // a part twice
          header = splice(
            header,
            random(header.length),
            0,
            text(header).slice(random(header.length)).slice(0, random(300)),
          );
          break;
        case 4: // a part less
          header = splice(header, random(header.length), random(300), '');
          break;
        case 5: // the length lies
          length = [0n, 1n, 2n ** 64n - 1n, 2n ** 53n, 99_999_999n, BigInt(random(2 * dataStart))][random(6)]!;
          break;
        default: // the file ends elsewhere
          size = random(2 * original.length);
      }
      if (length === BigInt(dataStart - 8)) length = BigInt(header.length);
      const bytes = new Uint8Array(8 + header.length);
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      bytes.set(header, 8);
      size += header.length - (dataStart - 8);
      outcomes[await check(bytes.subarray(0, Math.max(0, size)), Math.max(0, size))]++;
    }
    expect(outcomes.refused).toBeGreaterThan(1000);
    expect(outcomes.sound).toBeGreaterThan(0); // a changed letter in a name does no harm
  });
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: string): Uint8Array<ArrayBuffer> {
  const middle = new TextEncoder().encode(insert);
  return new Uint8Array([...bytes.subarray(0, at), ...middle, ...bytes.subarray(at + remove)]);
}
