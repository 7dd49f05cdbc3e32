// Widens stored numbers to float or double. Sources may be unaligned (a header of any length precedes them).
#include "CGapKernels.h"
#include "dispatch.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define GAP_WIDEN(NAME, TARGET, BITS, SWAP, CONVERT)                                            \
  GAP_DISPATCHED void NAME(const void *source, TARGET *target, size_t count, int swap) {       \
    const unsigned char *bytes = source;                                                        \
    if (swap) {                                                                                 \
      for (size_t i = 0; i < count; i++) {                                                      \
        BITS b;                                                                                 \
        memcpy(&b, bytes + i * sizeof(BITS), sizeof(BITS));                                     \
        b = SWAP(b);                                                                            \
        target[i] = (TARGET)CONVERT(b);                                                         \
      }                                                                                         \
    } else {                                                                                    \
      for (size_t i = 0; i < count; i++) {                                                      \
        BITS b;                                                                                 \
        memcpy(&b, bytes + i * sizeof(BITS), sizeof(BITS));                                     \
        target[i] = (TARGET)CONVERT(b);                                                         \
      }                                                                                         \
    }                                                                                           \
  }

#define GAP_AS_F16(b) (((union { uint16_t u; _Float16 f; }){b}).f)
#define GAP_AS_BF16(b) (((union { uint32_t u; float f; }){(uint32_t)(b) << 16}).f)
#define GAP_AS_F32(b) (((union { uint32_t u; float f; }){b}).f)
#define GAP_AS_F64(b) (((union { uint64_t u; double f; }){b}).f)

GAP_WIDEN(gap_widen_f16_f64, double, uint16_t, __builtin_bswap16, GAP_AS_F16)
GAP_WIDEN(gap_widen_bf16_f64, double, uint16_t, __builtin_bswap16, GAP_AS_BF16)
GAP_WIDEN(gap_widen_f32_f64, double, uint32_t, __builtin_bswap32, GAP_AS_F32)
GAP_WIDEN(gap_widen_f64_f64, double, uint64_t, __builtin_bswap64, GAP_AS_F64)
GAP_WIDEN(gap_widen_f16_f32, float, uint16_t, __builtin_bswap16, GAP_AS_F16)
GAP_WIDEN(gap_widen_bf16_f32, float, uint16_t, __builtin_bswap16, GAP_AS_BF16)
GAP_WIDEN(gap_widen_f32_f32, float, uint32_t, __builtin_bswap32, GAP_AS_F32)
GAP_WIDEN(gap_widen_f64_f32, float, uint64_t, __builtin_bswap64, GAP_AS_F64)

// Rounds to nearest, ties to even; what is not a number stays one.
GAP_DISPATCHED static void narrow_by_integers(const float *source, uint16_t *target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, source + i, sizeof bits);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40u;
    target[i] = (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
  }
}

#if defined(__x86_64__)
// The processor's own conversion, which takes numbers below 2^-126 for 0.
__attribute__((target("avx512f,avx512vl,avx512bw,avx512bf16"))) static void narrow_by_processor(
    const float *source, uint16_t *target, size_t count) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    __m256bh rounded = _mm512_cvtneps_pbh(_mm512_loadu_ps(source + i));
    memcpy(target + i, &rounded, sizeof rounded);
  }
  if (i < count) {
    __mmask16 rest = (__mmask16)((1u << (count - i)) - 1u);
    __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(rest, source + i));
    memcpy(target + i, &rounded, (count - i) * sizeof *target);
  }
}
#endif

void gap_narrow_bf16(const float *source, uint16_t *target, size_t count) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) {
    narrow_by_processor(source, target, count);
    return;
  }
#endif
  narrow_by_integers(source, target, count);
}
