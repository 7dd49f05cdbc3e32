#ifndef CONEDNN_H
#define CONEDNN_H

#include <stddef.h>
#include <stdint.h>

// Products with a matrix that is packed once, by oneDNN (its C API of version 2 or 3), on the calling thread alone.
// Nothing here keeps a thread of its own: callers cut rows into blocks and hand them to theirs.

enum { GAP_ONEDNN_F32 = 0, GAP_ONEDNN_BF16 = 1 };

// Whether the processor multiplies bf16 itself (AVX512-BF16, AMX); elsewhere it would be slower than f32.
int gap_onednn_has_fast_bf16(void);

// "2.6.3"; at most `capacity` bytes with the end.
void gap_onednn_version(char *text, size_t capacity);

// A packed matrix [inputs, outputs].
typedef struct gap_onednn_matrix gap_onednn_matrix;

// Packs `values`, f32 or bf16 as `type` says. Element (k, n) lies at values[k * outputs + n], or at
// values[n * inputs + k] with `transposed`. NULL when oneDNN cannot.
gap_onednn_matrix *gap_onednn_pack(const void *values, size_t inputs, size_t outputs, int transposed, int type);
void gap_onednn_release(gap_onednn_matrix *matrix);
// Bytes that it occupies.
size_t gap_onednn_bytes(const gap_onednn_matrix *matrix);

// c [rows, outputs] = a [rows, inputs] times the matrix, or c += with `adding` (f32 alone). a is of the matrix' type, or
// f32 where that is bf16: it is rounded then. c is f32 or bf16. Strides are elements between the starts of rows. Several
// threads may call at the same time. Returns 0, or oneDNN's status.
int gap_onednn_multiply(const gap_onednn_matrix *matrix, const void *a, int type, size_t a_stride, size_t rows, void *c,
                        int target_type, size_t stride, int adding);

#endif
