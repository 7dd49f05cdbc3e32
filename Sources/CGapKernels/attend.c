// Attention of the heads that share a key head, in one sequence, with bf16 products on processors that have them.
//
// Goals, in order: sums in single precision of factors rounded once; the processor's speed at sizes where a library's
// product spends its time on packing. Every product is C = A B with A in pairs along the sum, anywhere, and B in pairs
// of rows, [pairs, columns]: the instruction adds a0 b0 + a1 b1 in each lane. A tile of C is 6 rows of 64 columns, 24
// registers of sums beside 4 of B. Rejected: single precision (half the speed), a library's bf16 product (wants its
// right factor packed, and here every factor is new).
#include <stdint.h>
#include <string.h>

#include "CGapKernels.h"

enum { LANES = 16, TILE_ROWS = 6, TILE_LANES = 4 };

// Numbers in a row of pairs, and where each part of the room begins, in 4-byte units.
static size_t padded(size_t count) { return (count + LANES - 1) / LANES * LANES; }
static size_t pairs(size_t count) { return (count + 1) / 2; }

size_t gap_attention_room(size_t tokens, size_t block, size_t shared, size_t width) {
  size_t rows = block * shared, longer = tokens > width ? tokens : width;
  // k and v in pairs along the width and along the tokens; a block's queries and slopes both ways; scores and their
  // gradient, and each in pairs both ways.
  return 2 * pairs(width) * padded(tokens) + 2 * pairs(tokens) * padded(width) + 2 * rows * pairs(width) +
         2 * pairs(rows) * padded(width) + 2 * rows * longer + 2 * rows * pairs(tokens) +
         2 * pairs(rows) * padded(tokens);
}

#if defined(__x86_64__)
#include <immintrin.h>
#define HALF __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")))

int gap_has_half_attention(void) { return __builtin_cpu_supports("avx512bf16") ? 1 : 0; }

// 16 pairs (low, high), each rounded.
HALF static inline __m512i paired(__m512 low, __m512 high) {
  __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low));
  __m512i h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high));
  return _mm512_or_si512(l, _mm512_slli_epi32(h, 16));
}

HALF static inline __mmask16 first_lanes(size_t count) {
  return count >= LANES ? (__mmask16)0xFFFF : (__mmask16)((1u << count) - 1u);
}

// b [rows, columns] in pairs of rows: [pairs(rows), padded(columns)], zeros where there is nothing.
HALF static void pair_rows(const float *b, size_t stride, size_t rows, size_t columns, uint32_t *target) {
  size_t width = padded(columns);
  for (size_t r = 0; r < rows; r += 2, target += width) {
    const float *low = b + r * stride, *high = low + stride;
    int has_high = r + 1 < rows;
    for (size_t j = 0; j < width; j += LANES) {
      __mmask16 mask = j < columns ? first_lanes(columns - j) : 0;
      __m512 l = _mm512_maskz_loadu_ps(mask, low + j);
      __m512 h = has_high ? _mm512_maskz_loadu_ps(mask, high + j) : _mm512_setzero_ps();
      _mm512_storeu_si512(target + j, paired(l, h));
    }
  }
}

// b [rows, columns] with each row in pairs: [rows, pairs(columns)].
HALF static void pair_columns(const float *b, size_t stride, size_t rows, size_t columns, uint32_t *target) {
  for (size_t r = 0; r < rows; r++, b += stride, target += pairs(columns)) {
    if (columns % 2) target[columns / 2] = 0;
    gap_narrow_bf16(b, (uint16_t *)target, columns);
  }
}

// The same two of numbers that are bf16 already.
HALF static void pair_half_rows(const uint16_t *b, size_t stride, size_t rows, size_t columns, uint32_t *target) {
  size_t width = padded(columns);
  for (size_t r = 0; r < rows; r += 2, target += width) {
    const uint16_t *low = b + r * stride, *high = low + stride;
    int has_high = r + 1 < rows;
    for (size_t j = 0; j < width; j += LANES) {
      __mmask16 mask = j < columns ? first_lanes(columns - j) : 0;
      __m512i l = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, low + j));
      __m512i h = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(has_high ? mask : 0, high + j));
      _mm512_storeu_si512(target + j, _mm512_or_si512(l, _mm512_slli_epi32(h, 16)));
    }
  }
}

static void pair_half_columns(const uint16_t *b, size_t stride, size_t rows, size_t columns, uint32_t *target) {
  for (size_t r = 0; r < rows; r++, b += stride, target += pairs(columns)) {
    if (columns % 2) target[columns / 2] = 0;
    memcpy(target, b, columns * sizeof *b);
  }
}

