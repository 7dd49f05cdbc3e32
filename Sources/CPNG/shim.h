#ifndef CPNG_SHIM_H
#define CPNG_SHIM_H

#include <png.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// libpng reports an error by longjmp, which must not cross a Swift frame. The writer below therefore holds the
// whole of one file's writing, with the setjmp, in C: it returns a status. Reading through png_image_begin_read_from_memory
// and png_image_finish_read needs nothing here, since these contain their own jumps. They convert colours by gamma,
// though, which a reader of stored samples must not: gap_png_open and gap_png_decode read these.

// Bytes written so far, and the message of the error that ended the writing.
typedef struct {
  unsigned char *bytes;
  size_t count;
  size_t capacity;
  char message[128];
} gap_png_output;

static inline void gap_png_fail(png_structp png, png_const_charp message) {
  gap_png_output *output = (gap_png_output *)png_get_error_ptr(png);
  strncpy(output->message, message, sizeof output->message - 1);
  output->message[sizeof output->message - 1] = 0;
  png_longjmp(png, 1);
}

static inline void gap_png_ignore(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static inline void gap_png_append(png_structp png, png_bytep bytes, size_t count) {
  gap_png_output *output = (gap_png_output *)png_get_io_ptr(png);
  if (count > output->capacity - output->count) {
    size_t capacity = output->capacity;
    while (count > capacity - output->count) {
      if (capacity > SIZE_MAX / 2) png_error(png, "out of memory");
      capacity = capacity ? capacity * 2 : 65536;
    }
    unsigned char *grown = (unsigned char *)realloc(output->bytes, capacity);
    if (!grown) png_error(png, "out of memory");
    output->bytes = grown;
    output->capacity = capacity;
  }
  memcpy(output->bytes + output->count, bytes, count);
  output->count += count;
}

static inline void gap_png_flush(png_structp png) { (void)png; }

// One text chunk: tEXt for ASCII, iTXt (UTF-8) for anything else.
static inline void gap_png_text(png_structp png, png_infop info, const char *keyword, const char *value) {
  png_text text;
  memset(&text, 0, sizeof text);
  int ascii = 1;
  for (const char *c = value; *c; c++) ascii &= ((unsigned char)*c < 0x80);
  text.compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
  text.key = (png_charp)keyword;
  text.text = (png_charp)value;
  if (ascii) {
    text.text_length = strlen(value);
  } else {
    text.itxt_length = strlen(value);
    text.lang = (png_charp)"";
    text.lang_key = (png_charp)"";
  }
  png_set_text(png, info, &text, 1);
}

// Writes 8-bit rows of 3 or 4 channels. `texts` holds `text_count` pairs "keyword\0value\0", one after another;
// `dots_per_metre` 0 writes no pHYs chunk. Returns 0 on success. The caller frees output->bytes either way.
static inline int gap_png_write(
    const unsigned char *pixels, png_uint_32 width, png_uint_32 height, int channels,
    png_uint_32 dots_per_metre, const char *texts, int text_count, gap_png_output *output) {
  memset(output, 0, sizeof *output);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, output, gap_png_fail, gap_png_ignore);
  if (!png) {
    strncpy(output->message, "out of memory", sizeof output->message - 1);
    return 1;
  }
  png_infop info = png_create_info_struct(png);
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    strncpy(output->message, "out of memory", sizeof output->message - 1);
    return 1;
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    return 1;
  }
  png_set_write_fn(png, output, gap_png_append, gap_png_flush);
  png_set_IHDR(
      png, info, width, height, 8, channels == 4 ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (dots_per_metre) png_set_pHYs(png, info, dots_per_metre, dots_per_metre, PNG_RESOLUTION_METER);
  for (int i = 0; i < text_count; i++) {
    const char *value = texts + strlen(texts) + 1;
    gap_png_text(png, info, texts, value);
    texts = value + strlen(value) + 1;
  }
  png_write_info(png, info);
  size_t stride = (size_t)width * (size_t)channels;
  for (png_uint_32 row = 0; row < height; row++) png_write_row(png, (png_bytep)(pixels + row * stride));
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return 0;
}

