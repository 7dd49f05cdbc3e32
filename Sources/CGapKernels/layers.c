// Row operations of transformer layers, in single precision, on rows of activations.
//
// Goals, in order: within a few units in the last place of the definition; speed in vector lanes. The exponential is
// a polynomial of degree 6 on [-ln 2 / 2, ln 2 / 2]; erf is that of Abramowitz & Stegun 7.1.26 (error below 2e-7).
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "CGapKernels.h"
#include "dispatch.h"
#include "norms.h"

static inline float exponential(float x) {
  x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  float k = __builtin_rintf(x * 1.44269504088896341f);
  // ln 2 in two parts, so that k ln 2 is exact to the last bit of x - k ln 2.
  float r = (x - k * 0.693359375f) + k * 2.12194440e-4f;
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  union {
    int32_t bits;
    float value;
  } scale = {((int32_t)k + 127) << 23};
  return p * scale.value;
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

// erf(x) for x >= 0.
static inline float error_function(float x) {
  float t = 1.0f / (1.0f + 0.3275911f * x);
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  return 1.0f - p * t * exponential(-x * x);
}

GAP_DISPATCHED void gap_rms_norm(const float *x, const float *weight, float epsilon, float offset, float *y, size_t count) {
  GAP_REORDER
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
  float scale = (float)(1.0 / sqrt(sum / (double)count + epsilon));
  for (size_t i = 0; i < count; i++) y[i] = x[i] * scale * (weight[i] + offset);
}

GAP_DISPATCHED void gap_layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y,
                                   size_t count) {
  GAP_REORDER
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; i++) sum += x[i];
  float mean = (float)(sum / (double)count);
  for (size_t i = 0; i < count; i++) squares += (double)(x[i] - mean) * (x[i] - mean);
  float scale = (float)(1.0 / sqrt(squares / (double)count + epsilon));
  for (size_t i = 0; i < count; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

GAP_DISPATCHED void gap_softmax(float *row, size_t count, float scale) {
  GAP_REORDER
  float largest = -INFINITY;
  for (size_t i = 0; i < count; i++) largest = row[i] > largest ? row[i] : largest;
  float total = 0;
  for (size_t i = 0; i < count; i++) {
    row[i] = exponential((row[i] - largest) * scale);
    total += row[i];
  }
  float factor = 1.0f / total;
  for (size_t i = 0; i < count; i++) row[i] *= factor;
}

GAP_DISPATCHED void gap_activate(float *row, size_t count, int kind) {
  switch (kind) {
    case GAP_RELU:
      for (size_t i = 0; i < count; i++) row[i] = row[i] > 0 ? row[i] : 0;
      break;
    case GAP_SILU:
      for (size_t i = 0; i < count; i++) row[i] *= sigmoid(row[i]);
      break;
    case GAP_QUICK_GELU:
      for (size_t i = 0; i < count; i++) row[i] *= sigmoid(1.702f * row[i]);
      break;
    case GAP_GELU_TANH:
      // (1 + tanh u) / 2 is the sigmoid of 2 u.
      for (size_t i = 0; i < count; i++) {
        float x = row[i];
        row[i] = x * sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
      }
      break;
    case GAP_GELU:
      for (size_t i = 0; i < count; i++) {
        float x = row[i], half = 0.5f * error_function(__builtin_fabsf(x) * 0.70710678118654752f);
        row[i] = x * (x < 0 ? 0.5f - half : 0.5f + half);
      }
      break;
  }
}

GAP_DISPATCHED void gap_multiply(float *row, const float *other, size_t count) {
  for (size_t i = 0; i < count; i++) row[i] *= other[i];
}

GAP_DISPATCHED void gap_add_scaled(float *row, const float *other, float scale, size_t count) {
  for (size_t i = 0; i < count; i++) row[i] += other[i] * scale;
}

GAP_DISPATCHED void gap_add_product(float *row, const float *other, const float *factors, size_t count) {
  for (size_t i = 0; i < count; i++) row[i] += other[i] * factors[i];
}

GAP_DISPATCHED void gap_rotate(float *row, const float *cosines, const float *sines, size_t half) {
  for (size_t i = 0; i < half; i++) {
    float a = row[i], b = row[i + half];
    row[i] = a * cosines[i] - b * sines[i];
    row[i + half] = b * cosines[i] + a * sines[i];
  }
}

// Gradients. `g` is the gradient of the output; results replace it or are added where said.

// See norms.h.
GAP_DISPATCHED void gap_rms_norm_gradient(const float *x, const float *weight, float epsilon, float offset,
                                          float *g, size_t count) {
  GAP_REORDER
  float s, t;
  gap_rms_slopes(x, weight, epsilon, offset, g, count, &s, &t);
  for (size_t i = 0; i < count; i++) g[i] = s * (weight[i] + offset) * g[i] - t * x[i];
}

// dx = s (u - mean u - n mean(u n)), u = w g, n = (x - mean x) s.
GAP_DISPATCHED void gap_layer_norm_gradient(const float *x, const float *weight, float epsilon, float *g,
                                            size_t count) {
  GAP_REORDER
  double sum = 0, squares = 0, total = 0, dot = 0;
  for (size_t i = 0; i < count; i++) sum += x[i];
  float mean = (float)(sum / (double)count);
  for (size_t i = 0; i < count; i++) squares += (double)(x[i] - mean) * (x[i] - mean);
  double scale = 1.0 / sqrt(squares / (double)count + epsilon);
  for (size_t i = 0; i < count; i++) {
    float u = weight[i] * g[i];
    total += u;
    dot += (double)u * (x[i] - mean);
  }
  float s = (float)scale, a = (float)(total / (double)count), b = (float)(dot * scale * scale / (double)count);
  for (size_t i = 0; i < count; i++) g[i] = s * (weight[i] * g[i] - a - (x[i] - mean) * b);
}

// g becomes the gradient of the scores before scaling: scale p (g - sum p g).
GAP_DISPATCHED void gap_softmax_gradient(const float *p, float *g, size_t count, float scale) {
  GAP_REORDER
  float dot = 0;
  for (size_t i = 0; i < count; i++) dot += p[i] * g[i];
  for (size_t i = 0; i < count; i++) g[i] = scale * p[i] * (g[i] - dot);
}

// g *= f'(x).
GAP_DISPATCHED void gap_activate_gradient(const float *x, float *g, size_t count, int kind) {
  switch (kind) {
    case GAP_RELU:
      for (size_t i = 0; i < count; i++) g[i] = x[i] > 0 ? g[i] : 0;
      break;
    case GAP_SILU:
      for (size_t i = 0; i < count; i++) {
        float s = sigmoid(x[i]);
        g[i] *= s * (1.0f + x[i] * (1.0f - s));
      }
      break;
    case GAP_QUICK_GELU:
      for (size_t i = 0; i < count; i++) {
        float s = sigmoid(1.702f * x[i]);
        g[i] *= s * (1.0f + 1.702f * x[i] * (1.0f - s));
      }
      break;
    case GAP_GELU_TANH:
      for (size_t i = 0; i < count; i++) {
        float v = x[i], s = sigmoid(1.5957691216057308f * (v + 0.044715f * v * v * v));
        g[i] *= s + v * s * (1.0f - s) * 1.5957691216057308f * (1.0f + 0.134145f * v * v);
      }
      break;
    case GAP_GELU:
      for (size_t i = 0; i < count; i++) {
        float v = x[i], half = 0.5f * error_function(__builtin_fabsf(v) * 0.70710678118654752f);
        float area = v < 0 ? 0.5f - half : 0.5f + half;
        g[i] *= area + v * 0.3989422804014327f * exponential(-0.5f * v * v);
      }
      break;
  }
}

// Powers replace the row; returns their sum and, in `most`, the largest logit.
GAP_DISPATCHED static float powers(float *row, size_t count, float *most) {
  GAP_REORDER
  float largest = -INFINITY;
  for (size_t i = 0; i < count; i++) largest = row[i] > largest ? row[i] : largest;
  float total = 0;
  for (size_t i = 0; i < count; i++) {
    row[i] = exponential(row[i] - largest);
    total += row[i];
  }
  *most = largest;
  return total;
}

GAP_DISPATCHED static void multiplied(const float *row, float factor, float *target, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] = row[i] * factor;
}

