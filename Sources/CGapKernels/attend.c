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
#include "lanes.h"

enum { PADDING = 16, TILE_ROWS = 6, TILE_LANES = 4 };
// Without it, the compiler keeps sums in memory.
#define UNROLLED _Pragma("clang loop unroll(full)")

// Numbers in a row of pairs, and where each part of the room begins, in 4-byte units.
static size_t padded(size_t count) { return (count + PADDING - 1) / PADDING * PADDING; }
static size_t pairs(size_t count) { return (count + 1) / 2; }

size_t gap_attention_room(size_t tokens, size_t block, size_t shared, size_t width) {
  size_t rows = block * shared;
  // k and v in pairs along the width and along the tokens; a block's queries and slopes both ways; scores and their
  // gradient, and each in pairs both ways.
  return 2 * pairs(width) * padded(tokens) + 2 * pairs(tokens) * padded(width) + 2 * rows * pairs(width) +
         2 * pairs(rows) * padded(width) + 2 * rows * tokens + 2 * rows * pairs(tokens) +
         2 * pairs(rows) * padded(tokens);
}

#if defined(__x86_64__)
_Static_assert(PADDING == LANES, "rows of pairs are read and written by all lanes");

int gap_has_half_attention(void) { return __builtin_cpu_supports("avx512bf16") ? 1 : 0; }

// b [rows, columns] in pairs of rows: [pairs(rows), padded(columns)], zeros where there is nothing.
GAP_HALF static void pair_rows(const uint16_t *b, size_t stride, size_t rows, size_t columns, uint32_t *target) {
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

// The heads' rows of a query, [rows, columns] one after the other, each in pairs: [rows, pairs(columns)].
static void pair_columns(const uint16_t *b, size_t rows, size_t columns, uint32_t *target) {
  if (columns % 2 == 0) {
    memcpy(target, b, rows * columns * sizeof *b);
    return;
  }
  for (size_t r = 0; r < rows; r++, b += columns, target += pairs(columns)) {
    target[columns / 2] = 0;
    memcpy(target, b, columns * sizeof *b);
  }
}

// 16 rows of 16 numbers become columns.
GAP_HALF_INLINE void turn(__m512i r[LANES]) {
  __m512i t[LANES];
  for (size_t i = 0; i < LANES; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (size_t i = 0; i < LANES; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // Now r[i + c] holds, in its quarters, columns c, 4 + c, 8 + c, 12 + c of rows i..<i + 4.
  for (size_t c = 0; c < 4; c++) {
    __m512i low = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88), low_odd = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xDD);
    __m512i high = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88);
    __m512i high_odd = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xDD);
    t[c] = _mm512_shuffle_i32x4(low, high, 0x88);
    t[4 + c] = _mm512_shuffle_i32x4(low_odd, high_odd, 0x88);
    t[8 + c] = _mm512_shuffle_i32x4(low, high, 0xDD);
    t[12 + c] = _mm512_shuffle_i32x4(low_odd, high_odd, 0xDD);
  }
  for (size_t i = 0; i < LANES; i++) r[i] = t[i];
}

// The transpose of b [rows, columns] in pairs along its rows: [pairs(columns), padded(rows)], zeros where there is nothing.
GAP_HALF static void pair_turned(const uint16_t *b, size_t stride, size_t rows, size_t columns, uint32_t *target) {
  size_t width = padded(rows), count = pairs(columns);
  for (size_t first = 0; first < rows; first += LANES) {
    for (size_t p = 0; p < count; p += LANES) {
      size_t left = columns - 2 * p;
      __mmask32 mask = left >= 2 * LANES ? 0xFFFFFFFFu : (1u << left) - 1u;
      __m512i block[LANES];
      for (size_t i = 0; i < LANES; i++) {
        __mmask32 own = first + i < rows ? mask : 0;
        block[i] = _mm512_maskz_loadu_epi16(own, b + (first + i) * stride + 2 * p);
      }
      turn(block);
      for (size_t i = 0; i < LANES && p + i < count; i++) _mm512_storeu_si512(target + (p + i) * width + first, block[i]);
    }
  }
}

