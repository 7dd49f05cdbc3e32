#ifndef GAP_LANES_H
#define GAP_LANES_H

// Sixteen numbers at a time, for kernels that are written for AVX-512 with bf16.
#if defined(__x86_64__)
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define GAP_HALF __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16")))
#define GAP_HALF_INLINE GAP_HALF static inline __attribute__((always_inline))

enum { LANES = 16 };

GAP_HALF_INLINE __mmask16 first_lanes(size_t count) {
  return count >= LANES ? (__mmask16)0xFFFF : (__mmask16)((1u << count) - 1u);
}

// All lanes or, slower, some.
GAP_HALF_INLINE __m512 load_half(__mmask16 mask, const uint16_t *source) {
  __m256i halves = mask == 0xFFFF ? _mm256_loadu_si256((const void *)source) : _mm256_maskz_loadu_epi16(mask, source);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

GAP_HALF_INLINE void store_half(uint16_t *target, __mmask16 mask, __m512 x) {
  __m256i halves = (__m256i)_mm512_cvtneps_pbh(x);
  if (mask == 0xFFFF) _mm256_storeu_si256((void *)target, halves);
  else _mm256_mask_storeu_epi16(target, mask, halves);
}

GAP_HALF_INLINE __m512 load_lanes(__mmask16 mask, const float *source) {
  return mask == 0xFFFF ? _mm512_loadu_ps(source) : _mm512_maskz_loadu_ps(mask, source);
}

GAP_HALF_INLINE void store_lanes(float *target, __mmask16 mask, __m512 x) {
  if (mask == 0xFFFF) _mm512_storeu_ps(target, x);
  else _mm512_mask_storeu_ps(target, mask, x);
}

// exp(x) as a power of 2, whose fraction is a polynomial of degree 5, the minimax of 2^r on [-1/2, 1/2]. Rounding x log2(e)
// leaves a relative error of |x| 2^-23: what comes out of these kernels has 8 bits.
GAP_HALF_INLINE __m512 exponentials(__m512 x) {
  // What is not a number passes.
  x = _mm512_min_ps(_mm512_set1_ps(88.0f), _mm512_max_ps(_mm512_set1_ps(-87.0f), x));
  __m512 y = _mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)), k = _mm512_roundscale_ps(y, 0);
  __m512 r = _mm512_sub_ps(y, k), p = _mm512_set1_ps(0.00132764725f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.00967554096f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.0555071309f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.240221202f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.693146944f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.00000012f));
  // Times 2^k.
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_cvtps_epi32(k), 23)));
}

// 1 / (1 + exp(-x)), the reciprocal by one step of Newton's from 14 bits: within a unit in the last place or two.
GAP_HALF_INLINE __m512 sigmoids(__m512 x) {
  __m512 one = _mm512_set1_ps(1.0f);
  __m512 d = _mm512_add_ps(one, exponentials(_mm512_sub_ps(_mm512_setzero_ps(), x)));
  __m512 near = _mm512_rcp14_ps(d);
  return _mm512_fmadd_ps(near, _mm512_fnmadd_ps(d, near, one), near);
}
#endif
#endif