// The transpose of `pair_half_columns`: [pairs(columns), padded(rows)]. Its lanes beyond `rows` are zeros.
static void pair_half_columns_turned(const uint16_t *b, size_t stride, size_t rows, size_t columns, uint32_t *target,
                                     uint32_t *row_room) {
  size_t width = padded(rows), count = pairs(columns);
  memset(target, 0, count * width * sizeof *target);
  for (size_t r = 0; r < rows; r++) {
    pair_half_columns(b + r * stride, stride, 1, columns, row_room);
    for (size_t i = 0; i < count; i++) target[i * width + r] = row_room[i];
  }
}

// Rows of a result: row r lies at (r / each) * stride + (r % each) * inner.
typedef struct {
  float *start;
  size_t each, stride, inner;
} result;

HALF static inline __attribute__((always_inline)) void tile(const uint32_t *a, size_t a_row, size_t a_pair, size_t rows,
                                                            const uint32_t *b, size_t b_width, size_t lanes,
                                                            size_t count, result c, size_t r, size_t column,
                                                            size_t columns, int adding) {
  __m512 sums[TILE_ROWS][TILE_LANES];
  for (size_t i = 0; i < rows; i++)
    for (size_t l = 0; l < lanes; l++) sums[i][l] = _mm512_setzero_ps();
  for (size_t p = 0; p < count; p++) {
    __m512bh right[TILE_LANES];
    for (size_t l = 0; l < lanes; l++) right[l] = (__m512bh)_mm512_loadu_si512(b + p * b_width + l * LANES);
    for (size_t i = 0; i < rows; i++) {
      __m512bh left = (__m512bh)_mm512_set1_epi32((int)a[i * a_row + p * a_pair]);
      for (size_t l = 0; l < lanes; l++) sums[i][l] = _mm512_dpbf16_ps(sums[i][l], left, right[l]);
    }
  }
  for (size_t i = 0; i < rows; i++) {
    float *row = c.start + (r + i) / c.each * c.stride + (r + i) % c.each * c.inner + column;
    for (size_t l = 0; l < lanes; l++) {
      if (column + l * LANES >= columns) break;
      __mmask16 mask = first_lanes(columns - column - l * LANES);
      __m512 sum = sums[i][l];
      if (adding) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, row + l * LANES));
      _mm512_mask_storeu_ps(row + l * LANES, mask, sum);
    }
  }
}

// c [rows, columns] = a b: element (i, pair p) of a at a[i * a_row + p * a_pair], b [count, padded(columns)].
HALF static void product(const uint32_t *a, size_t a_row, size_t a_pair, size_t rows, const uint32_t *b, size_t b_width,
                         size_t columns, size_t count, result c, int adding) {
  for (size_t column = 0; column < columns; column += TILE_LANES * LANES) {
    size_t left = padded(columns - column) / LANES;
    const uint32_t *right = b + column;
    for (size_t r = 0; r < rows;) {
      const uint32_t *own = a + r * a_row;
#define TILE(ROWS, NUMBER) tile(own, a_row, a_pair, ROWS, right, b_width, NUMBER, count, c, r, column, columns, adding)
      if (rows - r >= TILE_ROWS) {
        if (left >= 4) TILE(TILE_ROWS, 4);
        else if (left == 3) TILE(TILE_ROWS, 3);
        else if (left == 2) TILE(TILE_ROWS, 2);
        else TILE(TILE_ROWS, 1);
        r += TILE_ROWS;
      } else {
        if (left >= 4) TILE(1, 4);
        else if (left == 3) TILE(1, 3);
        else if (left == 2) TILE(1, 2);
        else TILE(1, 1);
        r++;
      }
#undef TILE
    }
  }
}

static uint32_t *take(uint32_t **room, size_t count) {
  uint32_t *own = *room;
  *room += count;
  return own;
}

HALF void gap_attention(const gap_heads *h, float *target, size_t target_stride, uint32_t *room) {
  size_t n = h->tokens, width = h->width, half = pairs(width), all = padded(n);
  uint32_t *turned_k = take(&room, half * all), *v = take(&room, pairs(n) * padded(width));
  uint32_t *q = take(&room, h->block * h->shared * half);
  float *scores = (float *)take(&room, h->block * h->shared * n);
  uint32_t *weights = take(&room, h->block * h->shared * pairs(n));
  pair_half_columns_turned(h->k, h->kv_stride, n, width, turned_k, q);
  pair_half_rows(h->v, h->kv_stride, n, width, v);
  for (size_t first = h->first; first < n; first += h->block) {
    size_t queries = n - first < h->block ? n - first : h->block, rows = queries * h->shared;
    size_t seen = h->sees_all ? n : first + queries;
    for (size_t i = 0; i < queries; i++)
      pair_half_columns(h->q + (first + i) * h->q_stride, width, h->shared, width, q + i * h->shared * half);
    product(q, half, 1, rows, turned_k, all, seen, half, (result){scores, 1, seen, 0}, 0);
    gap_attend_rows(scores, seen, rows, seen, h->bounds + (first - h->first), h->shared, h->scale);
    pair_columns(scores, seen, rows, seen, weights);
    product(weights, pairs(seen), 1, rows, v, padded(width), width, pairs(seen),
            (result){target + (first - h->first) * target_stride, h->shared, target_stride, width}, 0);
  }
}