// Lanes of start..<start + 16 that a query sees.
GAP_HALF_INLINE __mmask16 seen_lanes(const gap_attended *b, size_t start) {
  size_t next = start + LANES;
  if (start >= b->first && next <= b->end && (start >= b->hole_end || next <= b->hole)) return 0xFFFF;
  if (start >= b->end || next <= b->first) return 0;
  __mmask16 mask = first_lanes(b->end - start);
  if (start < b->first) mask &= (__mmask16)~first_lanes(b->first - start);
  if (start < b->hole_end && b->hole < next) {
    __mmask16 hole = first_lanes(b->hole_end - start);
    if (start < b->hole) hole &= (__mmask16)~first_lanes(b->hole - start);
    mask &= (__mmask16)~hole;
  }
  return mask;
}

// Each row of scores becomes softmax(scale scores) over what its query sees, 0 elsewhere: rounded in `halves`, each row
// pairs(seen) long, and as it is in place where the scores are `kept`.
GAP_HALF static void weigh(float *scores, size_t rows, size_t seen, const gap_attended *bounds, size_t each, float scale,
                           uint32_t *halves, int kept) {
  for (size_t i = 0; i < rows; i++, scores += seen, halves += pairs(seen)) {
    const gap_attended *b = bounds + i / each;
    size_t from = b->first / LANES * LANES;
    __m512 largest = _mm512_set1_ps(-__builtin_inff());
    for (size_t j = from; j < b->end; j += LANES) {
      __mmask16 mask = seen_lanes(b, j);
      // What is not a number is not the largest.
      largest = _mm512_mask_max_ps(largest, mask, load_lanes(mask, scores + j), largest);
    }
    __m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(largest)), factor = _mm512_set1_ps(scale);
    __m512 total = _mm512_setzero_ps();
    for (size_t j = from; j < b->end; j += LANES) {
      __mmask16 mask = seen_lanes(b, j);
      __m512 x = load_lanes(mask, scores + j);
      __m512 power = _mm512_maskz_mov_ps(mask, exponentials(_mm512_mul_ps(_mm512_sub_ps(x, most), factor)));
      total = _mm512_add_ps(total, power);
      store_lanes(scores + j, first_lanes(seen - j), power);
    }
    __m512 share = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(total));
    halves[pairs(seen) - 1] = 0; // what is beyond an odd number
    uint16_t *target = (uint16_t *)halves;
    for (size_t j = 0; j < seen; j += LANES) {
      __mmask16 own = first_lanes(seen - j);
      int is_empty = j < from || j >= b->end;
      __m512 weight = is_empty ? _mm512_setzero_ps() : _mm512_mul_ps(load_lanes(own, scores + j), share);
      store_half(target + j, own, weight);
      if (kept) store_lanes(scores + j, own, weight);
    }
  }
}

// From weights p and their gradient g, that of the scores before scaling: scale p (g - sum p g), rounded.
GAP_HALF static void weigh_gradient(const float *weights, const float *slopes, size_t rows, size_t seen, float scale,
                                    uint32_t *halves) {
  __m512 factor = _mm512_set1_ps(scale);
  for (size_t i = 0; i < rows; i++, weights += seen, slopes += seen, halves += pairs(seen)) {
    __m512 sum = _mm512_setzero_ps();
    for (size_t j = 0; j < seen; j += LANES) {
      __mmask16 mask = first_lanes(seen - j);
      sum = _mm512_fmadd_ps(load_lanes(mask, weights + j), load_lanes(mask, slopes + j), sum);
    }
    __m512 dot = _mm512_set1_ps(_mm512_reduce_add_ps(sum));
    halves[pairs(seen) - 1] = 0;
    uint16_t *target = (uint16_t *)halves;
    for (size_t j = 0; j < seen; j += LANES) {
      __mmask16 mask = first_lanes(seen - j);
      __m512 p = load_lanes(mask, weights + j), g = load_lanes(mask, slopes + j);
      store_half(target + j, mask, _mm512_mul_ps(_mm512_mul_ps(factor, p), _mm512_sub_ps(g, dot)));
    }
  }
}

