/* Resizing as Pillow does it: a separable filter whose support grows with the reduction, horizontal pass first,
 * weights in fixed point with 22 fraction bits, and 8-bit rounding after each pass. */
#include "vision.h"

#include <math.h>

#pragma GCC optimize("O3") /* loops over pixels become vectors */

#define FRACTION 22

int method_of(const char *name) { return name[0] == 'n' ? NEAREST : name[2] == 'c' ? BICUBIC : BILINEAR; }

/* The filters at distance x (Keys' cubic with a = -1/2). */
static double weight(int method, double x)
{
    x = fabs(x);
    if (method == BILINEAR)
        return x < 1 ? 1 - x : 0;
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* One direction: output i is the sum of weights[i * most + k] * input[first[i] + k], k < count[i]. */
struct kernel {
    int32_t *first, *count, *weights;
    int32_t most;
};

static int32_t make_kernel(td_ctx *c, struct kernel *k, int32_t in, int32_t out, int method)
{
    double scale = (double)in / out, stretch = scale > 1 ? scale : 1;
    double support = (method == BICUBIC ? 2 : 1) * stretch;
    k->most = (int32_t)ceil(support) * 2 + 1;
    k->first = td_alloc(c, 2 * (size_t)out * sizeof *k->first);
    k->weights = td_alloc(c, (size_t)out * (size_t)k->most * sizeof *k->weights);
    double *w = td_alloc(c, (size_t)k->most * sizeof *w);
    if (!k->first || !k->weights || !w)
        return TD_ERROR;
    k->count = k->first + out;
    for (int32_t i = 0; i < out; i++) {
        double centre = (i + 0.5) * scale, total = 0;
        int32_t first = (int32_t)fmax(centre - support + 0.5, 0), end = (int32_t)fmin(centre + support + 0.5, in);
        k->first[i] = first;
        k->count[i] = end - first;
        for (int32_t j = 0; j < end - first; j++) {
            w[j] = weight(method, (j + first - centre + 0.5) / stretch);
            total += w[j];
        }
        for (int32_t j = 0; j < end - first; j++) {
            double fixed = w[j] / total * (1 << FRACTION);
            k->weights[(int64_t)i * k->most + j] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
        }
    }
    return TD_OK;
}

static uint8_t rounded(int32_t sum)
{
    sum >>= FRACTION;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* One line: out[i] of three values each, which share the weight. */
static void filter_colours(uint8_t *out, const uint8_t *in, int32_t n, const struct kernel *k)
{
    for (int32_t i = 0; i < n; i++, out += 3) {
        const int32_t *w = k->weights + (int64_t)i * k->most;
        const uint8_t *from = in + (int64_t)k->first[i] * 3;
        int32_t a = 1 << (FRACTION - 1), b = a, c = a, count = k->count[i];
        for (int32_t j = 0; j < count; j++, from += 3) {
            a += w[j] * from[0];
            b += w[j] * from[1];
            c += w[j] * from[2];
        }
        out[0] = rounded(a);
        out[1] = rounded(b);
        out[2] = rounded(c);
    }
}

/* One line: out[i] of `channels` values each. */
static void filter_line(uint8_t *out, const uint8_t *in, int32_t n, int32_t channels, const struct kernel *k)
{
    if (channels == 3) {
        filter_colours(out, in, n, k);
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t *w = k->weights + (int64_t)i * k->most;
        const uint8_t *from = in + (int64_t)k->first[i] * channels;
        for (int32_t ch = 0; ch < channels; ch++) {
            int32_t sum = 1 << (FRACTION - 1);
            for (int32_t j = 0; j < k->count[i]; j++)
                sum += w[j] * from[(int64_t)j * channels + ch];
            *out++ = rounded(sum);
        }
    }
}

/* One line of n bytes from `count` lines of the same length; sums has room for n. */
static inline __attribute__((always_inline)) void mix(uint8_t *restrict out, const uint8_t *lines, int64_t n,
                                                      const int32_t *w, int32_t count, int32_t *restrict sums)
{
    for (int64_t i = 0; i < n; i++)
        sums[i] = 1 << (FRACTION - 1);
    for (int32_t j = 0; j < count; j++, lines += n)
        for (int64_t i = 0; i < n; i++)
            sums[i] += w[j] * lines[i];
    for (int64_t i = 0; i < n; i++)
        out[i] = rounded(sums[i]);
}

static void mix_lines(uint8_t *out, const uint8_t *lines, int64_t n, const int32_t *w, int32_t count, int32_t *sums)
{
    mix(out, lines, n, w, count, sums);
}

/* The least x86 has no multiplication of 32-bit vectors; integers are the same either way. */
#if defined __x86_64__
__attribute__((target("avx2"))) static void mix_lines_avx2(uint8_t *out, const uint8_t *lines, int64_t n,
                                                           const int32_t *w, int32_t count, int32_t *sums)
{
    mix(out, lines, n, w, count, sums);
}
#define BEST_MIX (__builtin_cpu_supports("avx2") ? mix_lines_avx2 : mix_lines)
#else
#define BEST_MIX mix_lines
#endif

static void resize_nearest(uint8_t *out, const td_item_view *v, struct rect from, int32_t w, int32_t h)
{
    for (int32_t y = 0; y < h; y++) {
        int64_t row = from.y + (int64_t)((y + 0.5) * from.h / h);
        for (int32_t x = 0; x < w; x++) {
            int64_t col = from.x + (int64_t)((x + 0.5) * from.w / w);
            for (int32_t ch = 0; ch < v->channels; ch++)
                *out++ = v->pixels[(row * v->width + col) * v->channels + ch];
        }
    }
}

int32_t resize_part(td_ctx *c, td_item *item, struct rect from, int32_t w, int32_t h, int method)
{
    td_item_view v = td_item_of(item)->image;
    uint8_t *out = td_item_image(item, w, h, v.channels);
    if (!out)
        return TD_ERROR;
    if (method == NEAREST) {
        resize_nearest(out, &v, from, w, h);
        return TD_OK;
    }
    struct kernel across, down;
    void (*mix_best)(uint8_t *, const uint8_t *, int64_t, const int32_t *, int32_t, int32_t *) = BEST_MIX;
    int64_t line = (int64_t)w * v.channels;
    uint8_t *narrow = td_alloc(c, (size_t)(line * from.h));
    int32_t *sums = td_alloc(c, (size_t)line * sizeof *sums);
    if (!narrow || !sums || make_kernel(c, &across, from.w, w, method) || make_kernel(c, &down, from.h, h, method))
        return TD_ERROR;
    for (int32_t y = 0; y < from.h; y++)
        filter_line(narrow + y * line, v.pixels + ((int64_t)(from.y + y) * v.width + from.x) * v.channels, w,
                    v.channels, &across);
    for (int32_t y = 0; y < h; y++)
        mix_best(out + y * line, narrow + down.first[y] * line, line, down.weights + (int64_t)y * down.most,
                 down.count[y], sums);
    return TD_OK;
}

struct resize_params {
    td_ints size;
    const char *interpolation;
    int64_t max_size;
};

static const td_param resize_table[] = {
    TD_PARAM_INTS(struct resize_params, size, NULL, "length of the shorter side, or (height, width)"),
    TD_PARAM_STRING(struct resize_params, interpolation, "bilinear", "filter", .choices = METHODS),
    TD_PARAM_INT(struct resize_params, max_size, "null", "most the longer side may get", .flags = TD_NULLABLE, .min = 1,
                 .max = 65536),
    TD_PARAM_UNUSED("antialias", "pixels are always antialiased"), TD_PARAM_END};

static int32_t resize_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct resize_params *p = params;
    td_item_view v = td_item_of(item)->image;
    int32_t w, h;
    if (!is_pixels(c, &v, "Resize") || read_size(c, &p->size, "Resize", &w, &h))
        return TD_ERROR;
    if (p->size.n == 1) {
        int32_t least = v.width < v.height ? v.width : v.height, most = v.width < v.height ? v.height : v.width;
        int64_t shorter = p->size.v[0], longer = shorter * most / least;
        if (p->max_size != TD_NONE_INT && longer > p->max_size) {
            shorter = p->max_size * shorter / longer;
            longer = p->max_size;
        }
        w = (int32_t)(v.width < v.height ? shorter : longer);
        h = (int32_t)(v.width < v.height ? longer : shorter);
    }
    if (w == v.width && h == v.height)
        return TD_OK;
    return resize_part(c, item, (struct rect){0, 0, v.width, v.height}, w, h, method_of(p->interpolation));
}

const td_transform_type resize = {{.key = "Resize",
                                   .aliases = "torchvision.transforms.Resize torchvision.transforms.transforms.Resize "
                                              "custom.transform.WrappedResize",
                                   .summary = "to a length of the shorter side, or to a size",
                                   .params = resize_table,
                                   .params_size = sizeof(struct resize_params)},
                                  .apply = resize_apply};

struct resized_crop_params {
    td_ints size;
    td_floats scale, ratio;
    const char *interpolation;
};

static const td_param resized_crop_table[] = {
    TD_PARAM_INTS(struct resized_crop_params, size, NULL, "of the result: one length or (height, width)"),
    TD_PARAM_FLOATS(struct resized_crop_params, scale, "[0.08, 1.0]",
                    "share of the area that is cut out, least and most"),
    TD_PARAM_FLOATS(struct resized_crop_params, ratio, "[0.75, 1.3333333333333333]",
                    "width to height of it, least and most"),
    TD_PARAM_STRING(struct resized_crop_params, interpolation, "bilinear", "filter", .choices = METHODS),
    TD_PARAM_UNUSED("antialias", "pixels are always antialiased"),
    TD_PARAM_END};

/* torchvision's choice: ten tries of area and aspect, then the largest centred window the aspects allow. */
static struct rect choose_part(const struct resized_crop_params *p, const td_item_view *v, td_item *item)
{
    double low = log(p->ratio.v[0]), high = log(p->ratio.v[1]);
    for (uint32_t draw = 0; draw < 40; draw += 4) {
        double area = v->width * (double)v->height *
                      (p->scale.v[0] + (p->scale.v[1] - p->scale.v[0]) * td_item_random(item, draw));
        double ratio = exp(low + (high - low) * td_item_random(item, draw + 1));
        double w = rint(sqrt(area * ratio)), h = rint(sqrt(area / ratio));
        if (w >= 1 && w <= v->width && h >= 1 && h <= v->height)
            return (struct rect){random_below(item, draw + 3, v->width - (int32_t)w + 1),
                                 random_below(item, draw + 2, v->height - (int32_t)h + 1), (int32_t)w, (int32_t)h};
    }
    double ratio = (double)v->width / v->height, w = v->width, h = v->height;
    if (ratio < p->ratio.v[0])
        h = fmin(fmax(rint(w / p->ratio.v[0]), 1), v->height);
    else if (ratio > p->ratio.v[1])
        w = fmin(fmax(rint(h * p->ratio.v[1]), 1), v->width);
    return (struct rect){(v->width - (int32_t)w) / 2, (v->height - (int32_t)h) / 2, (int32_t)w, (int32_t)h};
}

static int32_t resized_crop_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct resized_crop_params *p = params;
    td_item_view v = td_item_of(item)->image;
    int32_t w, h;
    if (!is_pixels(c, &v, "RandomResizedCrop") || read_size(c, &p->size, "RandomResizedCrop", &w, &h))
        return TD_ERROR;
    if (p->scale.n != 2 || p->ratio.n != 2 ||
        !(p->ratio.v[0] > 0 && p->ratio.v[0] <= p->ratio.v[1] && p->scale.v[0] <= p->scale.v[1])) {
        td_fail(c, "'scale' and 'ratio' of RandomResizedCrop are two numbers each, least and most");
        return TD_ERROR;
    }
    return resize_part(c, item, choose_part(p, &v, item), w, h, method_of(p->interpolation));
}

const td_transform_type random_resized_crop = {
    {.key = "RandomResizedCrop",
     .aliases = "torchvision.transforms.RandomResizedCrop torchvision.transforms.transforms.RandomResizedCrop "
                "custom.transform.WrappedRandomResizedCrop",
     .summary = "cuts out a random part and resizes it",
     .params = resized_crop_table,
     .params_size = sizeof(struct resized_crop_params)},
    .apply = resized_crop_apply};
