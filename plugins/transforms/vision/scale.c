/* Resize and RandomResizedCrop. */
#include "vision.h"

#include <math.h>

int method_of(const char *name) { return name[0] == 'n' ? NEAREST : name[2] == 'c' ? BICUBIC : BILINEAR; }

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
