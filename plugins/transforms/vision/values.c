/* From pixels to values, and what is done to values. */
#include "vision.h"

#include <math.h>

#pragma GCC optimize("O3") /* loops over values become vectors */

static inline __attribute__((always_inline)) void divide(float *restrict out, const uint8_t *restrict pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = pixels[i] / 255.0f;
}

static void unit(float *out, const uint8_t *pixels, size_t n) { divide(out, pixels, n); }
#if defined __x86_64__
AVX2 static void unit_avx2(float *out, const uint8_t *pixels, size_t n) { divide(out, pixels, n); }
#endif

static int32_t to_tensor_apply(td_ctx *c, const void *params, td_item *item)
{
    (void)params;
    td_item_view v = td_item_of(item)->image;
    if (!is_pixels(c, &v, "ToTensor"))
        return TD_ERROR;
    float *out = td_item_floats(item, v.width, v.height, v.channels);
    if (!out)
        return TD_ERROR;
    BEST_OF(unit)(out, v.pixels, (size_t)v.width * (size_t)v.height * (size_t)v.channels);
    return TD_OK;
}

static int32_t to_tensor_augment(const void *params, td_augment_attrs *a)
{
    (void)params;
    if (a->done >= TD_AUGMENT_VALUES)
        return 0;
    a->done = TD_AUGMENT_VALUES;
    return 1;
}

const td_transform_type to_tensor = {
    {.key = "ToTensor",
     .aliases = "torchvision.transforms.ToTensor torchvision.transforms.transforms.ToTensor",
     .summary = "8-bit pixels to values in [0, 1]"},
    .apply = to_tensor_apply,
    .augment = to_tensor_augment};

struct normalize_params {
    td_floats mean, std;
};

static const td_param normalize_table[] = {TD_PARAM_FLOATS(struct normalize_params, mean, NULL, "of each channel"),
                                           TD_PARAM_FLOATS(struct normalize_params, std, NULL, "of each channel"),
                                           TD_PARAM_UNUSED("inplace", "values are always written in place"),
                                           TD_PARAM_END};

static void normalize_part(float *restrict out, const float *restrict x, const float *restrict mean,
                           const float *restrict std, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (x[i] - mean[i]) / std[i];
}

/* (x - mean) / std in float32, as torchvision computes it. */
static int32_t normalize_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct normalize_params *p = params;
    td_item_view v = td_item_of(item)->image;
    if (!v.values)
        td_fail(c, "Normalize works on values: put it after ToTensor");
    else if ((p->mean.n != v.channels && p->mean.n != 1) || (p->std.n != v.channels && p->std.n != 1))
        td_fail(c, "Normalize has %lld means and %lld deviations for an image of %d channels", (long long)p->mean.n,
                (long long)p->std.n, (int)v.channels);
    for (int64_t i = 0; i < p->std.n; i++)
        if (p->std.v[i] == 0)
            td_fail(c, "'std' of Normalize is zero");
    float *out = td_failed(c) ? NULL : td_item_floats(item, v.width, v.height, v.channels);
    int64_t n = (int64_t)v.width * v.height * v.channels, period = (int64_t)v.channels * 16; /* whole vectors */
    float *mean = out ? td_alloc(c, 2 * (size_t)period * sizeof *mean) : NULL;
    if (!mean)
        return TD_ERROR;
    float *std = mean + period;
    for (int64_t i = 0; i < period; i++) {
        mean[i] = (float)p->mean.v[p->mean.n > 1 ? i % v.channels : 0];
        std[i] = (float)p->std.v[p->std.n > 1 ? i % v.channels : 0];
    }
    for (int64_t i = 0; i < n; i += period)
        normalize_part(out + i, v.values + i, mean, std, n - i < period ? n - i : period);
    return TD_OK;
}

