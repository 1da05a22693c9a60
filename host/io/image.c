#include "host/io/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jpeglib.h wants the two above it. */
#include <jerror.h>
#include <jpeglib.h>

/* More than any photograph; keeps a forged header from asking for terabytes. */
#define MOST_PIXELS ((uint64_t)1 << 28)

/* What both decoders fill; errors of the libraries jump to `fail`, so all that must survive lives here. */
struct decoder {
    jmp_buf fail;
    td__image *out;
    uint8_t *row; /* one row of CMYK */
    char *why;
    size_t why_size;
    const uint8_t *at, *end; /* PNG: what is left to read */
};

static int make_pixels(struct decoder *d, uint32_t width, uint32_t height)
{
    if (!width || !height || (uint64_t)width * height > MOST_PIXELS) {
        snprintf(d->why, d->why_size, "an image of %u x %u is more than can be held", width, height);
        return -1;
    }
    d->out->pixels = malloc((size_t)width * height * 3);
    if (!d->out->pixels) {
        snprintf(d->why, d->why_size, "out of memory for an image of %u x %u", width, height);
        return -1;
    }
    d->out->width = (int32_t)width;
    d->out->height = (int32_t)height;
    d->out->channels = 3;
    return 0;
}

/* ---- JPEG ---- */

static void jpeg_fail(j_common_ptr j)
{
    struct decoder *d = j->client_data;
    char text[JMSG_LENGTH_MAX];
    j->err->format_message(j, text);
    snprintf(d->why, d->why_size, "broken JPEG: %s", text);
    longjmp(d->fail, 1);
}

/* libjpeg calls it a warning when it makes up missing pixels; for training that is a failure.  What leaves every
 * pixel as it was (stray bytes between markers, found in ImageNet too) passes. */
static void jpeg_message(j_common_ptr j, int level)
{
    int code = j->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM && code != JWRN_TOO_MUCH_DATA)
        jpeg_fail(j);
}

/* Adobe's CMYK is stored inverted; the arithmetic is that of Pillow, so that both give equal pixels. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++, cmyk += 4, rgb += 3)
        for (int i = 0; i < 3; i++) {
            uint32_t t = (255u - cmyk[i]) * cmyk[3] + 128u;
            rgb[i] = (uint8_t)(cmyk[3] - (((t >> 8) + t) >> 8));
        }
}

static int decode_jpeg(struct decoder *d, const void *bytes, size_t size)
{
    struct jpeg_decompress_struct j;
    struct jpeg_error_mgr err;
    memset(&j, 0, sizeof j);
    j.err = jpeg_std_error(&err);
    err.error_exit = jpeg_fail;
    err.emit_message = jpeg_message;
    j.client_data = d;
    if (setjmp(d->fail)) {
        jpeg_destroy_decompress(&j);
        return -1;
    }
    jpeg_create_decompress(&j);
    j.client_data = d;
    jpeg_mem_src(&j, bytes, (unsigned long)size);
    jpeg_read_header(&j, TRUE);
    int cmyk = j.num_components == 4;
    j.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&j);
    if (make_pixels(d, j.output_width, j.output_height)) {
        jpeg_destroy_decompress(&j);
        return -1;
    }
    if (cmyk && !(d->row = malloc((size_t)j.output_width * 4)))
        ERREXIT1(&j, JERR_OUT_OF_MEMORY, 0);
    while (j.output_scanline < j.output_height) {
        uint8_t *rgb = d->out->pixels + (size_t)j.output_scanline * j.output_width * 3;
        JSAMPROW row = cmyk ? d->row : rgb;
        jpeg_read_scanlines(&j, &row, 1);
        if (cmyk)
            cmyk_to_rgb(d->row, rgb, j.output_width);
    }
    jpeg_finish_decompress(&j);
    jpeg_destroy_decompress(&j);
    return 0;
}

/* ---- PNG ---- */

static void png_failed(png_structp p, png_const_charp text)
{
    struct decoder *d = png_get_error_ptr(p);
    snprintf(d->why, d->why_size, "broken PNG: %s", text);
    longjmp(d->fail, 1);
}

static void png_warned(png_structp p, png_const_charp text)
{
    (void)p;
    (void)text; /* odd profiles and the like; broken pixels are errors to libpng */
}

static void png_take(png_structp p, png_bytep out, size_t n)
{
    struct decoder *d = png_get_io_ptr(p);
    if ((size_t)(d->end - d->at) < n)
        png_error(p, "cut short");
    memcpy(out, d->at, n);
    d->at += n;
}

static int decode_png(struct decoder *d, const void *bytes, size_t size)
{
    png_structp p = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, png_failed, png_warned);
    png_infop info = p ? png_create_info_struct(p) : NULL;
    d->at = bytes;
    d->end = d->at + size;
    if (!info) {
        png_destroy_read_struct(&p, NULL, NULL);
        snprintf(d->why, d->why_size, "out of memory");
        return -1;
    }
    if (setjmp(d->fail)) {
        png_destroy_read_struct(&p, &info, NULL);
        return -1;
    }
    png_set_read_fn(p, d, png_take);
    png_read_info(p, info);
    png_set_expand(p);
    png_set_strip_16(p);
    png_set_gray_to_rgb(p);
    png_set_strip_alpha(p);
    int passes = png_set_interlace_handling(p);
    png_read_update_info(p, info);
    uint32_t width = png_get_image_width(p, info), height = png_get_image_height(p, info);
    if (png_get_rowbytes(p, info) != (size_t)width * 3)
        png_error(p, "a pixel format that does not become RGB");
    if (make_pixels(d, width, height)) {
        png_destroy_read_struct(&p, &info, NULL);
        return -1;
    }
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < height; y++)
            png_read_row(p, d->out->pixels + (size_t)y * width * 3, NULL);
    png_read_end(p, NULL);
    png_destroy_read_struct(&p, &info, NULL);
    return 0;
}

int td__image_decode(const void *bytes, size_t size, td__image *out, char *why, size_t why_size)
{
    struct decoder d = {.out = out, .why = why, .why_size = why_size};
    const uint8_t *b = bytes;
    int rc = -1;
    memset(out, 0, sizeof *out);
    if (size >= 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff)
        rc = decode_jpeg(&d, bytes, size);
    else if (size >= 8 && !png_sig_cmp(b, 0, 8))
        rc = decode_png(&d, bytes, size);
    else
        snprintf(why, why_size, "neither JPEG nor PNG");
    free(d.row);
    if (rc)
        td__image_free(out);
    return rc;
}

void td__image_free(td__image *image)
{
    free(image->pixels);
    memset(image, 0, sizeof *image);
}
