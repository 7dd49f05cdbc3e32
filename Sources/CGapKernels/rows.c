// Kernels over one row of doubles. Sums run in sixteen fixed lanes that are added in a fixed order: fast on every
// instruction set, and the same bits for the same numbers.
#include "CGapKernels.h"
#include "dispatch.h"

#include <math.h>
#include <string.h>

enum { LANES = 16 };

static inline double lane_total(const double lanes[LANES]) {
  double total = 0;
  for (int l = 0; l < LANES / 2; l++) total += lanes[l] + lanes[l + LANES / 2];
  return total;
}

GAP_DISPATCHED double gap_dot(const double *a, const double *b, size_t count) {
  double lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += a[i + l] * b[i + l];
  for (int l = 0; i < count; i++, l++) lanes[l] += a[i] * b[i];
  return lane_total(lanes);
}

GAP_DISPATCHED double gap_squared_distance(const double *a, const double *b, size_t count) {
  double lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) {
      double difference = a[i + l] - b[i + l];
      lanes[l] += difference * difference;
    }
  for (int l = 0; i < count; i++, l++) {
    double difference = a[i] - b[i];
    lanes[l] += difference * difference;
  }
  return lane_total(lanes);
}

GAP_DISPATCHED void gap_divide(double *row, double divisor, size_t count) {
  for (size_t i = 0; i < count; i++) row[i] /= divisor;
}

GAP_DISPATCHED void gap_add(double *total, const double *row, size_t count) {
  for (size_t i = 0; i < count; i++) total[i] += row[i];
}

GAP_DISPATCHED void gap_subtract(double *row, const double *other, size_t count) {
  for (size_t i = 0; i < count; i++) row[i] -= other[i];
}

GAP_DISPATCHED void gap_narrow(const double *row, double factor, float *target, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] = (float)(row[i] * factor);
}

double gap_largest_magnitude(const double *row, size_t count) {
  double largest = 0;
  for (size_t i = 0; i < count; i++) {
    double magnitude = fabs(row[i]);
    if (!(magnitude <= largest)) largest = magnitude;  // NaN sticks
  }
  return largest;
}

static inline uint64_t mixed(uint64_t h) {
  h ^= h >> 32;
  h *= 0x9e3779b97f4a7c15u;
  h ^= h >> 29;
  return h;
}

GAP_DISPATCHED void gap_hash(const double *row, size_t count, uint64_t hash[2]) {
  uint64_t first[4] = {1, 2, 3, 4}, second[4] = {5, 6, 7, 8};
  size_t i = 0;
  for (; i < count; i++) {
    double value = row[i] + 0.0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t l = i & 3;
    first[l] = (first[l] ^ bits) * 0xff51afd7ed558ccdu;
    first[l] ^= first[l] >> 31;
    second[l] = (second[l] + bits) * 0xc4ceb9fe1a85ec53u;
    second[l] ^= second[l] >> 29;
  }
  hash[0] = mixed(first[0]) + mixed(first[1] * 3) + mixed(first[2] * 5) + mixed(first[3] * 7);
  hash[1] = mixed(second[0]) + mixed(second[1] * 3) + mixed(second[2] * 5) + mixed(second[3] * 7);
}
