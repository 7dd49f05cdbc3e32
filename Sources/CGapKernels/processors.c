// sched_getaffinity is a GNU extension that Swift does not import.
#define _GNU_SOURCE
#include "CGapKernels.h"

#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

int gap_processor_count(void) {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}
