import { describe, test } from 'vitest';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { expectHalves } from '../support/halves.ts';
import { NETWORKS } from '../support/networks.ts';

// Whole networks against diffusers in double precision: test/fixtures/e2e.
const shared = fileGpu();
const note = worstErrors('e2e');

describe.each([
  { dtype: 'f32', numerics: 'fast' },
  { dtype: 'f32', numerics: 'strict' },
  { dtype: 'f16', numerics: 'fast' },
] as const)('$dtype, $numerics', ({ dtype, numerics }) => {
  test.for(NETWORKS)('%s', async (name) => {
    const { device } = shared.watched;
    await expectHalves(name, {
      dtype,
      numerics,
      device,
      note: (half, network, error) => note(`${dtype} ${numerics} ${half}`, network, error),
    });
  });
});
