#include <math.h>

#include "CGapKernels.h"
#include "dispatch.h"

GAP_DISPATCHED void gap_adamw(float *values, const float *gradient, float *first, float *second, size_t count,
                              float scale, float decay, float rate1, float root2, float beta1, float beta2,
                              float epsilon) {
  for (size_t i = 0; i < count; i++) {
    float g = gradient[i] * scale;
    float m = first[i] = beta1 * first[i] + (1.0f - beta1) * g;
    float v = second[i] = beta2 * second[i] + (1.0f - beta2) * g * g;
    values[i] = decay * values[i] - rate1 * m / (sqrtf(v) / root2 + epsilon);
  }
}

GAP_DISPATCHED double gap_sum_of_squares(const float *row, size_t count) {
  GAP_REORDER
  double total = 0;
  for (size_t i = 0; i < count; i++) total += (double)row[i] * (double)row[i];
  return total;
}
