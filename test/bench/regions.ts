// The cost of regions: the recompute factor of default plans, for each family of networks, size and budget.
import { parseConfig } from '../../src/config/config.ts';
import { DcAeError } from '../../src/index.ts';
import { compressionRatio, decoder, encoder } from '../../src/model/autoencoder.ts';
import { planNetwork } from '../../src/plan/plan.ts';
import { DESKTOP_LIMITS } from '../support/desktop_limits.ts';

const MiB = 2 ** 20;
const SIDES = [1024, 2048, 4096, 8192];
const BUDGETS = [256, 1024, 4096];

/** A network's name and its config.json. */
export interface Family {
  readonly name: string;
  readonly config: unknown;
}

/**
 * The table, in Markdown: recompute factor and, in brackets, regions; where a budget is too small, the smallest that
 * does.
 */
export function regionTable(families: readonly Family[]): string {
  const lines = [
    `| checkpoint | network | side | numerics | ${BUDGETS.map((budget) => `${budget} MiB`).join(' | ')} |`,
    `|---|---|---|---|${BUDGETS.map(() => '---|').join('')}`,
  ];
  for (const { name, config } of families) {
    const parsed = parseConfig(config);
    for (const network of [encoder(parsed), decoder(parsed)]) {
      for (const side of SIDES) {
        for (const numerics of ['fast', 'strict'] as const) {
          const cells = BUDGETS.map((budget) => cell(network, side, numerics, budget));
          lines.push(`| ${name} | ${network.type} | ${side} | ${numerics} | ${cells.join(' | ')} |`);
        }
      }
    }
  }
  return lines.join('\n');
}

function cell(
  network: ReturnType<typeof encoder> | ReturnType<typeof decoder>,
  side: number,
  numerics: 'fast' | 'strict',
  budget: number,
): string {
  const pixels = network.type === 'Encoder' ? side : side / compressionRatio(network);
  const kernels = { conv: 'workgroup', multiply: 'workgroup' } as const;
  const target = { weights: 'f32', activations: 'f32', software: false, kernels, numerics, products: 'f32' } as const;
  try {
    const plan = planNetwork(network, { n: 1, height: pixels, width: pixels }, target, DESKTOP_LIMITS, budget * MiB);
    return `${plan.recompute.toFixed(2)} (${plan.regions})`;
  } catch (error) {
    if (!(error instanceof DcAeError)) throw error;
    return `needs ${/about (\d+ MiB)/.exec(error.message)?.[1] ?? 'more'}`;
  }
}
