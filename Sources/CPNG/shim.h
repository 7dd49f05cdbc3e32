#ifndef CPNG_SHIM_H
#define CPNG_SHIM_H

#include <png.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// libpng reports an error by longjmp, which must not cross a Swift frame. The writer below therefore holds the
// whole of one file's writing, with the setjmp, in C: it returns a status. Reading needs nothing here, because
// png_image_begin_read_from_memory and png_image_finish_read contain their own jumps.

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

#endif
