// Benches save results only on an idle machine.
import { expect, test } from 'vitest';
import { refusalToSave } from './bench/load.mjs';

test('a bench refuses to save above a load of 1.5, unless --busy is given', () => {
  expect(refusalToSave(1.51, { save: true })).toMatch(/above a load of 1\.5.*--busy/s);
  expect(refusalToSave(1.5, { save: true })).toBeUndefined();
  expect(refusalToSave(9, { save: true, busy: true })).toBeUndefined();
  expect(refusalToSave(9, {})).toBeUndefined();
});
