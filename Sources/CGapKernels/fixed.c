// Products of 16-bit fixed-point rows in 32-bit integers: exact, so that only the rounding of the rows is an error,
// and more than twice as fast as single precision where the processor has VNNI (vpdpwssd).
//
// Goals, in order: exact sums; one result on every processor; speed.
// Rows lie in panels: a panel holds GAP_FIXED_LEFT or GAP_FIXED_RIGHT rows side by side, for each pair of columns one
// 32-bit word a row. A micro-kernel multiplies one left panel by one right panel: 8 x 48 sums in 24 of 32 registers.
// A row of length 1 becomes one of length 32767 + sqrt(d)/2, so that no partial sum reaches 2^31 (Cauchy-Schwarz).
// Rejected: bfloat16 products, equally fast, whose rounding is ten times coarser. 8-bit products (coarse.c) are twice as
// fast; these then decide what those leave open.
#include <math.h>
#include <string.h>

#include "CGapKernels.h"
#include "dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LEFT = GAP_FIXED_LEFT, RIGHT = GAP_FIXED_RIGHT };

GAP_DISPATCHED static double round_row(const double *row, int32_t *rounded, size_t count) {
  GAP_REORDER
  double error = 0;
  for (size_t k = 0; k < count; k++) {
    double scaled = row[k] * GAP_FIXED_ONE;
    int32_t whole = (int32_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    double lost = scaled - whole;
    error += lost * lost;
    rounded[k] = whole;
  }
  return error;
}

double gap_fixed_pack(const double *row, size_t count, int16_t *panel, size_t lane, size_t lanes) {
  enum { CHUNK = 256 };
  int32_t rounded[CHUNK];
  double error = 0;
  for (size_t start = 0; start < count; start += CHUNK) {
    size_t length = count - start < CHUNK ? count - start : CHUNK;
    error += round_row(row + start, rounded, length);
    if (length & 1) rounded[length] = 0;
    int16_t *words = panel + start * lanes + 2 * lane;
    for (size_t k = 0; k < length; k += 2, words += 2 * lanes) {
      words[0] = (int16_t)rounded[k];
      words[1] = (int16_t)rounded[k + 1];
    }
  }
  return sqrt(error) / GAP_FIXED_ONE;
}

typedef void micro_kernel(const int16_t *left, const int16_t *right, size_t words, int32_t *scores, size_t stride);

static void plain(const int16_t *left, const int16_t *right, size_t words, int32_t *scores, size_t stride) {
  for (size_t i = 0; i < LEFT; i++) {
    int32_t sums[RIGHT] = {0};
    for (size_t k = 0; k < words; k++) {
      int32_t a = left[(k * LEFT + i) * 2], b = left[(k * LEFT + i) * 2 + 1];
      const int16_t *r = right + k * RIGHT * 2;
      for (size_t j = 0; j < RIGHT; j++) sums[j] += a * r[2 * j] + b * r[2 * j + 1];
    }
    memcpy(scores + i * stride, sums, sizeof sums);
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512bw,avx512vnni"))) static void vnni(const int16_t *left, const int16_t *right,
                                                                        size_t words, int32_t *scores, size_t stride) {
  __m512i sums[LEFT][3];
  for (int i = 0; i < LEFT; i++)
    for (int j = 0; j < 3; j++) sums[i][j] = _mm512_setzero_si512();
  for (size_t k = 0; k < words; k++, left += 2 * LEFT, right += 2 * RIGHT) {
    __m512i r0 = _mm512_loadu_si512(right), r1 = _mm512_loadu_si512(right + 32), r2 = _mm512_loadu_si512(right + 64);
    int32_t a[LEFT];
    memcpy(a, left, sizeof a);
#pragma clang loop unroll(full)
    for (int i = 0; i < LEFT; i++) {
      __m512i l = _mm512_set1_epi32(a[i]);
      sums[i][0] = _mm512_dpwssd_epi32(sums[i][0], l, r0);
      sums[i][1] = _mm512_dpwssd_epi32(sums[i][1], l, r1);
      sums[i][2] = _mm512_dpwssd_epi32(sums[i][2], l, r2);
    }
  }
  for (int i = 0; i < LEFT; i++)
    for (int j = 0; j < 3; j++) _mm512_storeu_si512(scores + i * stride + 16 * j, sums[i][j]);
}

// 4 x 16 sums at a time fit AVX2's sixteen registers.
__attribute__((target("avx2"))) static void avx2(const int16_t *left, const int16_t *right, size_t words,
                                                 int32_t *scores, size_t stride) {
  for (int column = 0; column < RIGHT; column += 16)
    for (int row = 0; row < LEFT; row += 4) {
      __m256i sums[4][2];
      for (int i = 0; i < 4; i++) sums[i][0] = sums[i][1] = _mm256_setzero_si256();
      const int16_t *a = left + 2 * row, *r = right + 2 * column;
      for (size_t k = 0; k < words; k++, a += 2 * LEFT, r += 2 * RIGHT) {
        __m256i r0 = _mm256_loadu_si256((const __m256i *)r), r1 = _mm256_loadu_si256((const __m256i *)(r + 16));
        int32_t word[4];
        memcpy(word, a, sizeof word);
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) {
          __m256i l = _mm256_set1_epi32(word[i]);
          sums[i][0] = _mm256_add_epi32(sums[i][0], _mm256_madd_epi16(l, r0));
          sums[i][1] = _mm256_add_epi32(sums[i][1], _mm256_madd_epi16(l, r1));
        }
      }
      for (int i = 0; i < 4; i++)
        for (int j = 0; j < 2; j++)
          _mm256_storeu_si256((__m256i *)(scores + (row + i) * stride + column + 8 * j), sums[i][j]);
    }
}
#endif

static micro_kernel *chosen(int kernel) {
#if defined(__x86_64__)
  if (kernel <= 0 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) return vnni;
  if (kernel <= 1 && __builtin_cpu_supports("avx2")) return avx2;
#endif
  (void)kernel;
  return plain;
}

void gap_fixed_products(const int16_t *left, size_t left_panels, const int16_t *right, size_t right_panels,
                        size_t words, int32_t *scores, size_t stride, int kernel) {
  micro_kernel *multiply = chosen(kernel);
  for (size_t j = 0; j < right_panels; j++)
    for (size_t i = 0; i < left_panels; i++)
      multiply(left + i * words * 2 * LEFT, right + j * words * 2 * RIGHT, words,
               scores + i * LEFT * stride + j * RIGHT, stride);
}

GAP_DISPATCHED int32_t gap_fixed_dot(const int16_t *a, const int16_t *b, size_t words) {
  int32_t sum = 0;
  for (size_t k = 0; k < 2 * words; k++) sum += (int32_t)a[k] * b[k];
  return sum;
}
