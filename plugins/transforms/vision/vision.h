/* Shared by the files of the vision plugin. */
#ifndef VISION_H
#define VISION_H

#include <td/td.h>

#define NEAREST 0
#define BILINEAR 1
#define BICUBIC 2

/* A function `name` whose copy with AVX2 is called name_avx2: the one for this processor.  Both give the same bits. */
#if defined __x86_64__
#define AVX2 __attribute__((target("avx2")))
#define BEST_OF(name) (__builtin_cpu_supports("avx2") ? name##_avx2 : name)
#else
#define BEST_OF(name) name
#endif

struct rect {
    int32_t x, y, w, h;
};

/* Bytes of one pixel, and the first byte of the image, whether it holds pixels or values. */
static inline size_t pixel_size(const td_item_view *v) { return (size_t)v->channels * (v->pixels ? 1 : sizeof(float)); }
static inline const char *first_byte(const td_item_view *v)
{
    return v->pixels ? (const char *)v->pixels : (const char *)v->values;
}

/* A new image of the same kind and channels as v; NULL and the item's context fails. */
void *image_like(td_item *item, const td_item_view *v, int32_t w, int32_t h);
/* Whether the item holds 8-bit pixels; else c fails in the name of `who`. */
int is_pixels(td_ctx *c, const td_item_view *v, const char *who);
/* Whether it is one or two lengths from 1 to 65536. */
int is_size(const td_ints *size);
/* `size` as torchvision takes it, one length or (height, width).  0, or c fails in the name of `who`. */
int32_t read_size(td_ctx *c, const td_ints *size, const char *who, int32_t *w, int32_t *h);
/* A random integer of [0, n). */
int32_t random_below(td_item *item, uint32_t draw, int32_t n);

/* Replaces the image by the part `from` of it, resized to w x h as Pillow does (antialiased, 8-bit rounding after each
 * of the two passes).  8-bit pixels only.  0, or c fails.  In resample.c. */
int32_t resize_part(td_ctx *c, td_item *item, struct rect from, int32_t w, int32_t h, int method);
/* NEAREST ... of the names the parameter tables offer. */
#define METHODS "bilinear|bicubic|nearest"
int method_of(const char *name);

extern const td_transform_type to_tensor, normalize, random_erasing;                         /* values.c */
extern const td_transform_type random_crop, center_crop, pad, horizontal_flip, vertical_flip; /* crop.c */
extern const td_transform_type resize, random_resized_crop;                                   /* scale.c */
extern const td_transform_type grayscale, color_jitter;                                       /* colour.c */

#endif
