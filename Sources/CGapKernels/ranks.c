// Decides what scores in whole numbers can decide about ranks and neighbours, 64 scores at a time: a chunk without an
// unsure score costs a few vector comparisons, the others are gone through one by one.
#include "CGapKernels.h"
#include "dispatch.h"

enum { CHUNK = 64 };

GAP_DISPATCHED size_t gap_rank_row(const int32_t *scores, size_t count, int32_t row_low, int32_t row_high,
                                   const int32_t *column_low, const int32_t *column_high, int32_t *column_counts,
                                   int32_t *row_count, uint32_t *unsure) {
  int32_t above = 0;
  size_t found = 0;
  for (size_t start = 0; start < count; start += CHUNK) {
    size_t end = start + CHUNK < count ? start + CHUNK : count;
    int32_t chunk_unsure = 0;
    for (size_t j = start; j < end; j++) {
      int32_t s = scores[j];
      int32_t row_above = s > row_high, column_above = s > column_high[j];
      above += row_above;
      column_counts[j] += column_above;
      chunk_unsure += ((s >= row_low) & !row_above) | ((s >= column_low[j]) & !column_above);
    }
    if (chunk_unsure == 0) continue;
    for (size_t j = start; j < end; j++) {
      int32_t s = scores[j];
      if ((s >= row_low && s <= row_high) || (s >= column_low[j] && s <= column_high[j])) unsure[found++] = (uint32_t)j;
    }
  }
  *row_count += above;
  return found;
}

GAP_DISPATCHED size_t gap_list_above(const int32_t *scores, size_t count, int32_t bound, uint32_t *listed) {
  size_t found = 0;
  for (size_t start = 0; start < count; start += CHUNK) {
    size_t end = start + CHUNK < count ? start + CHUNK : count;
    int32_t any = 0;
    for (size_t j = start; j < end; j++) any += scores[j] >= bound;
    if (any == 0) continue;
    for (size_t j = start; j < end; j++)
      if (scores[j] >= bound) listed[found++] = (uint32_t)j;
  }
  return found;
}
