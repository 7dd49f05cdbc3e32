#ifndef CGAPKERNELS_H
#define CGAPKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Inner loops that need vector instructions chosen at run time: the plain build targets baseline x86-64.
// Every function is a plain loop; the compiler writes one version per instruction set (see dispatch.h).
// Pointers need no alignment beyond their element's, and never overlap unless a comment says so.

// Between two looks at what another thread writes: lets the processor rest for some cycles.
static inline void gap_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// widen.c: little-endian storage to working precision. `swap` is nonzero for big-endian storage.
void gap_widen_f16_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_bf16_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_f32_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_f64_f64(const void *source, double *target, size_t count, int swap);
void gap_widen_f16_f32(const void *source, float *target, size_t count, int swap);
void gap_widen_bf16_f32(const void *source, float *target, size_t count, int swap);
void gap_widen_f32_f32(const void *source, float *target, size_t count, int swap);
void gap_widen_f64_f32(const void *source, float *target, size_t count, int swap);

void gap_narrow_bf16(const float *source, uint16_t *target, size_t count);  // native order, to nearest, ties to even;
// numbers below 2^-126 may become 0

// rows.c: one embedding row at a time, in double. The order of every sum is fixed by the count alone, so bit-equal
// rows have bit-equal results wherever they lie.
double gap_dot(const double *a, const double *b, size_t count);
double gap_squared_distance(const double *a, const double *b, size_t count);
void gap_divide(double *row, double divisor, size_t count);
void gap_add(double *total, const double *row, size_t count);
void gap_subtract(double *row, const double *other, size_t count);
void gap_narrow(const double *row, double factor, float *target, size_t count);  // target[i] = row[i] * factor
double gap_largest_magnitude(const double *row, size_t count);
// A 128-bit hash of the row's bits, with -0 read as 0.
void gap_hash(const double *row, size_t count, uint64_t hash[2]);

// distances.c: from inner products to squared distances, and sums over them.
// dots[j] becomes max(0, row_square + column_squares[j] - 2 dots[j]); returns how many of the results are so small
// against row_square + column_squares[j] that cancellation ate them (the caller recomputes these from the rows).
size_t gap_squared_distances(double *dots, double row_square, const double *column_squares, double relative, size_t count);
double gap_sum_roots(const double *squares, size_t count);
double gap_sum_exponentials(const double *squares, double factor, size_t count);  // sum of exp(-factor * squares[j])
void gap_exponentials(const double *values, double *target, size_t count);  // exp(values[j]); values <= 0

// fixed.c: rows as 16-bit fixed-point numbers, and their products in 32-bit integers. Rows lie in panels of
// GAP_FIXED_LEFT or GAP_FIXED_RIGHT lanes; a panel has (columns + 1) / 2 words of two numbers for each lane.
enum { GAP_FIXED_ONE = 32767, GAP_FIXED_LEFT = 8, GAP_FIXED_RIGHT = 48 };
// Rounds a row (no number beyond 1) into one lane of a panel; returns the Euclidean length of what rounding took.
double gap_fixed_pack(const double *row, size_t count, int16_t *panel, size_t lane, size_t lanes);
// scores[i * stride + j] = sum over k of left row i times right row j, for whole panels. `kernel` 0 takes the fastest
// that the processor has, 1 at most AVX2, 2 plain C: all give the same numbers.
void gap_fixed_products(const int16_t *left, size_t left_panels, const int16_t *right, size_t right_panels,
                        size_t words, int32_t *scores, size_t stride, int kernel);

// The sum of one row times another, both packed with one lane.
int32_t gap_fixed_dot(const int16_t *a, const int16_t *b, size_t words);

// coarse.c: rows as 8-bit numbers about a centre, in panels like those of fixed.c with (columns + 3) / 4 words of four
// numbers for each lane.
int gap_coarse_suits(void);  // Whether this processor has products of them; without, they do nothing.
typedef struct {
  double error, length;  // Euclidean lengths of what rounding took, and of the row about its centre
  int32_t sum;           // of the rounded numbers
} gap_coarse_row;
// Rounds (row - centre) * scale to -127...127 into one lane of a panel.
gap_coarse_row gap_coarse_pack(const double *row, const double *centre, size_t count, double scale, uint8_t *panel,
                               size_t lane, int is_left);
// scores[i * stride + j] = sum over k of left row i times right row j + 128 times the right row's sum + the offsets of
// both, for whole panels; there are offsets for every lane.
void gap_coarse_products(const uint8_t *left, const int32_t *left_offsets, size_t left_panels, const uint8_t *right,
                         const int32_t *right_offsets, size_t right_panels, size_t words, int32_t *scores,
                         size_t stride);

