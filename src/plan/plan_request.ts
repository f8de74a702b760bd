/** What `plan` is asked about. */
export interface PlanRequest {
  readonly which: 'encoder' | 'decoder';
  /** Of the picture, in pixels, for both halves. */
  readonly height: number;
  readonly width: number;
  /** Pictures in the batch: 1 by default. */
  readonly n?: number | undefined;
  /** As in `RunOptions`. */
  readonly memoryBudget?: number | undefined;
}

/** What a run takes. */
export interface PlanSummary {
  /** Bytes that it allocates, weights and results apart. */
  readonly peakBytes: number;
  /** Regions that the image is computed in, one after another: 1 in one piece. */
  readonly regions: number;
  /**
   * What is computed ÷ what one piece would take, 1 to 8: what regions' overlapping halos cost. What would compute more
   * is refused.
   */
  readonly recompute: number;
  readonly dispatches: number;
  /** Of the network as it is written, two for each multiply-add. */
  readonly flops: number;
}