HALF void gap_attention_gradient(const gap_heads *h, const float *gradient, size_t gradient_stride, float *dq,
                                 size_t dq_stride, float *dk, float *dv, size_t dkv_stride, uint32_t *room) {
  size_t n = h->tokens, width = h->width, half = pairs(width), all = padded(n), across = padded(width);
  size_t most = h->block * h->shared;
  uint32_t *turned_k = take(&room, half * all), *turned_v = take(&room, half * all);
  uint32_t *k = take(&room, pairs(n) * across);
  uint32_t *q = take(&room, most * half), *d = take(&room, most * half);
  uint32_t *q_rows = take(&room, pairs(most) * across), *d_rows = take(&room, pairs(most) * across);
  // Either holds queries or the gradient of what they mixed first.
  size_t longer = n > width ? n : width;
  float *weights = (float *)take(&room, most * longer), *slopes = (float *)take(&room, most * longer);
  uint16_t *queries_in_line = (uint16_t *)weights;
  uint32_t *half_slopes = take(&room, most * pairs(n));
  uint32_t *weight_rows = take(&room, pairs(most) * all), *slope_rows = take(&room, pairs(most) * all);
  pair_half_columns_turned(h->k, h->kv_stride, n, width, turned_k, q);
  pair_half_columns_turned(h->v, h->kv_stride, n, width, turned_v, q);
  pair_half_rows(h->k, h->kv_stride, n, width, k);
  for (size_t first = h->first; first < n; first += h->block) {
    size_t queries = n - first < h->block ? n - first : h->block, rows = queries * h->shared;
    size_t seen = h->sees_all ? n : first + queries;
    // The heads' rows of a query follow each other: those of several queries are gathered for the pairs of rows.
    for (size_t i = 0; i < queries; i++) {
      pair_half_columns(h->q + (first + i) * h->q_stride, width, h->shared, width, q + i * h->shared * half);
      pair_columns(gradient + (first - h->first + i) * gradient_stride, width, h->shared, width,
                   d + i * h->shared * half);
      memcpy(queries_in_line + i * h->shared * width, h->q + (first + i) * h->q_stride,
             h->shared * width * sizeof *queries_in_line);
      memcpy(slopes + i * h->shared * width, gradient + (first - h->first + i) * gradient_stride,
             h->shared * width * sizeof *slopes);
    }
    pair_half_rows(queries_in_line, width, rows, width, q_rows);
    pair_rows(slopes, width, rows, width, d_rows);
    product(q, half, 1, rows, turned_k, all, seen, half, (result){weights, 1, seen, 0}, 0);
    gap_attend_rows(weights, seen, rows, seen, h->bounds + (first - h->first), h->shared, h->scale);
    product(d, half, 1, rows, turned_v, all, seen, half, (result){slopes, 1, seen, 0}, 0);
    gap_attend_rows_gradient(weights, slopes, rows, seen, h->scale);
    pair_columns(slopes, seen, rows, seen, half_slopes);
    pair_rows(weights, seen, rows, seen, weight_rows);
    pair_rows(slopes, seen, rows, seen, slope_rows);
    product(half_slopes, pairs(seen), 1, rows, k, across, width, pairs(seen),
            (result){dq + first * dq_stride, h->shared, dq_stride, width}, 0);
    product(weight_rows, 1, padded(seen), seen, d_rows, across, width, pairs(rows), (result){dv, 1, dkv_stride, 0}, 1);
    product(slope_rows, 1, padded(seen), seen, q_rows, across, width, pairs(rows), (result){dk, 1, dkv_stride, 0}, 1);
  }
}
#else
int gap_has_half_attention(void) { return 0; }
void gap_attention(const gap_heads *h, float *target, size_t target_stride, uint32_t *room) {}
void gap_attention_gradient(const gap_heads *h, const float *gradient, size_t gradient_stride, float *dq,
                            size_t dq_stride, float *dk, float *dv, size_t dkv_stride, uint32_t *room) {}
#endif
