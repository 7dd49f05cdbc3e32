// Products of rows of 8-bit numbers about a centre, twice as fast as those of 16 bits (vpdpbusd), to decide most
// comparisons of scores; fixed.c decides the others.
//
// Goals, in order: exact sums, so that rounding the rows is the only error and is known; speed.
// Panels are those of fixed.c, with words of four numbers. The instruction takes numbers without sign from the left: 128
// is added there, and 128 times a right row's sum is taken off with what else is added to every score of the row.
// Elsewhere (no VNNI) nothing is gained over 16 bits: there are no such products.
#include <math.h>
#include <string.h>

#include "CGapKernels.h"
#include "dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LEFT = GAP_FIXED_LEFT, RIGHT = GAP_FIXED_RIGHT, CHUNK = 256 };

GAP_DISPATCHED static void round_row(const double *row, const double *centre, double scale, int32_t *rounded,
                                     size_t count, double *lost, double *square) {
  GAP_REORDER
  double errors = 0, squares = 0;
  for (size_t k = 0; k < count; k++) {
    double centred = row[k] - centre[k], scaled = centred * scale;
    scaled = scaled > 127 ? 127 : scaled < -127 ? -127 : scaled;
    int32_t whole = (int32_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    double left = centred - whole / scale;
    errors += left * left;
    squares += centred * centred;
    rounded[k] = whole;
  }
  *lost += errors;
  *square += squares;
}

gap_coarse_row gap_coarse_pack(const double *row, const double *centre, size_t count, double scale, uint8_t *panel,
                               size_t lane, int is_left) {
  int32_t rounded[CHUNK];
  gap_coarse_row packed = {0, 0, 0};
  size_t lanes = is_left ? LEFT : RIGHT;
  for (size_t start = 0; start < count; start += CHUNK) {
    size_t length = count - start < CHUNK ? count - start : CHUNK;
    round_row(row + start, centre + start, scale, rounded, length, &packed.error, &packed.length);
    for (size_t k = 0; k < length; k++) {
      packed.sum += rounded[k];
      panel[((start + k) / 4 * lanes + lane) * 4 + k % 4] = (uint8_t)(rounded[k] + (is_left ? 128 : 0));
    }
  }
  packed.error = sqrt(packed.error);
  packed.length = sqrt(packed.length);
  return packed;
}

#if defined(__x86_64__)
int gap_coarse_suits(void) {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) static void multiply(const uint8_t *left, const uint8_t *right,
                                                                            size_t words, const int32_t *left_offsets,
                                                                            const int32_t *right_offsets,
                                                                            int32_t *scores, size_t stride) {
  __m512i sums[LEFT][3];
#pragma clang loop unroll(full)
  for (int j = 0; j < 3; j++) {
    __m512i offsets = _mm512_loadu_si512(right_offsets + 16 * j);
#pragma clang loop unroll(full)
    for (int i = 0; i < LEFT; i++) sums[i][j] = _mm512_add_epi32(offsets, _mm512_set1_epi32(left_offsets[i]));
  }
  for (size_t k = 0; k < words; k++, left += 4 * LEFT, right += 4 * RIGHT) {
    __m512i r0 = _mm512_loadu_si512(right), r1 = _mm512_loadu_si512(right + 64), r2 = _mm512_loadu_si512(right + 128);
    int32_t a[LEFT];
    memcpy(a, left, sizeof a);
#pragma clang loop unroll(full)
    for (int i = 0; i < LEFT; i++) {
      __m512i l = _mm512_set1_epi32(a[i]);
      sums[i][0] = _mm512_dpbusd_epi32(sums[i][0], l, r0);
      sums[i][1] = _mm512_dpbusd_epi32(sums[i][1], l, r1);
      sums[i][2] = _mm512_dpbusd_epi32(sums[i][2], l, r2);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < LEFT; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < 3; j++) _mm512_storeu_si512(scores + i * stride + 16 * j, sums[i][j]);
}
#else
int gap_coarse_suits(void) { return 0; }

static void multiply(const uint8_t *left, const uint8_t *right, size_t words, const int32_t *left_offsets,
                     const int32_t *right_offsets, int32_t *scores, size_t stride) {}
#endif

void gap_coarse_products(const uint8_t *left, const int32_t *left_offsets, size_t left_panels, const uint8_t *right,
                         const int32_t *right_offsets, size_t right_panels, size_t words, int32_t *scores,
                         size_t stride) {
  for (size_t j = 0; j < right_panels; j++)
    for (size_t i = 0; i < left_panels; i++)
      multiply(left + i * words * 4 * LEFT, right + j * words * 4 * RIGHT, words, left_offsets + i * LEFT,
               right_offsets + j * RIGHT, scores + i * LEFT * stride + j * RIGHT, stride);
}
