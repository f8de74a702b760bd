/** The shape of a parsed config. `config.ts` makes one. */

/** The two kinds of block that a stage is made of. */
export type BlockType = 'ResBlock' | 'EfficientViTBlock';

/**
 * The norm at the end of a block's branch: RMS over channels, or batch norm with running statistics. Both have eps
 * 1e-5.
 */
export type NormType = 'rms_norm' | 'batch_norm';

/** The activations of diffusers' `get_activation`; its `swish` is `silu`, and `gelu` is the exact one (erf). */
export type ActivationName = 'silu' | 'relu' | 'gelu' | 'mish';

/**
 * One network, stage by stage. Index 0 is the stage at full resolution in *both* networks, as in diffusers: the decoder
 * runs through its lists backwards. Every list has one entry for each stage.
 */
export interface StageStack {
  readonly blockTypes: readonly BlockType[];
  /** Width of each stage, in channels. */
  readonly blockOutChannels: readonly number[];
  /** Blocks in each stage. A stage without any doesn't resample either. */
  readonly layersPerBlock: readonly number[];
  /** Kernel sizes (odd, in pixels) of the depthwise branches of each stage's attention; unused in ResBlock stages. */
  readonly qkvMultiscales: readonly (readonly number[])[];
  /** Always `rms_norm` in the encoder. */
  readonly normTypes: readonly NormType[];
  /** Always `silu` in the encoder. EfficientViT blocks don't look at it: their SiLU is fixed. */
  readonly actFns: readonly ActivationName[];
}

/** A diffusers `AutoencoderDC` config: checked, complete, per-stage lists expanded, deeply frozen. */
export interface AutoencoderDCConfig {
  /** Channels of the image: 3 for RGB. */
  readonly inChannels: number;
  /** Channels of the latent. */
  readonly latentChannels: number;
  /** Channels per head in the linear attention. */
  readonly attentionHeadDim: number;
  readonly encoder: StageStack;
  readonly decoder: StageStack;
  /** `conv`: 3×3 with stride 2. `pixel_unshuffle`: 3×3 to a quarter of the channels, then space to depth. */
  readonly downsample: 'conv' | 'pixel_unshuffle';
  /** `interpolate`: nearest ×2, then 3×3. `pixel_shuffle`: 3×3 to four times the channels, then depth to space. */
  readonly upsample: 'interpolate' | 'pixel_shuffle';
  /** Whether the encoder adds its last features, averaged over groups of channels, to the latent. */
  readonly encoderOutShortcut: boolean;
  /** Whether the decoder adds the latent, each channel repeated, to its first features. */
  readonly decoderInShortcut: boolean;
  /** Between the decoder's last norm and its last convolution. */
  readonly decoderConvActFn: ActivationName;
  /**
   * Diffusion models see `latent * scalingFactor`. `encode` doesn't multiply by it and `decode` doesn't divide, as in
   * diffusers.
   */
  readonly scalingFactor: number;
  /**
   * The quantiser's step at quality 50, for all channels, in the units of the latent: `uniform_quantiser_step` in
   * config.json, a key of this package. A model that was trained with a rate in its loss has it. If absent, the codec
   * chooses a step for each channel from `scalingFactor` and the latent's statistics.
   */
  readonly uniformQuantiserStep?: number | undefined;
}
