#ifndef CJPEG_SHIM_H
#define CJPEG_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>

// libjpeg reports an error by a callback that must not return, and its callers answer with longjmp, which must not
// cross a Swift frame. Each function below therefore holds its setjmp and every jump to it, and returns a status.

// The most scans that are read, and the most pixels that all scans may cover together: a few bytes can declare a scan
// over the whole image. Progressive files have about ten scans; of the largest image 16 are read.
enum { GAP_JPEG_SCANS = 500, GAP_JPEG_SCANNED_PIXELS = 1 << 30 };

// One file that is being read. It lives in C, because libjpeg keeps addresses of it.
typedef struct {
  struct jpeg_decompress_struct decoder;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  int truncated;  // the bytes ended before the image did
  char message[JMSG_LENGTH_MAX];
} gap_jpeg;

static inline void gap_jpeg_fail(j_common_ptr common) {
  gap_jpeg *image = (gap_jpeg *)common->client_data;
  common->err->format_message(common, image->message);
  longjmp(image->jump, 1);
}

// Warnings tell of damage that the decoder has bridged; they go nowhere.
static inline void gap_jpeg_ignore(j_common_ptr common, int level) {
  (void)common;
  (void)level;
}

static inline void gap_jpeg_nothing(j_decompress_ptr decoder) { (void)decoder; }

// The source is one block of memory: whoever asks for more has reached the end of a truncated file.
static inline boolean gap_jpeg_end_of_bytes(j_decompress_ptr decoder) {
  gap_jpeg *image = (gap_jpeg *)decoder->client_data;
  image->truncated = 1;
  strcpy(image->message, "the bytes end before the image does");
  longjmp(image->jump, 1);
  return FALSE;
}

static inline void gap_jpeg_skip(j_decompress_ptr decoder, long count) {
  if (count <= 0) return;
  if ((size_t)count > decoder->src->bytes_in_buffer) gap_jpeg_end_of_bytes(decoder);
  decoder->src->next_input_byte += count;
  decoder->src->bytes_in_buffer -= (size_t)count;
}

static inline void gap_jpeg_count_scans(j_common_ptr common) {
  gap_jpeg *image = (gap_jpeg *)common->client_data;
  if (image->decoder.input_scan_number > GAP_JPEG_SCANS) {
    strcpy(image->message, "more than 500 scans");
    longjmp(image->jump, 1);
  }
  size_t pixels = (size_t)image->decoder.image_width * (size_t)image->decoder.image_height;
  if (image->decoder.input_scan_number > 1 && pixels * (size_t)image->decoder.input_scan_number > GAP_JPEG_SCANNED_PIXELS) {
    strcpy(image->message, "too many scans for its size");
    longjmp(image->jump, 1);
  }
}

// Reads the header. Returns NULL only without memory; otherwise `*status` is 0 when width, height and components are
// known. `bytes` must stay where they are until gap_jpeg_close, which the caller owes for every result but NULL.
static inline gap_jpeg *gap_jpeg_open(const unsigned char *bytes, size_t count, int *status) {
  *status = 1;
  gap_jpeg *image = (gap_jpeg *)calloc(1, sizeof *image);
  if (!image) return NULL;
  image->decoder.err = jpeg_std_error(&image->errors);
  image->errors.error_exit = gap_jpeg_fail;
  image->errors.emit_message = gap_jpeg_ignore;
  image->decoder.client_data = image;
  if (setjmp(image->jump)) return image;
  jpeg_create_decompress(&image->decoder);
  image->decoder.client_data = image;
  image->source.next_input_byte = bytes;
  image->source.bytes_in_buffer = count;
  image->source.init_source = gap_jpeg_nothing;
  image->source.fill_input_buffer = gap_jpeg_end_of_bytes;
  image->source.skip_input_data = gap_jpeg_skip;
  image->source.resync_to_restart = jpeg_resync_to_restart;
  image->source.term_source = gap_jpeg_nothing;
  image->decoder.src = &image->source;
  image->progress.progress_monitor = gap_jpeg_count_scans;
  image->decoder.progress = &image->progress;
  jpeg_read_header(&image->decoder, TRUE);
  *status = 0;
  return image;
}

