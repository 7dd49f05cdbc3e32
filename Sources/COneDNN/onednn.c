// oneDNN behind the few functions of COneDNN.h: matmul primitives with prepacked weights.
#define _GNU_SOURCE
#include "COneDNN.h"
#include "CGapKernels.h"

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t description;      // a handle
typedef const_dnnl_memory_desc_t description_in;
#else
typedef dnnl_memory_desc_t description;      // a value
typedef const dnnl_memory_desc_t *description_in;
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t workplaces;
static void leave(void *memory);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dnnl_engine_t engine;
static void (*set_openmp_threads)(int);

static void start(void) {
  if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
  // oneDNN brings an OpenMP run time with it; threads are ours, so each of them gets one of its.
  *(void **)&set_openmp_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (engine && pthread_key_create(&workplaces, leave)) engine = NULL;
}

static int started(void) {
  pthread_once(&once, start);
  static _Thread_local int told;
  if (!told && set_openmp_threads) set_openmp_threads(1);
  told = 1;
  return engine != NULL;
}

int gap_onednn_has_fast_bf16(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

void gap_onednn_version(char *text, size_t capacity) {
  const dnnl_version_t *v = dnnl_version();
  snprintf(text, capacity, "%d.%d.%d", v->major, v->minor, v->patch);
}

// Descriptions, in the two versions of the API.

static int describe(description *d, size_t rows, size_t columns, dnnl_data_type_t type, size_t row_stride,
                    size_t column_stride) {
  dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
  dnnl_dims_t strides = {(dnnl_dim_t)row_stride, (dnnl_dim_t)column_stride};
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_create_with_strides(d, 2, dims, type, strides);
#else
  return dnnl_memory_desc_init_by_strides(d, 2, dims, type, strides);
#endif
}

static int describe_any(description *d, size_t rows, size_t columns, dnnl_data_type_t type) {
  dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_create_with_tag(d, 2, dims, type, dnnl_format_tag_any);
#else
  return dnnl_memory_desc_init_by_tag(d, 2, dims, type, dnnl_format_tag_any);
#endif
}

static void forget(description *d) {
#if DNNL_VERSION_MAJOR >= 3
  if (*d) dnnl_memory_desc_destroy(*d);
  *d = NULL;
#else
  (void)d;
#endif
}

static description_in given(const description *d) {
#if DNNL_VERSION_MAJOR >= 3
  return *d;
#else
  return d;
#endif
}

static int copy_description(description *d, description_in source) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_clone(d, source);
#else
  *d = *source;
  return dnnl_success;
#endif
}

static description_in asked(const_dnnl_primitive_desc_t p, dnnl_query_t what) {
  return dnnl_primitive_desc_query_md(p, what, 0);
}

// Matrices.

struct gap_onednn_matrix {
  size_t inputs, outputs, bytes;
  dnnl_data_type_t type;
  description packed;
  dnnl_memory_t memory;
};

static dnnl_data_type_t library_type(int type) { return type == GAP_ONEDNN_BF16 ? dnnl_bf16 : dnnl_f32; }

static int plan_product(dnnl_primitive_desc_t *plan, size_t rows, const gap_onednn_matrix *m, description_in weights,
                        int target_type, int adding) {
  description a, c;
  memset(&a, 0, sizeof a);
  memset(&c, 0, sizeof c);
  dnnl_primitive_attr_t settings = NULL;
  dnnl_post_ops_t after = NULL;
  int status = describe(&a, rows, m->inputs, m->type, m->inputs, 1);
  if (!status) status = describe(&c, rows, m->outputs, library_type(target_type), m->outputs, 1);
  if (!status) status = dnnl_primitive_attr_create(&settings);
  // Scratch is the caller's, so that one primitive runs on several threads at once.
  if (!status) status = dnnl_primitive_attr_set_scratchpad_mode(settings, dnnl_scratchpad_mode_user);
  if (!status && adding) {
    status = dnnl_post_ops_create(&after);
#if DNNL_VERSION_MAJOR >= 3
    if (!status) status = dnnl_post_ops_append_sum(after, 1.0f, 0, dnnl_data_type_undef);
#else
    if (!status) status = dnnl_post_ops_append_sum(after, 1.0f);
#endif
    if (!status) status = dnnl_primitive_attr_set_post_ops(settings, after);
  }
  if (!status) {
#if DNNL_VERSION_MAJOR >= 3
    status = dnnl_matmul_primitive_desc_create(plan, engine, a, weights, NULL, c, settings);
#else
    dnnl_matmul_desc_t operation;
    status = dnnl_matmul_desc_init(&operation, &a, weights, NULL, &c);
    if (!status) status = dnnl_primitive_desc_create(plan, &operation, settings, engine, NULL);
#endif
  }
  if (after) dnnl_post_ops_destroy(after);
  if (settings) dnnl_primitive_attr_destroy(settings);
  forget(&a);
  forget(&c);
  return status;
}

enum { PLANNED_ROWS = 128 };

