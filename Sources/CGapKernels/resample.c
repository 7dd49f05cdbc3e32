// The two passes of an antialiased resize of 8-bit RGB rows, with weights in fixed point.
// A pixel's three channels are no vector, so the horizontal pass turns a block of rows on its side: then one weight
// serves GAP_RESAMPLE_ROWS rows of a channel at once.
#include "CGapKernels.h"
#include "dispatch.h"

enum { LANES = 3 * GAP_RESAMPLE_ROWS, STRIP = 256, HALF = 1 << (GAP_RESAMPLE_BITS - 1) };

static inline __attribute__((always_inline)) uint8_t clipped(int32_t sum) {
  sum >>= GAP_RESAMPLE_BITS;
  return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

GAP_DISPATCHED void gap_resample_across(const uint8_t *source, size_t source_start, size_t source_stride, size_t rows, size_t columns,
                                        const int32_t *starts, const int32_t *counts, const int32_t *weights,
                                        size_t taps, uint8_t *target, size_t target_start, size_t target_columns,
                                        uint8_t *turned) {
  source += source_start;
  target += target_start;
  for (size_t lane = 0; lane < GAP_RESAMPLE_ROWS; lane++) {
    const uint8_t *row = source + (lane < rows ? lane : 0) * source_stride;
    for (size_t x = 0; x < columns; x++) {
      uint8_t *pixel = turned + x * LANES + lane;
      pixel[0] = row[x * 3];
      pixel[GAP_RESAMPLE_ROWS] = row[x * 3 + 1];
      pixel[2 * GAP_RESAMPLE_ROWS] = row[x * 3 + 2];
    }
  }
  for (size_t x = 0; x < target_columns; x++) {
    const uint8_t *pixels = turned + (size_t)starts[x] * LANES;
    const int32_t *weight = weights + x * taps;
    int32_t sums[LANES];
    uint8_t bytes[LANES];
    for (size_t i = 0; i < LANES; i++) sums[i] = HALF;
    for (int32_t tap = 0; tap < counts[x]; tap++) {
      for (size_t i = 0; i < LANES; i++) sums[i] += weight[tap] * pixels[(size_t)tap * LANES + i];
    }
    for (size_t i = 0; i < LANES; i++) bytes[i] = clipped(sums[i]);
    for (size_t lane = 0; lane < rows; lane++) {
      uint8_t *pixel = target + (lane * target_columns + x) * 3;
      pixel[0] = bytes[lane];
      pixel[1] = bytes[GAP_RESAMPLE_ROWS + lane];
      pixel[2] = bytes[2 * GAP_RESAMPLE_ROWS + lane];
    }
  }
}

GAP_DISPATCHED void gap_resample_down(const uint8_t *source, size_t source_start, size_t stride, const int32_t *weights,
                                      size_t weights_start, size_t count, uint8_t *target, size_t target_start) {
  source += source_start;
  weights += weights_start;
  target += target_start;
  for (size_t start = 0; start < stride; start += STRIP) {
    size_t width = stride - start < STRIP ? stride - start : STRIP;
    int32_t sums[STRIP];
    for (size_t i = 0; i < STRIP; i++) sums[i] = HALF;
    for (size_t tap = 0; tap < count; tap++) {
      const uint8_t *row = source + tap * stride + start;
      for (size_t i = 0; i < width; i++) sums[i] += weights[tap] * row[i];
    }
    for (size_t i = 0; i < width; i++) target[start + i] = clipped(sums[i]);
  }
}