// Decodes into rows of 8-bit samples, `channels` a pixel: 3 (RGB, from one or three components) or 4 (CMYK as it is
// stored). Returns 0 when every row and the end marker have been read.
static inline int gap_jpeg_decode(gap_jpeg *image, unsigned char *pixels, int channels) {
  if (setjmp(image->jump)) return 1;
  image->decoder.out_color_space = channels == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&image->decoder);
  size_t stride = (size_t)image->decoder.output_width * (size_t)channels;
  if (image->decoder.output_components != channels) {
    strcpy(image->message, "unexpected number of channels");
    return 1;
  }
  while (image->decoder.output_scanline < image->decoder.output_height) {
    JSAMPROW row = pixels + stride * image->decoder.output_scanline;
    jpeg_read_scanlines(&image->decoder, &row, 1);
  }
  jpeg_finish_decompress(&image->decoder);
  return 0;
}

static inline void gap_jpeg_close(gap_jpeg *image) {
  if (!image) return;
  // Without this the jump buffer of a function that has returned would be the target of a late error.
  if (!setjmp(image->jump)) jpeg_destroy_decompress(&image->decoder);
  free(image);
}

// One file that is being written.
typedef struct {
  struct jpeg_compress_struct encoder;
  struct jpeg_error_mgr errors;
  jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
} gap_jpeg_output;

static inline void gap_jpeg_output_fail(j_common_ptr common) {
  gap_jpeg_output *output = (gap_jpeg_output *)common->client_data;
  common->err->format_message(common, output->message);
  longjmp(output->jump, 1);
}

// Writes rows of 8-bit RGB as a baseline file. Returns 0 and hands over `*bytes`, which the caller frees whatever is
// returned; `message` has room for JMSG_LENGTH_MAX characters.
static inline int gap_jpeg_write(const unsigned char *pixels, unsigned width, unsigned height, int quality,
                                 unsigned char **bytes, size_t *count, char *message) {
  *bytes = NULL;
  *count = 0;
  gap_jpeg_output *output = (gap_jpeg_output *)calloc(1, sizeof *output);
  if (!output) {
    strcpy(message, "out of memory");
    return 1;
  }
  // libjpeg writes these two until the file is finished: they must not live in registers across a jump.
  unsigned char *volatile memory = NULL;
  unsigned long size = 0;
  output->encoder.err = jpeg_std_error(&output->errors);
  output->errors.error_exit = gap_jpeg_output_fail;
  output->errors.emit_message = gap_jpeg_ignore;
  output->encoder.client_data = output;
  if (setjmp(output->jump)) {
    memcpy(message, output->message, JMSG_LENGTH_MAX);
    jpeg_destroy_compress(&output->encoder);
    *bytes = memory;
    free(output);
    return 1;
  }
  jpeg_create_compress(&output->encoder);
  output->encoder.client_data = output;
  jpeg_mem_dest(&output->encoder, (unsigned char **)&memory, &size);
  output->encoder.image_width = width;
  output->encoder.image_height = height;
  output->encoder.input_components = 3;
  output->encoder.in_color_space = JCS_RGB;
  jpeg_set_defaults(&output->encoder);
  jpeg_set_quality(&output->encoder, quality, TRUE);
  output->encoder.optimize_coding = TRUE;
  jpeg_start_compress(&output->encoder, TRUE);
  while (output->encoder.next_scanline < height) {
    JSAMPROW row = (JSAMPROW)pixels + (size_t)width * 3 * output->encoder.next_scanline;
    jpeg_write_scanlines(&output->encoder, &row, 1);
  }
  jpeg_finish_compress(&output->encoder);
  jpeg_destroy_compress(&output->encoder);
  *bytes = memory;
  *count = size;
  free(output);
  return 0;
}

// libjpeg has no function that tells its version; this is that of the headers.
static inline const char *gap_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
#define GAP_JPEG_TEXT(text) #text
#define GAP_JPEG_QUOTED(text) GAP_JPEG_TEXT(text)
  return "libjpeg-turbo " GAP_JPEG_QUOTED(LIBJPEG_TURBO_VERSION);
#else
  return JPEG_LIB_VERSION >= 90 ? "libjpeg 9" : JPEG_LIB_VERSION >= 80 ? "libjpeg 8" : "libjpeg 6b";
#endif
}

#endif
