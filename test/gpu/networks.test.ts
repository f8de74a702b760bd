import { describe, test } from 'vitest';
import type { LoadOptions } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { expectHalves } from '../support/halves.ts';
import { NETWORKS } from '../support/networks.ts';

// Whole networks against diffusers in double precision: test/fixtures/e2e.
const shared = fileGpu();
const note = worstErrors('e2e');

/** Every choice of numbers, then every form of the kernels that this adapter has. */
const adapter = await navigator.gpu.requestAdapter();
const FORMS = (['registers', 'subgroups', 'workgroup'] as const).filter(
  (form) => form !== 'subgroups' || adapter?.features.has('subgroups'),
);
const WAYS: readonly LoadOptions[] = [
  { dtype: 'f32', numerics: 'fast' },
  { dtype: 'f32', numerics: 'strict' },
  { dtype: 'f16', numerics: 'fast' },
  ...FORMS.map((kernels) => ({ dtype: 'f32', numerics: 'fast', kernels }) as const),
  ...(adapter?.features.has('shader-f16') ? [{ dtype: 'f16', numerics: 'half', kernels: 'half' } as const] : []),
];

describe.each(WAYS)('$dtype, $numerics, $kernels', (options) => {
  const { dtype, numerics, kernels = '' } = options;
  test.for(NETWORKS)('%s', async (name) => {
    const { device } = shared.watched;
    await expectHalves(name, {
      ...options,
      device,
      note: (half, network, error) => note([dtype, numerics, kernels, half].join(' '), network, error),
    });
  });
});
