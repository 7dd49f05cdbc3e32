// Blocks of rows between two products of a transformer block: each number is read once, worked on in single precision
// while it lies in the nearest cache, and written in the precision that the next product takes.
#include <float.h>
#include <math.h>
#include <string.h>

#include "CGapKernels.h"
#include "dispatch.h"
#include "lanes.h"
#include "norms.h"

// Numbers worked on at a time: a few arrays of them fit the nearest cache.
enum { PART = 512 };

// The numbers themselves, or widened into `room`.
static const float *widened(const void *source, int type, size_t start, size_t count, float *room) {
  if (type == GAP_F32) return (const float *)source + start;
  gap_widen_bf16_f32((const uint16_t *)source + start, room, count, 0);
  return room;
}

// Where results of single precision go: the target itself, or `room`, from where `finish` rounds them.
static float *place(void *target, int type, size_t start, float *room) {
  return type == GAP_F32 ? (float *)target + start : room;
}

static void finish(void *target, int type, size_t start, size_t count, const float *room) {
  if (type != GAP_F32) gap_narrow_bf16(room, (uint16_t *)target + start, count);
}

// silu(gate) up, the usual pair of feed-forward parts, in one go from bf16 to bf16.
#if defined(__x86_64__)
static int is_half_silu(const void *up, int type, int kind) {
  return up && type == GAP_BF16 && kind == GAP_SILU && __builtin_cpu_supports("avx512bf16");
}

GAP_HALF static void half_silu(const uint16_t *gate, const uint16_t *up, uint16_t *target, size_t count) {
  for (size_t i = 0; i < count; i += LANES) {
    __mmask16 mask = first_lanes(count - i);
    __m512 g = load_half(mask, gate + i);
    store_half(target + i, mask, _mm512_mul_ps(_mm512_mul_ps(g, sigmoids(g)), load_half(mask, up + i)));
  }
}

GAP_HALF static void half_silu_gradient(const uint16_t *gate, const uint16_t *up, const float *gradient, uint16_t *of_gate,
                                        uint16_t *of_up, size_t count) {
  __m512 one = _mm512_set1_ps(1.0f);
  for (size_t i = 0; i < count; i += LANES) {
    __mmask16 mask = first_lanes(count - i);
    __m512 g = load_half(mask, gate + i), u = load_half(mask, up + i), d = load_lanes(mask, gradient + i);
    __m512 s = sigmoids(g), ds = _mm512_mul_ps(d, s);
    // silu' = s (1 + g (1 - s))
    __m512 slope = _mm512_fmadd_ps(g, _mm512_sub_ps(one, s), one);
    store_half(of_up + i, mask, _mm512_mul_ps(ds, g));
    store_half(of_gate + i, mask, _mm512_mul_ps(_mm512_mul_ps(ds, u), slope));
  }
}
#else
static int is_half_silu(const void *up, int type, int kind) { return 0; }
static void half_silu(const uint16_t *gate, const uint16_t *up, uint16_t *target, size_t count) {}
static void half_silu_gradient(const uint16_t *gate, const uint16_t *up, const float *gradient, uint16_t *of_gate,
                               uint16_t *of_up, size_t count) {}
#endif

void gap_activated_rows(const void *gate, const void *up, int type, void *target, size_t count, int kind) {
  if (is_half_silu(up, type, kind)) {
    half_silu(gate, up, target, count);
    return;
  }
  float g_room[PART], u_room[PART], h_room[PART];
  for (size_t start = 0; start < count; start += PART) {
    size_t n = count - start < PART ? count - start : PART;
    const float *g = widened(gate, type, start, n, g_room);
    float *h = place(target, type, start, h_room);
    if (up) {
      gap_gated(g, widened(up, type, start, n, u_room), h, n, kind);
    } else {
      memcpy(h, g, n * sizeof *h);
      gap_activate(h, n, kind);
    }
    finish(target, type, start, n, h_room);
  }
}

