// Products with a frozen matrix that lies in panels of 64 columns, on processors with AVX-512.
//
// Goal: the processor's peak where rows come in blocks of some dozens, as between the products of a decoder's block.
// There, a library's kernels wait for the matrix: each of its panels is used for few rows. Here, while one panel is
// multiplied, the next one is fetched. Within a panel, the numbers that one step of the sum takes follow each other: 64
// of f32, or 64 pairs of bf16, since the instruction adds a0 b0 + a1 b1 in each lane. A tile of the result is 6 rows of
// 64 columns: 24 registers of sums beside 4 of the panel and 1 of the row. Each sum runs in order, so that a row's bits
// depend neither on its neighbours nor on threads.
#include <stdint.h>
#include <string.h>

#include "CGapKernels.h"

enum { LANES = 16, PANEL = 64, TILE_ROWS = 6, TILE_LANES = PANEL / LANES };

// Steps of a sum that are taken for all rows before the next ones: what a panel holds of them stays in the second cache.
enum { STEPS = 1536 };

static size_t steps(size_t inputs, int type) { return type == GAP_BF16 ? (inputs + 1) / 2 : inputs; }

size_t gap_panels_bytes(size_t inputs, size_t outputs, int type) {
  return (outputs + PANEL - 1) / PANEL * PANEL * steps(inputs, type) * 4;
}

// Where the number at (input, output) lies, in numbers of the type.
static size_t place(size_t input, size_t output, size_t count, int type) {
  size_t panel = output / PANEL * count, lane = output % PANEL;
  return type == GAP_BF16 ? ((panel + input / 2) * PANEL + lane) * 2 + input % 2 : (panel + input) * PANEL + lane;
}

void gap_panels_pack(const void *rows, size_t first, size_t row_count, size_t inputs, size_t outputs, int turned,
                     int type, void *panels) {
  size_t count = steps(inputs, type), columns = turned ? inputs : outputs;
  for (size_t r = 0; r < row_count; r++) {
    size_t own = first + r;
    for (size_t j = 0; j < columns; j++) {
      size_t to = turned ? place(j, own, count, type) : place(own, j, count, type);
      if (type == GAP_BF16) ((uint16_t *)panels)[to] = ((const uint16_t *)rows)[r * columns + j];
      else ((float *)panels)[to] = ((const float *)rows)[r * columns + j];
    }
  }
}

#if defined(__x86_64__)
#include <immintrin.h>
// One target for both types: what multiplies f32 has no instruction of AVX512-BF16 in it.
#define FAST __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")))
#define INLINED inline __attribute__((always_inline))
// Without it, the compiler keeps sums in memory.
#define UNROLLED _Pragma("clang loop unroll(full)")

int gap_panels_suit(int type) {
  int features = gap_processor_features();
  // With tiles of its own (AMX), a processor multiplies bf16 many times faster than by these instructions.
  if (type == GAP_BF16) return (features & GAP_HAS_AVX512_BF16) && !(features & GAP_HAS_AMX);
  return (features & GAP_HAS_AVX512) != 0;
}

// Where a tile goes: `columns` numbers of each row, f32 or bf16; to f32, what lies at `base` is added, unless that is NULL.
typedef struct {
  char *start;
  size_t row_bytes, columns;
  int type;
  const float *base;
  size_t base_stride;
} target;

FAST static INLINED __m512 step(__m512 sum, __m512i left, __m512i right, int type) {
  if (type == GAP_BF16) return _mm512_dpbf16_ps(sum, (__m512bh)left, (__m512bh)right);
  return _mm512_fmadd_ps(_mm512_castsi512_ps(left), _mm512_castsi512_ps(right), sum);
}