double gap_cross_entropy(float *row, size_t count, size_t target, float scale, void *slope, int type) {
  enum { PART = 1024 };
  float logit = row[target], largest, total = powers(row, count, &largest), factor = scale / total, room[PART];
  if (slope && type == GAP_F32) {
    float *all = slope;
    multiplied(row, factor, all, count);
    all[target] -= scale;
  } else if (slope) {
    // That of the target is rounded once.
    for (size_t start = 0; start < count; start += PART) {
      size_t n = count - start < PART ? count - start : PART;
      multiplied(row + start, factor, room, n);
      if (target - start < n) room[target - start] -= scale;
      gap_narrow_bf16(room, (uint16_t *)slope + start, n);
    }
  }
  return log((double)total) - (double)(logit - largest);
}

// h = f(gate) up.
GAP_DISPATCHED void gap_gated(const float *gate, const float *up, float *h, size_t count, int kind) {
  if (kind == GAP_SILU) {
    for (size_t i = 0; i < count; i++) h[i] = gate[i] * sigmoid(gate[i]) * up[i];
    return;
  }
  memcpy(h, gate, count * sizeof *h);
  gap_activate(h, count, kind);
  gap_multiply(h, up, count);
}

// From g, the gradient of f(gate) up: that of the gate replaces g, that of up is written.
GAP_DISPATCHED void gap_gated_gradient(const float *gate, const float *up, float *g, float *of_up, size_t count,
                                       int kind) {
  if (kind == GAP_SILU) {
    for (size_t i = 0; i < count; i++) {
      float s = sigmoid(gate[i]), d = g[i];
      of_up[i] = d * gate[i] * s;
      g[i] = d * up[i] * s * (1.0f + gate[i] * (1.0f - s));
    }
    return;
  }
  memcpy(of_up, gate, count * sizeof *of_up);
  gap_activate(of_up, count, kind);
  gap_multiply(of_up, g, count);
  gap_multiply(g, up, count);
  gap_activate_gradient(gate, g, count, kind);
}
