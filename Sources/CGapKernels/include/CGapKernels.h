#ifndef CGAPKERNELS_H
#define CGAPKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Inner loops that need vector instructions chosen at run time: the plain build targets baseline x86-64.
// Every function is a plain loop; the compiler writes one version per instruction set (see dispatch.h).
// Pointers need no alignment beyond their element's, and never overlap unless a comment says so.

// widen.c: little-endian storage to working precision. `swap` is nonzero for big-endian storage.
void gap_widen_f16_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_bf16_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_f32_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_f64_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_f16_f32(const void *source, float *target, size_t count, int swap);
void gap_widen_bf16_f32(const void *source, float *target, size_t count, int swap);
void gap_widen_f32_f32(const void *source, float *target, size_t count, int swap);
void gap_widen_f64_f32(const void *source, float *target, size_t count, int swap);

#endif