// `rows` and `type` are constants where this is called. `odd`: bf16 inputs end in the middle of a pair. `fetched` lines of
// `next` are asked for.
FAST static INLINED void tile(const char *a, size_t a_row, size_t rows, const uint32_t *b, size_t count, int odd, int type,
                              const char *next, size_t fetched, target c) {
  __m512 sums[TILE_ROWS][TILE_LANES];
  UNROLLED for (size_t i = 0; i < rows; i++)
    UNROLLED for (size_t l = 0; l < TILE_LANES; l++) sums[i][l] = _mm512_setzero_ps();
  for (size_t p = 0; p < count; p++) {
    __m512i right[TILE_LANES];
    UNROLLED for (size_t l = 0; l < TILE_LANES; l++) right[l] = _mm512_loadu_si512(b + p * PANEL + l * LANES);
    if (p < fetched) __builtin_prefetch(next + p * 64, 0, 2);
    UNROLLED for (size_t i = 0; i < rows; i++) {
      int32_t number;
      memcpy(&number, a + i * a_row + p * sizeof number, sizeof number);
      __m512i left = _mm512_set1_epi32(number);
      UNROLLED for (size_t l = 0; l < TILE_LANES; l++) sums[i][l] = step(sums[i][l], left, right[l], type);
    }
  }
  if (odd) {
    UNROLLED for (size_t i = 0; i < rows; i++) {
      uint16_t number;
      memcpy(&number, a + i * a_row + count * 2 * sizeof number, sizeof number);
      UNROLLED for (size_t l = 0; l < TILE_LANES; l++) {
        __m512i right = _mm512_loadu_si512(b + count * PANEL + l * LANES);
        sums[i][l] = step(sums[i][l], _mm512_set1_epi32(number), right, type);
      }
    }
  }
  UNROLLED for (size_t i = 0; i < rows; i++) {
    UNROLLED for (size_t l = 0; l < TILE_LANES && l * LANES < c.columns; l++) {
      size_t left = c.columns - l * LANES;
      __mmask16 mask = left >= LANES ? (__mmask16)0xFFFF : (__mmask16)((1u << left) - 1u);
      char *row = c.start + i * c.row_bytes;
      __m512 sum = sums[i][l];
      if (type == GAP_BF16 && c.type == GAP_BF16) {
        _mm256_mask_storeu_epi16((uint16_t *)row + l * LANES, mask, (__m256i)_mm512_cvtneps_pbh(sum));
        continue;
      }
      if (c.base) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, c.base + i * c.base_stride + l * LANES));
      _mm512_mask_storeu_ps((float *)row + l * LANES, mask, sum);
    }
  }
}

// All rows times some steps of one panel.
FAST static INLINED void multiply_panel(const char *a, size_t a_row, size_t rows, const uint32_t *b, size_t count, int odd,
                                        int type, const char *next, target c) {
  size_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS, each = next ? (count * PANEL * 4 / 64 + tiles - 1) / tiles : 0;
  for (size_t r = 0; r < rows; r += TILE_ROWS) {
    const char *own = a + r * a_row;
#define TILE(ROWS) tile(own, a_row, ROWS, b, count, odd, type, next, each, c)
    switch (rows - r) {
    case 1: TILE(1); break;
    case 2: TILE(2); break;
    case 3: TILE(3); break;
    case 4: TILE(4); break;
    case 5: TILE(5); break;
    default: TILE(TILE_ROWS);
    }
#undef TILE
    c.start += TILE_ROWS * c.row_bytes;
    if (c.base) c.base += TILE_ROWS * c.base_stride;
    if (next) next += each * 64;
  }
}

FAST static INLINED void multiply(const gap_panels *m, const char *a, size_t a_row, size_t rows, target c, int type) {
  size_t all = steps(m->inputs, type), each = c.type == GAP_BF16 ? 2 : 4;
  // Sums that are rounded at their end are taken in one go.
  size_t most = c.type == GAP_BF16 ? all : STEPS;
  for (size_t first = 0; first < all; first += most) {
    size_t count = all - first < most ? all - first : most;
    int odd = type == GAP_BF16 && m->inputs % 2 && first + count == all;
    for (size_t column = 0; column < m->outputs; column += PANEL) {
      const uint32_t *b = (const uint32_t *)m->panels + (column / PANEL * all + first) * PANEL;
      const char *next = column + PANEL < m->outputs ? (const char *)(b + all * PANEL) : NULL;
      target own = c;
      own.start += column * each;
      own.columns = m->outputs - column < PANEL ? m->outputs - column : PANEL;
      if (first > 0) {
        own.base = (const float *)own.start;
        own.base_stride = c.row_bytes / sizeof *own.base;
      } else if (c.base) {
        own.base = c.base + column;
      }
      multiply_panel(a + first * 4, a_row, rows, b, count - (size_t)odd, odd, type, next, own);
    }
  }
}

FAST void gap_panels_multiply(const gap_panels *m, const void *a, size_t a_stride, size_t rows, void *c, int target_type,
                              size_t stride, const float *base, size_t base_stride) {
  target t = {c, stride * (target_type == GAP_BF16 ? 2 : 4), 0, target_type, base, base_stride};
  if (m->type == GAP_BF16) multiply(m, a, a_stride * 2, rows, t, GAP_BF16);
  else multiply(m, a, a_stride * 4, rows, t, GAP_F32);
}
#else
int gap_panels_suit(int type) { return 0; }
void gap_panels_multiply(const gap_panels *m, const void *a, size_t a_stride, size_t rows, void *c, int target_type,
                         size_t stride, const float *base, size_t base_stride) {}
#endif