// Rows of a result, f32 or, rounded, bf16: row r lies at (r / each) * stride + (r % each) * inner.
typedef struct {
  void *start;
  size_t each, stride, inner;
  int type;
} result;

GAP_HALF_INLINE void tile(const uint32_t *a, size_t a_row, size_t a_pair, size_t rows, const uint32_t *b, size_t b_width,
                          size_t lanes, size_t count, result c, size_t r, size_t column, size_t columns, int adding) {
  __m512 sums[TILE_ROWS][TILE_LANES];
  UNROLLED for (size_t i = 0; i < rows; i++)
    UNROLLED for (size_t l = 0; l < lanes; l++) sums[i][l] = _mm512_setzero_ps();
  for (size_t p = 0; p < count; p++) {
    __m512bh right[TILE_LANES];
    UNROLLED for (size_t l = 0; l < lanes; l++) right[l] = (__m512bh)_mm512_loadu_si512(b + p * b_width + l * LANES);
    UNROLLED for (size_t i = 0; i < rows; i++) {
      __m512bh left = (__m512bh)_mm512_set1_epi32((int)a[i * a_row + p * a_pair]);
      UNROLLED for (size_t l = 0; l < lanes; l++) sums[i][l] = _mm512_dpbf16_ps(sums[i][l], left, right[l]);
    }
  }
  UNROLLED for (size_t i = 0; i < rows; i++) {
    size_t start = (r + i) / c.each * c.stride + (r + i) % c.each * c.inner + column;
    UNROLLED for (size_t l = 0; l < lanes; l++, start += LANES) {
      if (column + l * LANES >= columns) break;
      __mmask16 mask = first_lanes(columns - column - l * LANES);
      __m512 sum = sums[i][l];
      if (c.type == GAP_BF16) {
        store_half((uint16_t *)c.start + start, mask, sum);
        continue;
      }
      float *target = (float *)c.start + start;
      if (adding) sum = _mm512_add_ps(sum, load_lanes(mask, target));
      store_lanes(target, mask, sum);
    }
  }
}