gap_onednn_matrix *gap_onednn_pack(const void *values, size_t inputs, size_t outputs, int transposed, int type) {
  if (!started()) return NULL;
  gap_onednn_matrix *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  m->inputs = inputs;
  m->outputs = outputs;
  m->type = library_type(type);
  description any, plain;
  memset(&any, 0, sizeof any);
  memset(&plain, 0, sizeof plain);
  dnnl_primitive_desc_t plan = NULL, turn = NULL;
  dnnl_primitive_t reorder = NULL;
  dnnl_memory_t source = NULL;
  dnnl_stream_t stream = NULL;
  int status = describe_any(&any, inputs, outputs, m->type);
  if (!status) status = plan_product(&plan, PLANNED_ROWS, m, given(&any), GAP_ONEDNN_F32, 0);
  if (!status) status = copy_description(&m->packed, asked(plan, dnnl_query_weights_md));
  if (!status) {
    m->bytes = dnnl_memory_desc_get_size(given(&m->packed));
    status = dnnl_memory_create(&m->memory, given(&m->packed), engine, DNNL_MEMORY_ALLOCATE);
  }
  if (!status) status = describe(&plain, inputs, outputs, m->type, transposed ? 1 : outputs, transposed ? inputs : 1);
  if (!status) status = dnnl_memory_create(&source, given(&plain), engine, (void *)values);
  if (!status) status = dnnl_stream_create(&stream, engine, dnnl_stream_default_flags);
  if (!status) {
    status = dnnl_reorder_primitive_desc_create(&turn, given(&plain), engine, given(&m->packed), engine, NULL);
  }
  if (!status) status = dnnl_primitive_create(&reorder, turn);
  if (!status) {
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, m->memory}};
    status = dnnl_primitive_execute(reorder, stream, 2, arguments);
  }
  if (!status) status = dnnl_stream_wait(stream);
  if (reorder) dnnl_primitive_destroy(reorder);
  if (stream) dnnl_stream_destroy(stream);
  if (source) dnnl_memory_destroy(source);
  if (turn) dnnl_primitive_desc_destroy(turn);
  if (plan) dnnl_primitive_desc_destroy(plan);
  forget(&plain);
  forget(&any);
  if (status) {
    gap_onednn_release(m);
    return NULL;
  }
  return m;
}

void gap_onednn_release(gap_onednn_matrix *m) {
  if (!m) return;
  if (m->memory) dnnl_memory_destroy(m->memory);
  forget(&m->packed);
  free(m);
}

size_t gap_onednn_bytes(const gap_onednn_matrix *m) { return m->bytes; }

// Products. A primitive belongs to its shapes and is shared by all matrices of them. The list only grows, at its head, so
// that looking one up takes no lock.

typedef struct product {
  size_t rows, inputs, outputs;
  int target_type, adding;
  dnnl_data_type_t type;
  dnnl_primitive_t primitive;
  description a, c, spare;
  size_t spare_bytes;
  struct product *next;
} product;

static _Atomic(product *) products;

static product *find_product(size_t rows, const gap_onednn_matrix *m, int target_type, int adding) {
  product *p = atomic_load_explicit(&products, memory_order_acquire);
  while (p && !(p->rows == rows && p->inputs == m->inputs && p->outputs == m->outputs && p->adding == adding && p->type == m->type && p->target_type == target_type)) {
    p = p->next;
  }
  return p;
}

static int make_product(product **result, size_t rows, const gap_onednn_matrix *m, int target_type, int adding) {
  product *p = calloc(1, sizeof *p);
  if (!p) return dnnl_out_of_memory;
  *p = (product){.rows = rows, .inputs = m->inputs, .outputs = m->outputs, .target_type = target_type,
                 .adding = adding, .type = m->type, .next = atomic_load_explicit(&products, memory_order_relaxed)};
  dnnl_primitive_desc_t plan = NULL;
  int status = plan_product(&plan, rows, m, given(&m->packed), target_type, adding);
  if (!status) status = dnnl_primitive_create(&p->primitive, plan);
  if (!status) status = copy_description(&p->a, asked(plan, dnnl_query_src_md));
  if (!status) status = copy_description(&p->c, asked(plan, dnnl_query_dst_md));
  if (!status) status = copy_description(&p->spare, asked(plan, dnnl_query_scratchpad_md));
  if (!status) p->spare_bytes = dnnl_memory_desc_get_size(given(&p->spare));
  if (plan) dnnl_primitive_desc_destroy(plan);
  if (status) {
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    forget(&p->a);
    forget(&p->c);
    forget(&p->spare);
    free(p);
    return status;
  }
  atomic_store_explicit(&products, p, memory_order_release);
  *result = p;
  return dnnl_success;
}

static int product_of(product **result, size_t rows, const gap_onednn_matrix *m, int target_type, int adding) {
  *result = find_product(rows, m, target_type, adding);
  if (*result) return dnnl_success;
  pthread_mutex_lock(&lock);
  *result = find_product(rows, m, target_type, adding);
  int status = *result ? dnnl_success : make_product(result, rows, m, target_type, adding);
  pthread_mutex_unlock(&lock);
  return status;
}

