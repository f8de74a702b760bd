/** The machine in numbers. */
import { find, make, setText } from '../dom.ts';
import { bytes, count, duration } from '../format.ts';
import type { ModelInfo, Work } from '../model/protocol.ts';

/** Fills in the panel for the curious, and the lines that say what the model runs on. */
export class Curious {
  readonly #list = find('#machine', HTMLElement);
  #model: readonly (readonly [string, string])[] = [];
  #work: readonly (readonly [string, string])[] = [];

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
    const lines = (name: string, { ms, flops, dispatches, peakBytes }: Work) =>
      [
        [name, `${duration(ms)}, ${(flops / 1e9).toFixed(2)} GFLOP, ${(flops / ms / 1e6).toFixed(0)} GFLOP/s`],
        [`${name}: GPU`, `${count(dispatches)} dispatches, ${bytes(peakBytes)} at most`],
      ] as const;
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
