// The inner loop of the permutation null of linear CKA: a row of one Gram matrix, gathered in permuted order,
// against a row of the other.
#include "CGapKernels.h"
#include "dispatch.h"

GAP_DISPATCHED double gap_gathered_dot(const float *a, const int32_t *index, const float *b, size_t count) {
  GAP_REORDER
  double sum = 0;
  for (size_t start = 0; start < count; start += 512) {
    size_t end = start + 512 < count ? start + 512 : count;
    float partial = 0;
    for (size_t j = start; j < end; j++) partial += a[index[j]] * b[j];
    sum += partial;
  }
  return sum;
}