// One file whose samples are being read. It lives in C, because libpng keeps its address.
typedef struct {
  png_structp png;
  png_infop info;
  const unsigned char *bytes;
  size_t count;
  png_uint_32 width;
  png_uint_32 height;
  int channels;   // bytes a pixel after decoding: grey 1, palette index 1, grey and alpha 2, RGB 3, RGBA 4
  int has_palette;
  int palette_count;
  unsigned char palette[256 * 3];
  char message[128];
} gap_png_input;

static inline void gap_png_fail_reading(png_structp png, png_const_charp message) {
  gap_png_input *input = (gap_png_input *)png_get_error_ptr(png);
  strncpy(input->message, message, sizeof input->message - 1);
  png_longjmp(png, 1);
}

static inline void gap_png_take(png_structp png, png_bytep target, size_t count) {
  gap_png_input *input = (gap_png_input *)png_get_io_ptr(png);
  if (count > input->count) png_error(png, "the bytes end before the image does");
  memcpy(target, input->bytes, count);
  input->bytes += count;
  input->count -= count;
}

// Reads everything before the pixels. Returns NULL only without memory; otherwise `*status` is 0 when the sizes are
// known. `bytes` must stay where they are until gap_png_close, which the caller owes for every result but NULL.
static inline gap_png_input *gap_png_open(const unsigned char *bytes, size_t count, int *status) {
  *status = 1;
  gap_png_input *input = (gap_png_input *)calloc(1, sizeof *input);
  if (!input) return NULL;
  input->bytes = bytes;
  input->count = count;
  input->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, input, gap_png_fail_reading, gap_png_ignore);
  if (input->png) input->info = png_create_info_struct(input->png);
  if (!input->info) {
    strcpy(input->message, "out of memory");
    return input;
  }
  if (setjmp(png_jmpbuf(input->png))) return input;
  png_set_read_fn(input->png, input, gap_png_take);
  png_read_info(input->png, input->info);
  input->width = png_get_image_width(input->png, input->info);
  input->height = png_get_image_height(input->png, input->info);
  input->channels = png_get_channels(input->png, input->info);
  png_colorp colours = NULL;
  int colour_count = 0;
  input->has_palette = png_get_color_type(input->png, input->info) == PNG_COLOR_TYPE_PALETTE;
  if (input->has_palette && png_get_PLTE(input->png, input->info, &colours, &colour_count)) {
    input->palette_count = colour_count < 256 ? colour_count : 256;
    for (int i = 0; i < input->palette_count; i++) {
      input->palette[i * 3] = colours[i].red;
      input->palette[i * 3 + 1] = colours[i].green;
      input->palette[i * 3 + 2] = colours[i].blue;
    }
  }
  *status = 0;
  return input;
}

// Decodes rows of `channels` bytes a pixel: samples below 8 bits are widened (indices are not), of 16-bit samples the
// high byte is kept, or both bytes, high first, with `both_bytes`. Returns 0 when the end marker has been read.
static inline int gap_png_decode(gap_png_input *input, unsigned char *pixels, size_t stride, int both_bytes) {
  if (setjmp(png_jmpbuf(input->png))) return 1;
  png_structp png = input->png;
  if (!both_bytes) png_set_strip_16(png);
  if (input->has_palette) {
    png_set_packing(png);
  } else if (png_get_color_type(png, input->info) == PNG_COLOR_TYPE_GRAY) {
    png_set_expand_gray_1_2_4_to_8(png);
  }
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, input->info);
  if (png_get_rowbytes(png, input->info) != stride) png_error(png, "unexpected number of bytes a row");
  for (int pass = 0; pass < passes; pass++) {
    for (png_uint_32 row = 0; row < input->height; row++) png_read_row(png, pixels + row * stride, NULL);
  }
  png_read_end(png, NULL);
  return 0;
}

static inline int gap_png_depth(const gap_png_input *input) { return png_get_bit_depth(input->png, input->info); }

static inline void gap_png_close(gap_png_input *input) {
  if (!input) return;
  if (input->png) png_destroy_read_struct(&input->png, input->info ? &input->info : NULL, NULL);
  free(input);
}

#endif
