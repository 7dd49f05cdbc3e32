#include <cblas.h>

// Exported by every OpenBLAS with threads, declared in none of its public headers; absent from builds without threads.
extern int blas_thread_shutdown_(void) __attribute__((weak));

static inline void gap_openblas_end_threads(void) {
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}