// ranks.c: counts scores that surely beat a threshold, and lists those too near to tell.
// For every j: row_count += scores[j] > row_high; column_counts[j] += scores[j] > column_high[j].
// A j with row_low <= scores[j] <= row_high or column_low[j] <= scores[j] <= column_high[j] is appended to
// `unsure` (capacity count). Returns the number appended.
size_t gap_rank_row(const int32_t *scores, size_t count, int32_t row_low, int32_t row_high, const int32_t *column_low,
                    const int32_t *column_high, int32_t *column_counts, int32_t *row_count, uint32_t *unsure);
// Lists the j with scores[j] >= bound. Returns how many.
size_t gap_list_above(const int32_t *scores, size_t count, int32_t bound, uint32_t *found);

// gather.c: sum over j of a[index[j]] * b[j].
double gap_gathered_dot(const float *a, const int32_t *index, const float *b, size_t count);

// resample.c: the passes of an antialiased resize of 8-bit RGB. Weights are fixed-point numbers of GAP_RESAMPLE_BITS
// bits after the point; sums round to nearest and clip to 0...255. Each `start` says where in its block work begins.
enum { GAP_RESAMPLE_BITS = 22, GAP_RESAMPLE_ROWS = 16 };
// Horizontal, for at most GAP_RESAMPLE_ROWS rows: target pixel x is the sum over k < counts[x] of
// weights[x * taps + k] times source pixel starts[x] + k. `turned` is scratch of columns * 3 * GAP_RESAMPLE_ROWS bytes.
void gap_resample_across(const uint8_t *source, size_t source_start, size_t source_stride, size_t rows, size_t columns,
                         const int32_t *starts, const int32_t *counts, const int32_t *weights, size_t taps,
                         uint8_t *target, size_t target_start, size_t target_columns, uint8_t *turned);
// Vertical, one target row of `stride` bytes: the sum over k < count of weights[k] times the source row k.
void gap_resample_down(const uint8_t *source, size_t source_start, size_t stride, const int32_t *weights,
                       size_t weights_start, size_t count, uint8_t *target, size_t target_start);
// layers.c: rows of activations in transformer layers.
enum { GAP_RELU = 0, GAP_SILU = 1, GAP_GELU = 2, GAP_GELU_TANH = 3, GAP_QUICK_GELU = 4 };
// y = x / sqrt(mean(x^2) + epsilon) * (weight + offset); y may be x.
void gap_rms_norm(const float *x, const float *weight, float epsilon, float offset, float *y, size_t count);
// y = (x - mean) / sqrt(variance + epsilon) * weight + bias; y may be x.
void gap_layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y, size_t count);
void gap_softmax(float *row, size_t count, float scale);  // row = softmax(scale * row), scale > 0
void gap_activate(float *row, size_t count, int kind);
// h = f(gate) * up, and its gradient: from g, that of the gate replaces g, that of up is written to of_up.
void gap_gated(const float *gate, const float *up, float *h, size_t count, int kind);
void gap_gated_gradient(const float *gate, const float *up, float *g, float *of_up, size_t count, int kind);
void gap_multiply(float *row, const float *other, size_t count);                    // row *= other
void gap_add_scaled(float *row, const float *other, float scale, size_t count);     // row += scale * other
void gap_add_product(float *row, const float *other, const float *factors, size_t count);  // row += factors * other
// Rotates the pairs (row[i], row[i + half]) by the angles whose cosines and sines are given.
void gap_rotate(float *row, const float *cosines, const float *sines, size_t half);

// stages.c: blocks of rows between two products, one after the other unless a stride is given. Numbers of a `type` are
// f32 or bf16.
enum { GAP_F32 = 0, GAP_BF16 = 1 };
// target = f(gate) * up, or f(gate) where `up` is NULL.
void gap_activated_rows(const void *gate, const void *up, int type, void *target, size_t count, int kind);
// Its gradient from `gradient`, whose contents are anything afterwards; it may be `of_gate` where the type is f32.
void gap_activated_rows_gradient(const void *gate, const void *up, int type, float *gradient, void *of_gate, void *of_up,
                                 size_t count, int kind);
// gap_rms_norm of rows of `count` numbers.
void gap_rms_norm_rows(const float *x, size_t stride, const float *weight, float epsilon, float offset, void *target,
                       int type, size_t rows, size_t count);
// target += the gradient of the inputs x, from that of the outputs; a copy goes to `halves`, bf16, unless that is NULL.
void gap_rms_norm_rows_gradient(const float *x, size_t x_stride, const float *weight, float epsilon, float offset,
                                const float *gradient, float *target, size_t target_stride, uint16_t *halves, size_t rows,
                                size_t count);
