/** The machine in numbers. */
import { find, make, setText } from '../dom.ts';
import { bytes, count, duration } from '../format.ts';
import type { ModelInfo, Work } from '../model/protocol.ts';

type Line = readonly [name: string, value: string];

/** Fills in the panel for the curious, and the lines that say what the model runs on. */
export class Curious {
  readonly #list = find('#machine', HTMLElement);
  #model: readonly Line[] = [];
  #work: readonly Line[] = [];

  model({ adapter, weightBytes, dtype, config }: ModelInfo): void {
    setText('#adapter', adapter.name);
    find('#software', HTMLElement).hidden = !adapter.software;
    const limits = Object.entries(adapter.limits).map(
      ([name, value]) => [name, value >= 65536 ? bytes(value) : count(value)] as const,
    );
    this.#model = [
      ['Adapter', adapter.name],
      ['Features', adapter.features.join(', ') || 'none'],
      ...limits,
      ['Weights', `${bytes(weightBytes)} in ${dtype}`],
      ['Latent', `${config.latentChannels} channels, scaled by ${config.scalingFactor}`],
    ];
    this.#show();
  }

  work(encode: Work | undefined, decode: Work): void {
    const lines = (name: string, { ms, flops, dispatches, peakBytes, regions, recompute, profile }: Work) =>
      [
        [name, `${duration(ms)}, ${(flops / 1e9).toFixed(2)} GFLOP, ${(flops / ms / 1e6).toFixed(0)} GFLOP/s`],
        [`${name}: GPU`, `${count(dispatches)} dispatches, ${bytes(peakBytes)} at most`],
        [
          `${name}: plan`,
          `${count(regions)} ${regions === 1 ? 'region' : 'regions'}, ${recompute.toFixed(2)} × the work of one piece`,
        ],
        ...stagesOf(name, profile),
      ] satisfies Line[];
    this.#work = [...(encode ? lines('Encode', encode) : []), ...lines('Decode', decode)];
    this.#show();
  }

  #show(): void {
    this.#list.replaceChildren(
      ...[...this.#model, ...this.#work].flatMap(([name, value]) => [
        make('dt', { textContent: name }),
        make('dd', { textContent: value }),
      ]),
    );
  }
}

function stagesOf(name: string, profile: Work['profile']): Line[] {
  if (!profile) return [];
  const clock =
    profile.clock === 'submits'
      ? 'no timestamp-query on this device: each dispatch was timed from outside, its submit too'
      : 'by timestamp queries';
  return [[`${name}: stages`, clock], ...profile.stages.map(({ name: stage, ms }): Line => [stage, duration(ms)])];
}
