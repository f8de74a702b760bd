// SHA-256 in TypeScript equals Node's.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Sha256 } from '../../src/loading/sha256.ts';
import { randomBytes } from '../support/collector.ts';

const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('SHA-256 is what Node says it is, however the bytes come', () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 100_000]) {
    const bytes = randomBytes(length, length + 1);
    for (const piece of [1, 37, 64, 65, 4096]) {
      const hash = new Sha256();
      for (let at = 0; at < length; at += piece) hash.update(bytes.subarray(at, at + piece));
      expect(hash.hex(), `${length} bytes in pieces of ${piece}`).toBe(expected(bytes));
    }
  }
});
