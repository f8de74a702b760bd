// A profiled run reports the time of each layer, by the GPU's own clock if it has one. No test depends on the times.
import { expect, test } from 'vitest';
import type { Profile } from '../../src/index.ts';
import { loadNano } from '../support/nano.ts';

const LATENT = { shape: [2, 16, 3, 5], data: Float32Array.from({ length: 480 }, (_, i) => Math.sin(i)) };

test.for(['timestamps', 'submits'] as const)(
  'a run profiled by %s adds up, and gives the same numbers',
  async (clock, { skip }) => {
    const adapter = await navigator.gpu.requestAdapter();
    if (clock === 'timestamps' && !adapter?.features.has('timestamp-query'))
      skip('this adapter has no timestamp queries');
    const device = await adapter!.requestDevice({
      requiredFeatures: clock === 'timestamps' ? ['timestamp-query'] : [],
    });
    const model = await loadNano({ device, networks: 'decoder' });
    try {
      const plain = await (await model.decode(LATENT)).sample.toArray();
      let profile: Profile | undefined;
      const { sample } = await model.decode(LATENT, { onProfile: (found) => (profile = found) });
      expect(await sample.toArray()).toEqual(plain);
      expect(profile?.clock).toBe(clock);
      const { ms, layers, stages } = profile!;
      const { flops, dispatches } = await model.plan({ which: 'decoder', n: 2, height: 24, width: 40 });
      for (const entries of [layers, stages]) {
        const sum = (key: 'ms' | 'flops' | 'bytes' | 'dispatches') =>
          entries.reduce((all, entry) => all + entry[key], 0);
        expect(sum('ms')).toBeCloseTo(ms);
        expect(sum('dispatches')).toBe(dispatches);
        expect(sum('flops')).toBeGreaterThan(0);
        expect(sum('flops')).toBeLessThanOrEqual(flops * 1.5);
        expect(entries.every((entry) => entry.ms >= 0 && entry.bytes > 0)).toBe(true);
      }
      expect(stages.map(({ name }) => name)).toContain('decoder.up_blocks.1');
      expect(layers.some(({ name }) => name.startsWith('decoder.conv_in '))).toBe(true);
    } finally {
      model.dispose();
      device.destroy();
    }
  },
);
