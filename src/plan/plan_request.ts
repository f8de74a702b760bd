/** The input that `plan()` plans for. */
export interface PlanRequest {
  readonly which: 'encoder' | 'decoder';
  /** Height and width of the picture in pixels, for the encoder and for the decoder. */
  readonly height: number;
  readonly width: number;
  /** Pictures in the batch; 1 by default. */
  readonly n?: number | undefined;
  /** Limit on the bytes of activations, as in `RunOptions`. */
  readonly memoryBudget?: number | undefined;
}

/** Memory and work of a run. */
export interface PlanSummary {
  /** Bytes that the run allocates, without weights and results. */
  readonly peakBytes: number;
  /** Regions that the image is computed in, one after another; 1 if it fits in one piece. */
  readonly regions: number;
  /**
   * FLOPs of all regions divided by the FLOPs of one piece, from 1 to 8. Above 1 regions compute each other's halos
   * again. A plan that would exceed 8 is refused.
   */
  readonly recompute: number;
  readonly dispatches: number;
  /** FLOPs of the network as defined, two for each multiply-add. */
  readonly flops: number;
}
