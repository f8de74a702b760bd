// Minimal filtering (Winograd 1980; arXiv 1509.09308 for convolutions). A tile of SIZE x SIZE pixels d and a kernel g
// give A' [(G g G') * (B' d B)] A, where * multiplies matrices of channels, one at each of the SIZE x SIZE positions.
// Each pass applies one of A, B and G.
//
// f2: F(2x2, 3x3).
// f4: F(4x4, 3x3) at the points 0, ±3/4, ±3/2 and infinity. Its errors are less than half those of 0, ±1, ±2, infinity.
// phases: a 3x3 convolution of a nearest x2 upsampling of x. Along a side, outputs 2 i and 2 i + 1 are
//   (g0 + g1 + g2) x[i] + g0 (x[i - 1] - x[i]) and
//   (g0 + g1 + g2) x[i] + g2 (x[i + 1] - x[i]): three products instead of six, and only sums are rounded.
@if(f4) const SIZE = 6u;
@if(f2) const SIZE = 4u;
@if(phases) const SIZE = 3u;
