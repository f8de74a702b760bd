/** Facts that follow from the stage lists: whether the network resamples at the image, and whether the widths fit. */
import type { AutoencoderDCConfig, StageStack } from './types.ts';

/**
 * Whether the convolution at the image's side (encoder `conv_in`, decoder `conv_out`) resamples directly from or to
 * stage 1.
 */
export function resamplesAtImage(stack: StageStack): boolean {
  return stack.layersPerBlock[0] === 0;
}

/**
 * Returns every problem of the widths that prevents the network from being built, by config.json's keys. Source:
 * diffusers' DCDownBlock2d, DCUpBlock2d, Encoder, Decoder, SanaMultiscaleLinearAttention.
 *
 * @returns one line for each problem; empty for a network that works
 */
export function widthProblems(config: AutoencoderDCConfig): string[] {
  return [...stackProblems('encoder', config.encoder, config), ...stackProblems('decoder', config.decoder, config)];
}

function stackProblems(side: 'encoder' | 'decoder', stack: StageStack, config: AutoencoderDCConfig): string[] {
  const problems: string[] = [];
  const widths = stack.blockOutChannels;
  const key = (i: number): string => `${side}_block_out_channels[${i}]`;
  const at = (i: number): number => widths[i] ?? 0;
  const last = widths.length - 1;
  const unshuffles = side === 'encoder' && config.downsample === 'pixel_unshuffle';

  if (stack.layersPerBlock[0] === 0 && last === 0) {
    problems.push(`${side}_layers_per_block[0] was 0; allowed: at least 1 in a network of one stage`);
    return problems;
  }
  const quarter = (i: number): void => {
    if (unshuffles && at(i) % 4 !== 0) {
      problems.push(
        `${key(i)} was ${at(i)}; allowed: a multiple of 4, as downsample_block_type "pixel_unshuffle" makes it ` +
          'from a quarter of the channels',
      );
    }
  };

  // Follow the channels from the image's side to the latent's; the decoder is the same chain walked the other way.
  const start = resamplesAtImage(stack) ? 1 : 0;
  if (start === 1) quarter(1);
  let current = at(start);
  let from = start;
  for (let i = start; i <= last; i++) {
    if ((stack.layersPerBlock[i] ?? 0) === 0) continue;
    if (at(i) !== current) {
      problems.push(
        `${key(i)} was ${at(i)}; allowed: ${current}, the width of stage ${from}, as no stage with layers lies ` +
          'between to change it',
      );
    }
    if (stack.blockTypes[i] === 'EfficientViTBlock' && at(i) < config.attentionHeadDim) {
      problems.push(
        `${key(i)} was ${at(i)}; allowed: at least attention_head_dim (${config.attentionHeadDim}) in an ` +
          'EfficientViTBlock stage',
      );
    }
    current = at(i);
    from = i;
    if (i === last) continue;
    quarter(i + 1);
    // Channels are averaged on the way down and repeated on the way up: the ratio must be whole.
    if ((4 * at(i)) % at(i + 1) !== 0) {
      const shortcut = side === 'encoder' ? 'averages' : 'repeats';
      problems.push(
        `${key(i + 1)} was ${at(i + 1)}; allowed: a divisor of 4 x ${key(i)} = ${4 * at(i)}, ` +
          `as the shortcut ${shortcut} whole channels`,
      );
    }
    current = at(i + 1);
    from = i + 1;
  }
  if (current !== at(last)) {
    problems.push(
      `${key(last)} was ${at(last)}; allowed: ${current}, the width of stage ${from}, as the stages after it ` +
        'have no layers to change it',
    );
  }

  const shortcut = side === 'encoder' ? config.encoderOutShortcut : config.decoderInShortcut;
  if (shortcut && at(last) % config.latentChannels !== 0) {
    const name = side === 'encoder' ? 'encoder_out_shortcut' : 'decoder_in_shortcut';
    problems.push(
      `${key(last)} was ${at(last)}; allowed: a multiple of latent_channels (${config.latentChannels}) ` +
        `while ${name} is true`,
    );
  }
  return problems;
}
