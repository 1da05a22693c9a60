/* Colours of 8-bit pixels, with Pillow's rounding. */
#include "vision.h"

#include <math.h>

/* ITU-R 601-2 luma in 16-bit fixed point. */
static uint8_t luma(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

/* Whether the item holds RGB pixels; else c fails in the name of `who`. */
static int is_rgb(td_ctx *c, const td_item_view *v, const char *who)
{
    if (is_pixels(c, v, who) && v->channels != 3)
        td_fail(c, "%s works on RGB images, not on %d channels", who, (int)v->channels);
    return !td_failed(c);
}

struct grayscale_params {
    int64_t num_output_channels;
};

static const td_param grayscale_table[] = {
    TD_PARAM_INT(struct grayscale_params, num_output_channels, "1", "1, or 3 equal ones", .min = 1, .max = 3),
    TD_PARAM_END};

static int32_t grayscale_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct grayscale_params *p = params;
    td_item_view v = td_item_of(item)->image;
    int32_t channels = (int32_t)p->num_output_channels;
    if (channels == 2)
        td_fail(c, "'num_output_channels' of Grayscale is 1 or 3, not 2");
    if (!is_pixels(c, &v, "Grayscale") || td_failed(c) || (v.channels != 1 && !is_rgb(c, &v, "Grayscale")))
        return TD_ERROR;
    uint8_t *out = td_item_image(item, v.width, v.height, channels);
    int64_t n = (int64_t)v.width * v.height;
    for (int64_t i = 0; out && i < n; i++) {
        uint8_t grey = v.channels == 1 ? v.pixels[i] : luma(v.pixels + 3 * i);
        for (int32_t k = 0; k < channels; k++)
            out[i * channels + k] = grey;
    }
    return out ? TD_OK : TD_ERROR;
}

const td_transform_type grayscale = {{.key = "Grayscale",
                                      .aliases = "torchvision.transforms.Grayscale",
                                      .summary = "luma of RGB images",
                                      .params = grayscale_table,
                                      .params_size = sizeof(struct grayscale_params)},
                                     .apply = grayscale_apply};

struct jitter_params {
    td_floats brightness, contrast, saturation;
};

static const td_param jitter_table[] = {
    TD_PARAM_FLOATS(struct jitter_params, brightness, "0", "factor from [max(0, 1 - b), 1 + b], or (least, most)"),
    TD_PARAM_FLOATS(struct jitter_params, contrast, "0", "likewise"),
    TD_PARAM_FLOATS(struct jitter_params, saturation, "0", "likewise"),
    TD_PARAM_END};

static double factor(const td_floats *f, double u)
{
    double low = f->n == 2 ? f->v[0] : fmax(0, 1 - f->v[0]), high = f->n == 2 ? f->v[1] : 1 + f->v[0];
    return low + (high - low) * u;
}

/* From a towards b as Pillow blends: float32, cut off. */
static uint8_t blend(double a, double b, double by)
{
    float x = (float)a + (float)by * ((float)b - (float)a);
    return (uint8_t)(x <= 0 ? 0 : x >= 255 ? 255 : x);
}

/* The three adjustments of ImageEnhance: against black, against the mean luma, against each pixel's own luma. */
static void adjust(uint8_t *p, int64_t pixels, int what, double by)
{
    double grey = 0;
    for (int64_t i = 0; what == 1 && i < pixels; i++)
        grey += luma(p + 3 * i);
    grey = floor(grey / (double)pixels + 0.5);
    for (int64_t i = 0; i < pixels; i++, p += 3) {
        double from = what == 0 ? 0 : what == 1 ? grey : luma(p);
        for (int k = 0; k < 3; k++)
            p[k] = blend(from, p[k], by);
    }
}

static int32_t jitter_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct jitter_params *p = params;
    const td_floats *amount[3] = {&p->brightness, &p->contrast, &p->saturation};
    td_item_view v = td_item_of(item)->image;
    for (int i = 0; i < 3; i++)
        if ((amount[i]->n != 1 && amount[i]->n != 2) || amount[i]->v[0] < 0)
            td_fail(c, "brightness, contrast and saturation of ColorJitter are one number or two, none below 0");
    if (td_failed(c) || !is_rgb(c, &v, "ColorJitter"))
        return TD_ERROR;
    uint8_t *out = td_item_image(item, v.width, v.height, 3);
    if (!out)
        return TD_ERROR;
    int64_t n = (int64_t)v.width * v.height;
    for (int64_t i = 0; i < 3 * n; i++)
        out[i] = v.pixels[i];
    int order[3] = {0, 1, 2}; /* shuffled, as torchvision does */
    for (int32_t i = 2; i > 0; i--) {
        int32_t j = random_below(item, (uint32_t)i, i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (int i = 0; i < 3; i++)
        if (amount[order[i]]->n == 2 || amount[order[i]]->v[0] > 0)
            adjust(out, n, order[i], factor(amount[order[i]], td_item_random(item, (uint32_t)(8 + order[i]))));
    return TD_OK;
}

const td_transform_type color_jitter = {{.key = "ColorJitter",
                                         .aliases = "torchvision.transforms.ColorJitter",
                                         .summary = "random brightness, contrast and saturation",
                                         .params = jitter_table,
                                         .params_size = sizeof(struct jitter_params)},
                                        .apply = jitter_apply};
