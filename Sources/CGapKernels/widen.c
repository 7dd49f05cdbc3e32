// Widens stored numbers to float or double. Sources may be unaligned (a header of any length precedes them).
#include "CGapKernels.h"
#include "dispatch.h"

#include <string.h>

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
GAP_DISPATCHED void gap_narrow_bf16(const float *source, uint16_t *target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits;
    memcpy(&bits, source + i, sizeof bits);
    uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
    uint32_t quiet = (bits >> 16) | 0x40u;
    target[i] = (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : rounded);
  }
}