// c [rows, columns] = a b: element (i, pair p) of a at a[i * a_row + p * a_pair], b [count, padded(columns)].
GAP_HALF static void product(const uint32_t *a, size_t a_row, size_t a_pair, size_t rows, const uint32_t *b, size_t b_width,
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

// Where the block of queries ends that begins with `first`: at a multiple of its size, so that what a block sees fills whole
// vectors wherever the first of all queries is.
static size_t block_end(const gap_heads *h, size_t first) {
  size_t end = (first / h->block + 1) * h->block;
  return end < h->tokens ? end : h->tokens;
}

static uint32_t *take(uint32_t **room, size_t count) {
  uint32_t *own = *room;
  *room += count;
  return own;
}

void gap_attention(const gap_heads *h, uint16_t *target, size_t target_stride, uint32_t *room) {
  size_t n = h->tokens, width = h->width, half = pairs(width), all = padded(n);
  uint32_t *turned_k = take(&room, half * all), *v = take(&room, pairs(n) * padded(width));
  uint32_t *q = take(&room, h->block * h->shared * half);
  float *scores = (float *)take(&room, h->block * h->shared * n);
  uint32_t *weights = take(&room, h->block * h->shared * pairs(n));
  pair_turned(h->k, h->kv_stride, n, width, turned_k);
  pair_rows(h->v, h->kv_stride, n, width, v);
  for (size_t first = h->first, end; first < n; first = end) {
    end = block_end(h, first);
    size_t queries = end - first, rows = queries * h->shared;
    size_t seen = h->sees_all ? n : end;
    for (size_t i = 0; i < queries; i++)
      pair_columns(h->q + (first + i) * h->q_stride, h->shared, width, q + i * h->shared * half);
    product(q, half, 1, rows, turned_k, all, seen, half, (result){scores, 1, seen, 0, GAP_F32}, 0);
    weigh(scores, rows, seen, h->bounds + (first - h->first), h->shared, h->scale, weights, 0);
    product(weights, pairs(seen), 1, rows, v, padded(width), width, pairs(seen),
            (result){target + (first - h->first) * target_stride, h->shared, target_stride, width, GAP_BF16}, 0);
  }
}

void gap_attention_gradient(const gap_heads *h, const uint16_t *gradient, size_t gradient_stride, float *dq,
                            size_t dq_stride, float *dk, float *dv, size_t dkv_stride, uint32_t *room) {
  size_t n = h->tokens, width = h->width, half = pairs(width), all = padded(n), across = padded(width);
  size_t most = h->block * h->shared;
  uint32_t *turned_k = take(&room, half * all), *turned_v = take(&room, half * all);
  uint32_t *k = take(&room, pairs(n) * across);
  // The heads' rows of a query follow each other, and so do those of a block's queries.
  uint32_t *q = take(&room, most * half), *d = take(&room, most * half);
  uint32_t *q_rows = take(&room, pairs(most) * across), *d_rows = take(&room, pairs(most) * across);
  float *weights = (float *)take(&room, most * n), *slopes = (float *)take(&room, most * n);
  uint32_t *half_weights = take(&room, most * pairs(n)), *half_slopes = take(&room, most * pairs(n));
  uint32_t *weight_rows = take(&room, pairs(most) * all), *slope_rows = take(&room, pairs(most) * all);
  pair_turned(h->k, h->kv_stride, n, width, turned_k);
  pair_turned(h->v, h->kv_stride, n, width, turned_v);
  pair_rows(h->k, h->kv_stride, n, width, k);
  for (size_t first = h->first, end; first < n; first = end) {
    end = block_end(h, first);
    size_t queries = end - first, rows = queries * h->shared;
    size_t seen = h->sees_all ? n : end, line = 2 * pairs(seen);
    for (size_t i = 0; i < queries; i++) {
      pair_columns(h->q + (first + i) * h->q_stride, h->shared, width, q + i * h->shared * half);
      pair_columns(gradient + (first - h->first + i) * gradient_stride, h->shared, width, d + i * h->shared * half);
    }
    pair_rows((const uint16_t *)q, 2 * half, rows, width, q_rows);
    pair_rows((const uint16_t *)d, 2 * half, rows, width, d_rows);
    product(q, half, 1, rows, turned_k, all, seen, half, (result){weights, 1, seen, 0, GAP_F32}, 0);
    weigh(weights, rows, seen, h->bounds + (first - h->first), h->shared, h->scale, half_weights, 1);
    product(d, half, 1, rows, turned_v, all, seen, half, (result){slopes, 1, seen, 0, GAP_F32}, 0);
    weigh_gradient(weights, slopes, rows, seen, h->scale, half_slopes);
    pair_rows((const uint16_t *)half_weights, line, rows, seen, weight_rows);
    pair_rows((const uint16_t *)half_slopes, line, rows, seen, slope_rows);
    product(half_slopes, pairs(seen), 1, rows, k, across, width, pairs(seen),
            (result){dq + first * dq_stride, h->shared, dq_stride, width, GAP_F32}, 0);
    product(weight_rows, 1, padded(seen), seen, d_rows, across, width, pairs(rows),
            (result){dv, 1, dkv_stride, 0, GAP_F32}, 1);
    product(slope_rows, 1, padded(seen), seen, q_rows, across, width, pairs(rows),
            (result){dk, 1, dkv_stride, 0, GAP_F32}, 1);
  }
}
#else
int gap_has_half_attention(void) { return 0; }
void gap_attention(const gap_heads *h, uint16_t *target, size_t target_stride, uint32_t *room) {}
void gap_attention_gradient(const gap_heads *h, const uint16_t *gradient, size_t gradient_stride, float *dq,
                            size_t dq_stride, float *dk, float *dv, size_t dkv_stride, uint32_t *room) {}
#endif
