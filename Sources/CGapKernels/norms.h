#ifndef GAP_NORMS_H
#define GAP_NORMS_H

#include <math.h>
#include <stddef.h>

#include "dispatch.h"

// The gradient of a division by the root of the mean square: dx = s (w g) - t x, with s = 1 / sqrt(mean x^2 + e) and
// t = s^3 mean(x w g). Sums in double precision.
static inline __attribute__((always_inline)) void gap_rms_slopes(const float *x, const float *weight, float epsilon,
                                                                 float offset, const float *g, size_t count, float *s,
                                                                 float *t) {
  GAP_REORDER
  double sum = 0, dot = 0;
  for (size_t i = 0; i < count; i++) {
    sum += (double)x[i] * x[i];
    dot += (double)x[i] * ((weight[i] + offset) * g[i]);
  }
  double scale = 1.0 / sqrt(sum / (double)count + epsilon);
  *s = (float)scale;
  *t = (float)(scale * scale * scale * dot / (double)count);
}

#endif