void gap_activated_rows_gradient(const void *gate, const void *up, int type, float *gradient, void *of_gate, void *of_up,
                                 size_t count, int kind) {
  if (is_half_silu(up, type, kind)) {
    half_silu_gradient(gate, up, gradient, of_gate, of_up, count);
    return;
  }
  float g_room[PART], u_room[PART], up_room[PART];
  for (size_t start = 0; start < count; start += PART) {
    size_t n = count - start < PART ? count - start : PART;
    const float *g = widened(gate, type, start, n, g_room);
    float *d = gradient + start;
    if (up) {
      gap_gated_gradient(g, widened(up, type, start, n, u_room), d, place(of_up, type, start, up_room), n, kind);
      finish(of_up, type, start, n, up_room);
    } else {
      gap_activate_gradient(g, d, n, kind);
    }
    if (type != GAP_F32) gap_narrow_bf16(d, (uint16_t *)of_gate + start, n);
    else if (of_gate != gradient) memcpy((float *)of_gate + start, d, n * sizeof *d);
  }
}

GAP_DISPATCHED static double square_sum(const float *x, size_t count) {
  GAP_REORDER
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
  return sum;
}

GAP_DISPATCHED static void scale_each(const float *x, const float *weight, float scale, float offset, float *y,
                                      size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = x[i] * scale * (weight[i] + offset);
}

void gap_rms_norm_rows(const float *x, size_t stride, const float *weight, float epsilon, float offset, void *target,
                       int type, size_t rows, size_t count) {
  float room[PART];
  for (size_t i = 0; i < rows; i++, x += stride) {
    float scale = (float)(1.0 / sqrt(square_sum(x, count) / (double)count + epsilon));
    for (size_t start = 0; start < count; start += PART) {
      size_t n = count - start < PART ? count - start : PART;
      scale_each(x + start, weight + start, scale, offset, place(target, type, i * count + start, room), n);
      finish(target, type, i * count + start, n, room);
    }
  }
}

// As gap_rms_norm_gradient, adding to the target.
GAP_DISPATCHED static void add_rms_norm_gradient(const float *x, const float *weight, float epsilon, float offset,
                                                 const float *g, float *target, size_t count) {
  GAP_REORDER
  float s, t;
  gap_rms_slopes(x, weight, epsilon, offset, g, count, &s, &t);
  for (size_t i = 0; i < count; i++) target[i] += s * (weight[i] + offset) * g[i] - t * x[i];
}

void gap_rms_norm_rows_gradient(const float *x, size_t x_stride, const float *weight, float epsilon, float offset,
                                const float *gradient, float *target, size_t target_stride, uint16_t *halves, size_t rows,
                                size_t count) {
  for (size_t i = 0; i < rows; i++, x += x_stride, gradient += count, target += target_stride) {
    add_rms_norm_gradient(x, weight, epsilon, offset, gradient, target, count);
    if (halves) gap_narrow_bf16(target, halves + i * count, count);
  }
}

void gap_attend_rows(float *scores, size_t stride, size_t rows, size_t seen, const gap_attended *bounds, size_t each,
                     float scale) {
  for (size_t i = 0; i < rows; i++, scores += stride) {
    gap_attended b = bounds[i / each];
    for (size_t j = 0; j < b.first; j++) scores[j] = 0;
    for (size_t j = b.hole; j < b.hole_end; j++) scores[j] = -FLT_MAX;
    for (size_t j = b.end; j < seen; j++) scores[j] = 0;
    gap_softmax(scores + b.first, b.end - b.first, scale);
    for (size_t j = b.hole; j < b.hole_end; j++) scores[j] = 0;
  }
}

void gap_attend_rows_gradient(const float *weights, float *scores, size_t rows, size_t seen, float scale) {
  for (size_t i = 0; i < rows; i++) gap_softmax_gradient(weights + i * seen, scores + i * seen, seen, scale);
}

void gap_rotate_rows(float *x, size_t stride, size_t rows, size_t heads, size_t width, const ptrdiff_t *positions,
                     const float *cosines, const float *sines, size_t half, uint16_t *halves) {
  for (size_t i = 0; i < rows; i++, x += stride) {
    size_t angles = (size_t)positions[i] * half;
    for (size_t h = 0; h < heads; h++) gap_rotate(x + h * width, cosines + angles, sines + angles, half);
    if (halves) gap_narrow_bf16(x, halves + i * heads * width, heads * width);
  }
}
