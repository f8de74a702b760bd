// Whole networks, compared with diffusers in double precision (test/fixtures/e2e).
import { describe, inject, test } from 'vitest';
import type { LoadOptions } from '../../src/index.ts';
import { fileGpu } from '../support/device.ts';
import { worstErrors } from '../support/figures.ts';
import { expectNetworks } from '../support/expect_networks.ts';
import { NETWORKS } from '../support/networks.ts';

const shared = fileGpu();
const note = worstErrors('e2e');
/**
 * Where rounding moves a query across attention's jump at zero (test/fixtures/README.md), with f32 weights. In the
 * encoder's first stage it is the one at row 14, column 14 of the first picture, whose largest component is -1e-4 where
 * the rest are about 0.4; in the decoder's last the one at row 9, column 16: -1e-3, and about 9.
 */
const JUMPS = ['multiscale'];

/** Every choice of numbers, then every form of the kernels that this adapter has. */
const adapter = await navigator.gpu.requestAdapter();
const FORMS = (['registers', 'subgroups', 'workgroup'] as const).filter(
  (form) => form !== 'subgroups' || adapter?.features.has('subgroups'),
);
const WAYS: readonly LoadOptions[] = [
  { dtype: 'f32', numerics: 'fast' },
  { dtype: 'f32', numerics: 'strict' },
  { dtype: 'f16', numerics: 'fast' },
  { dtype: 'f32', activations: 'f16', numerics: 'fast' },
  { dtype: 'f16', activations: 'f16', numerics: 'fast' },
  { dtype: 'f16', activations: 'f16', numerics: 'fast', kernels: 'workgroup' },
  ...FORMS.map((kernels) => ({ dtype: 'f32', numerics: 'fast', kernels }) as const),
  ...(adapter?.features.has('shader-f16')
    ? [{ dtype: 'f16', numerics: 'fast', products: 'f16', kernels: 'f16' } as const]
    : []),
];

/**
 * The networks that a way runs on: every network in f32 and in f16, and a few of them, in turn, in all other ways. A
 * second adapter runs a few networks in f32.
 */
function networksOf(way: LoadOptions): readonly string[] {
  const i = WAYS.indexOf(way);
  const variants = inject('variants');
  if (variants === 'few') return i === 0 ? NETWORKS.filter((_, network) => network % 6 === 0) : [];
  if (variants === 'all' || i === 0) return NETWORKS;
  const isF16 = way.dtype === 'f16' && way.activations === 'f16' && way.kernels === undefined;
  return isF16 ? NETWORKS : NETWORKS.filter((_, network) => network % 6 === i % 6);
}

describe.each(WAYS.filter((way) => networksOf(way).length > 0))(
  '$dtype, activations $activations, $numerics, $kernels',
  (options) => {
    const { dtype, activations = 'f32', numerics, kernels = '' } = options;
    test.for(networksOf(options))('%s', async (name) => {
      const { device } = shared.watched;
      await expectNetworks(name, {
        ...options,
        except: dtype === 'f32' && activations === 'f16' && JUMPS.includes(name) ? ['latent', 'reconstruction'] : [],
        device,
        note: (output, network, error) =>
          note([dtype, activations, numerics, kernels, output].join(' '), network, error),
      });
    });
  },
);