// What a thread needs for its products, kept from one to the next until the thread ends.
typedef struct {
  dnnl_stream_t stream;
  // The library's own memory, the left factor as it takes it, a product of padded rows.
  struct { void *memory; size_t bytes; } spare, left, target;
} workplace;

static void leave(void *memory) {
  workplace *w = memory;
  if (w->stream) dnnl_stream_destroy(w->stream);
  free(w->spare.memory);
  free(w->left.memory);
  free(w->target.memory);
  free(w);
}

static workplace *own_workplace(void) {
  workplace *w = pthread_getspecific(workplaces);
  if (w) return w;
  w = calloc(1, sizeof *w);
  if (!w) return NULL;
  if (dnnl_stream_create(&w->stream, engine, dnnl_stream_default_flags) || pthread_setspecific(workplaces, w)) {
    leave(w);
    return NULL;
  }
  return w;
}

#define RESERVE(space, wanted) reserve(&(space).memory, &(space).bytes, wanted)

static int reserve(void **memory, size_t *bytes, size_t wanted) {
  if (wanted <= *bytes) return 1;
  free(*memory);
  *memory = NULL;
  *bytes = 0;
  if (posix_memalign(memory, 4096, wanted)) return 0;
  memset(*memory, 0, wanted);
  *bytes = wanted;
  return 1;
}

static int run_product(const gap_onednn_matrix *m, const void *a, size_t rows, void *c, int target_type, int adding,
                       workplace *w) {
  product *p;
  int status = product_of(&p, rows, m, target_type, adding);
  if (status) return status;
  if (!RESERVE(w->spare, p->spare_bytes)) return dnnl_out_of_memory;
  dnnl_memory_t left = NULL, target = NULL, spare = NULL;
  status = dnnl_memory_create(&left, given(&p->a), engine, (void *)a);
  if (!status) status = dnnl_memory_create(&target, given(&p->c), engine, c);
  if (!status && p->spare_bytes) status = dnnl_memory_create(&spare, given(&p->spare), engine, w->spare.memory);
  if (!status) {
    dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, m->memory}, {DNNL_ARG_DST, target}, {DNNL_ARG_SCRATCHPAD, spare}};
    status = dnnl_primitive_execute(p->primitive, w->stream, spare ? 4 : 3, arguments);
  }
  if (!status) status = dnnl_stream_wait(w->stream);
  if (left) dnnl_memory_destroy(left);
  if (target) dnnl_memory_destroy(target);
  if (spare) dnnl_memory_destroy(spare);
  return status;
}

int gap_onednn_multiply(const gap_onednn_matrix *m, const void *a, int type, size_t a_stride, size_t rows, void *c,
                        int target_type, size_t stride, int adding) {
  workplace *w = started() ? own_workplace() : NULL;
  if (!w) return dnnl_runtime_error;
  // A primitive belongs to one number of rows: few different ones keep their number small.
  size_t padded = (rows + 15) / 16 * 16;
  int is_half = m->type == dnnl_bf16, is_same = is_half == (type == GAP_ONEDNN_BF16);
  if (!is_same && !is_half) return dnnl_invalid_arguments;
  size_t own = is_half ? sizeof(uint16_t) : sizeof(float), depth = m->inputs;
  if (!is_same || padded != rows || a_stride != depth) {
    if (!RESERVE(w->left, padded * depth * own)) return dnnl_out_of_memory;
    // Rows that follow each other go in one call.
    size_t runs = a_stride == depth ? 1 : rows, count = a_stride == depth ? rows * depth : depth;
    for (size_t i = 0; i < runs; i++) {
      char *row = (char *)w->left.memory + i * depth * own;
      if (is_same) memcpy(row, (const char *)a + i * a_stride * own, count * own);
      else gap_narrow_bf16((const float *)a + i * a_stride, (uint16_t *)row, count);
    }
    a = w->left.memory;
  }
  // Targets are rows of the library's own where there are more of them than asked for, and where rows of the target lie
  // apart: for those it has only its reference implementation, a hundred times slower.
  size_t columns = m->outputs, each = target_type == GAP_ONEDNN_BF16 ? sizeof(uint16_t) : sizeof(float);
  if (padded == rows && stride == columns) return run_product(m, a, rows, c, target_type, adding, w);
  if (!RESERVE(w->target, padded * columns * each)) return dnnl_out_of_memory;
  int status = run_product(m, a, padded, w->target.memory, target_type, 0, w);
  if (status) return status;
  for (size_t i = 0; i < rows; i++) {
    const char *row = (const char *)w->target.memory + i * columns * each;
    if (adding) gap_add_scaled((float *)c + i * stride, (const float *)row, 1, columns);
    else memcpy((char *)c + i * stride * each, row, columns * each);
  }
  return status;
}