static int32_t normalize_augment(const void *params, td_augment_attrs *a)
{
    const struct normalize_params *p = params;
    if (a->done != TD_AUGMENT_VALUES || (p->mean.n != a->channels && p->mean.n != 1) ||
        (p->std.n != a->channels && p->std.n != 1))
        return 0;
    for (int64_t k = 0; k < a->channels; k++) {
        a->mean[k] = (float)p->mean.v[p->mean.n > 1 ? k : 0];
        a->std[k] = (float)p->std.v[p->std.n > 1 ? k : 0];
        if (a->std[k] == 0)
            return 0;
    }
    a->done = TD_AUGMENT_NORMALIZED;
    return 1;
}

const td_transform_type normalize = {
    {.key = "Normalize",
     .aliases = "torchvision.transforms.Normalize torchvision.transforms.transforms.Normalize",
     .summary = "(value - mean) / std of each channel",
     .params = normalize_table,
     .params_size = sizeof(struct normalize_params)},
    .apply = normalize_apply,
    .augment = normalize_augment};

struct erasing_params {
    double p;
    td_floats scale, ratio;
    double value;
};

static const td_param erasing_table[] = {
    TD_PARAM_FLOAT(struct erasing_params, p, "0.5", "how likely", .min = 0, .max = 1),
    TD_PARAM_FLOATS(struct erasing_params, scale, "[0.02, 0.33]", "share of the area that goes, least and most"),
    TD_PARAM_FLOATS(struct erasing_params, ratio, "[0.3, 3.3]", "width to height, least and most"),
    TD_PARAM_FLOAT(struct erasing_params, value, "0", "what is written there"),
    TD_PARAM_UNUSED("inplace", "values are always written in place"),
    TD_PARAM_END};

/* As torchvision: up to ten draws of a rectangle that fits, else nothing is erased. */
static int32_t erasing_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct erasing_params *p = params;
    td_item_view v = td_item_of(item)->image;
    if (!v.values)
        td_fail(c, "RandomErasing works on values: put it after ToTensor");
    else if (p->scale.n != 2 || p->ratio.n != 2 || !(p->ratio.v[0] > 0))
        td_fail(c, "'scale' and 'ratio' of RandomErasing are two numbers each, least and most");
    if (td_failed(c))
        return TD_ERROR;
    if (td_item_random(item, 0) >= p->p)
        return TD_OK;
    double low = log(p->ratio.v[0]), high = log(p->ratio.v[1]);
    for (uint32_t draw = 1; draw < 41; draw += 4) {
        double area =
            v.width * (double)v.height * (p->scale.v[0] + (p->scale.v[1] - p->scale.v[0]) * td_item_random(item, draw));
        double ratio = exp(low + (high - low) * td_item_random(item, draw + 1));
        double h = rint(sqrt(area * ratio)), w = rint(sqrt(area / ratio));
        if (!(h < v.height && w < v.width))
            continue;
        int32_t y = random_below(item, draw + 2, v.height - (int32_t)h + 1),
                x = random_below(item, draw + 3, v.width - (int32_t)w + 1);
        float *out = td_item_floats(item, v.width, v.height, v.channels);
        if (!out)
            return TD_ERROR;
        for (int32_t row = 0; row < v.height; row++)
            for (int32_t col = 0; col < v.width; col++)
                for (int32_t k = 0; k < v.channels; k++) {
                    int64_t i = ((int64_t)row * v.width + col) * v.channels + k;
                    int inside = row >= y && row < y + (int32_t)h && col >= x && col < x + (int32_t)w;
                    out[i] = inside ? (float)p->value : v.values[i];
                }
        break;
    }
    return TD_OK;
}

const td_transform_type random_erasing = {{.key = "RandomErasing",
                                           .aliases = "torchvision.transforms.RandomErasing",
                                           .summary = "overwrites a random rectangle (Zhong et al. 2020)",
                                           .params = erasing_table,
                                           .params_size = sizeof(struct erasing_params)},
                                          .apply = erasing_apply};
