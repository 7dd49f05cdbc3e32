// The machine's own speed in matrix products: 2048 x 2048 x 2048, in GFLOP/s, as one JSON object.
//
// Usage: gemm-peak THREADS [FILE]
//
// oneDNN with weights in its own layout, on as many OpenMP threads, f32 and bf16; OpenBLAS f32. Best, median and worst of
// nine products each, after two that are not counted. With FILE, in place of these: seconds for what the moments of
// 1,000,000 pairs of width 768 cannot do without, two symmetric products and one between the sides in f64, block by block,
// and seconds for reading FILE.
#define _GNU_SOURCE
#include <cblas.h>
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 2048, TIMES = 9 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static void report(const char *name, double *seconds, int isLast) {
  qsort(seconds, TIMES, sizeof *seconds, ascending);
  double work = 2.0 * N * N * N / 1e9;
  printf("\"%s\": {\"best\": %.1f, \"median\": %.1f, \"worst\": %.1f}%s", name, work / seconds[0],
         work / seconds[TIMES / 2], work / seconds[TIMES - 1], isLast ? "" : ", ");
}

static void expect(dnnl_status_t status) {
  if (status == dnnl_success) return;
  fprintf(stderr, "gemm-peak: oneDNN failed with status %d\n", (int)status);
  exit(70);
}

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t description;
#define GIVEN(d) (d)
#else
typedef dnnl_memory_desc_t description;
#define GIVEN(d) (&(d))
#endif

static void describe(description *d, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  dnnl_dims_t dims = {N, N};
#if DNNL_VERSION_MAJOR >= 3
  expect(dnnl_memory_desc_create_with_tag(d, 2, dims, type, tag));
#else
  expect(dnnl_memory_desc_init_by_tag(d, 2, dims, type, tag));
#endif
}

static void measure(const char *name, dnnl_engine_t engine, dnnl_data_type_t type) {
  description a, b, c;
  describe(&a, type, dnnl_ab);
  describe(&b, type, dnnl_format_tag_any);
  describe(&c, dnnl_f32, dnnl_ab);
  dnnl_primitive_desc_t plan;
#if DNNL_VERSION_MAJOR >= 3
  expect(dnnl_matmul_primitive_desc_create(&plan, engine, a, b, NULL, c, NULL));
#else
  dnnl_matmul_desc_t operation;
  expect(dnnl_matmul_desc_init(&operation, &a, &b, NULL, &c));
  expect(dnnl_primitive_desc_create(&plan, &operation, NULL, engine, NULL));
#endif
  dnnl_primitive_t product;
  expect(dnnl_primitive_create(&product, plan));
  dnnl_stream_t stream;
  expect(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
  dnnl_memory_t left, right, target;
  expect(dnnl_memory_create(&left, GIVEN(a), engine, DNNL_MEMORY_ALLOCATE));
#if DNNL_VERSION_MAJOR >= 3
  const_dnnl_memory_desc_t packed = dnnl_primitive_desc_query_md(plan, dnnl_query_weights_md, 0);
#else
  const dnnl_memory_desc_t *packed = dnnl_primitive_desc_query_md(plan, dnnl_query_weights_md, 0);
#endif
  expect(dnnl_memory_create(&right, packed, engine, DNNL_MEMORY_ALLOCATE));
  expect(dnnl_memory_create(&target, GIVEN(c), engine, DNNL_MEMORY_ALLOCATE));
  void *numbers;
  expect(dnnl_memory_get_data_handle(left, &numbers));
  memset(numbers, 0x3c, dnnl_memory_desc_get_size(GIVEN(a)));
  expect(dnnl_memory_get_data_handle(right, &numbers));
  memset(numbers, 0x3c, dnnl_memory_desc_get_size(packed));
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, right}, {DNNL_ARG_DST, target}};
  double seconds[TIMES];
  for (int i = -2; i < TIMES; i++) {
    double start = now();
    expect(dnnl_primitive_execute(product, stream, 3, arguments));
    expect(dnnl_stream_wait(stream));
    if (i >= 0) seconds[i] = now() - start;
  }
  report(name, seconds, 0);
}

// X'X, Y'Y and X'Y of a million rows; the same block of rows over and over, as reading is timed apart.
static double moments(void) {
  enum { ROWS = 8192, WIDTH = 768, ALL = 1000000 };
  double *x = malloc(sizeof(double) * ROWS * WIDTH), *y = malloc(sizeof(double) * ROWS * WIDTH);
  double *sums = calloc(3 * WIDTH * WIDTH, sizeof(double));
  if (!x || !y || !sums) exit(70);
  for (size_t i = 0; i < (size_t)ROWS * WIDTH; i++) {
    x[i] = (double)(i % 97) / 97 - 0.5;
    y[i] = (double)(i % 89) / 89 - 0.5;
  }
  double start = now();
  for (int done = 0; done < ALL; done += ROWS) {
    int rows = ALL - done < ROWS ? ALL - done : ROWS;
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, WIDTH, rows, 1, x, WIDTH, 1, sums, WIDTH);
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, WIDTH, rows, 1, y, WIDTH, 1, sums + WIDTH * WIDTH, WIDTH);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, WIDTH, WIDTH, rows, 1, x, WIDTH, y, WIDTH, 1,
                sums + 2 * WIDTH * WIDTH, WIDTH);
  }
  double seconds = now() - start;
  free(x);
  free(y);
  free(sums);
  return seconds;
}

static double reading(const char *path) {
  enum { PIECE = 8 << 20 };
  FILE *file = fopen(path, "rb");
  char *piece = malloc(PIECE);
  if (!file || !piece) {
    fprintf(stderr, "gemm-peak: %s: cannot be read\n", path);
    exit(66);
  }
  setvbuf(file, NULL, _IONBF, 0);
  double start = now();
  while (fread(piece, 1, PIECE, file) == PIECE) {
  }
  double seconds = now() - start;
  fclose(file);
  free(piece);
  return seconds;
}

int main(int count, char **words) {
  int threads = count > 1 ? atoi(words[1]) : 0;
  if (threads < 1) {
    fprintf(stderr, "usage: gemm-peak THREADS [FILE]\n");
    return 64;
  }
  dnnl_engine_t engine;
  expect(dnnl_engine_create(&engine, dnnl_cpu, 0));
  void (*openmp)(int);
  *(void **)&openmp = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (openmp) openmp(threads);
  openblas_set_num_threads(threads);
  if (count > 2) {
    printf("{\"products\": %.3f, ", moments());
    printf("\"reading\": %.3f}\n", reading(words[2]));
    return 0;
  }
  const dnnl_version_t *version = dnnl_version();
  printf("{\"threads\": %d, \"onednn_version\": \"%d.%d.%d\", ", threads, version->major, version->minor, version->patch);
  measure("onednn_f32", engine, dnnl_f32);
  if ((dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16) {
    measure("onednn_bf16", engine, dnnl_bf16);
  }
  size_t bytes = sizeof(float) * N * N;
  float *a = malloc(bytes), *b = malloc(bytes), *c = malloc(bytes);
  if (!a || !b || !c) return 70;
  memset(a, 0x3c, bytes);
  memset(b, 0x3c, bytes);
  double seconds[TIMES];
  for (int i = -2; i < TIMES; i++) {
    double start = now();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c, N);
    if (i >= 0) seconds[i] = now() - start;
  }
  report("openblas_f32", seconds, 1);
  puts("}");
  return 0;
}