// The keys that a query sees, one at least: those of first..<end that are not in hole..<hole_end.
typedef struct {
  size_t first, hole, hole_end, end;
} gap_attended;
// Rows of `seen` scores become weights: softmax(scale * scores) over the keys seen, 0 elsewhere. `each` rows after each
// other share bounds.
void gap_attend_rows(float *scores, size_t stride, size_t rows, size_t seen, const gap_attended *bounds, size_t each,
                     float scale);
// gap_softmax_gradient of rows.
void gap_attend_rows_gradient(const float *weights, float *scores, size_t rows, size_t seen, float scale);
// gap_rotate of the first 2 * half numbers of each head, by the angles of the row's position, [positions, half]; a copy goes
// to `halves`, bf16, unless that is NULL.
void gap_rotate_rows(float *x, size_t stride, size_t rows, size_t heads, size_t width, const ptrdiff_t *positions,
                     const float *cosines, const float *sines, size_t half, uint16_t *halves);

// attend.c: attention of the heads that share a key head, in one sequence, with bf16 products. Only where the processor
// has these; nothing happens elsewhere.
int gap_has_half_attention(void);
typedef struct {
  const uint16_t *q;  // bf16, [tokens, shared * width] with q_stride: a query's heads lie one after the other
  const uint16_t *k, *v;  // bf16, [tokens, width] with kv_stride
  size_t q_stride, kv_stride, tokens, first, shared, width;  // queries first..<tokens ask
  size_t block;  // queries worked on at a time
  int sees_all;  // whether a query may see keys that come after it
  const gap_attended *bounds;  // of each query that asks, within the keys that its block sees
  float scale;
} gap_heads;
// Words of scratch.
size_t gap_attention_room(size_t tokens, size_t block, size_t shared, size_t width);
// target [tokens - first, shared * width], bf16
void gap_attention(const gap_heads *heads, uint16_t *target, size_t target_stride, uint32_t *room);
// From the gradient of the target, bf16: dq [tokens, shared * width] is written at the rows that ask, dk and dv are added
// to.
void gap_attention_gradient(const gap_heads *heads, const uint16_t *gradient, size_t gradient_stride, float *dq,
                            size_t dq_stride, float *dk, float *dv, size_t dkv_stride, uint32_t *room);

// panels.c: products with a frozen matrix [inputs, outputs] in panels of 64 columns, for processors with AVX-512.
// Whether this processor has such products with numbers of a type, and no faster ones.
int gap_panels_suit(int type);
// Bytes of the panels, which start as zeros at an address that 64 divides.
size_t gap_panels_bytes(size_t inputs, size_t outputs, int type);
// Puts rows first..<first + row_count in their places. `turned`: they are rows of the transpose, [outputs, inputs].
void gap_panels_pack(const void *rows, size_t first, size_t row_count, size_t inputs, size_t outputs, int turned,
                     int type, void *panels);
typedef struct {
  const void *panels;
  size_t inputs, outputs;
  int type;
} gap_panels;
// c [rows, outputs] = a [rows, inputs] times the matrix, plus `base` [rows, outputs] unless that is NULL (for c in f32
// alone; it may be c). a is of the matrix' type, c is f32 or, where the matrix is bf16, either. Strides are numbers
// between the starts of rows.
void gap_panels_multiply(const gap_panels *matrix, const void *a, size_t a_stride, size_t rows, void *c,
                         int target_type, size_t stride, const float *base, size_t base_stride);

// processors.c: the processors that this process may run on.
int gap_processor_count(void);
// What of the processor is made use of: bits of GAP_HAS_*.
enum { GAP_HAS_AVX2 = 1, GAP_HAS_AVX512 = 2, GAP_HAS_AVX512_BF16 = 4, GAP_HAS_AMX = 8, GAP_HAS_NEON = 16 };
int gap_processor_features(void);

// Gradients of the row operations; `g` is the gradient of the output and becomes that of the input.
void gap_rms_norm_gradient(const float *x, const float *weight, float epsilon, float offset, float *g, size_t count);
void gap_layer_norm_gradient(const float *x, const float *weight, float epsilon, float *g, size_t count);
void gap_softmax_gradient(const float *p, float *g, size_t count, float scale);
void gap_activate_gradient(const float *x, float *g, size_t count, int kind);
// slope = scale * (softmax(row) - one-hot(target)), of a type, unless it is NULL; it may be the row, which holds anything
// afterwards. Returns -log softmax(row)[target].
double gap_cross_entropy(float *row, size_t count, size_t target, float scale, void *slope, int type);

// optimizer.c: one step of AdamW on `count` parameters (Loshchilov and Hutter): decay is the factor 1 - rate * weight
// decay; rate1 is rate / (1 - beta1^t); root2 is sqrt(1 - beta2^t).
void gap_adamw(float *values, const float *gradient, float *first, float *second, size_t count, float scale, float decay,
               float rate1, float root2, float beta1, float beta2, float epsilon);
double gap_sum_of_squares(const float *row, size_t count);

#endif
