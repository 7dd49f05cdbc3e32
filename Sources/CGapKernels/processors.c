// sched_getaffinity is a GNU extension that Swift does not import.
#define _GNU_SOURCE
#include "CGapKernels.h"

#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif
#ifdef __x86_64__
#include <cpuid.h>
#endif

int gap_processor_count(void) {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

#ifdef __x86_64__
// Tiles need the system to keep their state: bits 17 and 18 of XCR0.
static int has_tiles(void) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
  if (!(d & 1u << 24) || !(d & 1u << 22)) return 0;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 3u << 17) == 3u << 17;
}
#endif

int gap_processor_features(void) {
  int features = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) features |= GAP_HAS_AVX2;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) features |= GAP_HAS_AVX512;
  if (__builtin_cpu_supports("avx512bf16")) features |= GAP_HAS_AVX512_BF16;
  if (has_tiles()) features |= GAP_HAS_AMX;
#elif defined(__aarch64__)
  features |= GAP_HAS_NEON;
#endif
  return features;
}
