/* MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, AdaptiveMaxPool2d. */
#include "host/nn/layers/layers.h"
#include "host/plugin/registry.h"

struct pool_params {
    td_ints kernel_size, stride, padding;
    int64_t dilation;
    int32_t ceil_mode, count_include_pad;
};

struct adaptive_params {
    td_ints output_size;
};

struct adaptive {
    int64_t size[2]; /* 0: as the input */
};

static td_tensor *max_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    return td_max_pool2d(c, x, td_data(m));
}
static td_tensor *avg_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    return td_avg_pool2d(c, x, td_data(m));
}

static td_tensor *adaptive_avg_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct adaptive *d = td_data(m);
    return td_adaptive_avg_pool2d(c, x, d->size[0] ? d->size[0] : td_dim(x, 2), d->size[1] ? d->size[1] : td_dim(x, 3));
}

static td_tensor *adaptive_max_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct adaptive *d = td_data(m);
    return td_adaptive_max_pool2d(c, x, d->size[0] ? d->size[0] : td_dim(x, 2), d->size[1] ? d->size[1] : td_dim(x, 3));
}

static td_module *window(td_ctx *c, const td_module_type *type, const struct pool_params *p)
{
    td_module *m = td_module_new(c, type);
    td_pool2d_attrs *a = td_data(m);
    td__pair(c, "kernel_size", p->kernel_size, a->kernel);
    td__pair(c, "stride", p->stride.n ? p->stride : p->kernel_size, a->stride);
    td__pair(c, "padding", p->padding, a->padding);
    a->ceil_mode = p->ceil_mode;
    a->count_include_pad = p->count_include_pad;
    return m;
}

static td_module *adaptive(td_ctx *c, const td_module_type *type, const struct adaptive_params *p)
{
    td_module *m = td_module_new(c, type);
    struct adaptive *d = td_data(m);
    if (p->output_size.n)
        td__pair(c, "output_size", p->output_size, d->size);
    if (d->size[0] < 0 || d->size[1] < 0)
        td_fail(c, "output_size is negative");
    return m;
}

static td_module *max_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "MaxPool2d", .data_size = sizeof(td_pool2d_attrs), .forward = max_forward};
    return window(c, &type, params);
}

static td_module *avg_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "AvgPool2d", .data_size = sizeof(td_pool2d_attrs), .forward = avg_forward};
    return window(c, &type, params);
}

static td_module *adaptive_avg_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "AdaptiveAvgPool2d", .data_size = sizeof(struct adaptive), .forward = adaptive_avg_forward};
    return adaptive(c, &type, params);
}

static td_module *adaptive_max_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "AdaptiveMaxPool2d", .data_size = sizeof(struct adaptive), .forward = adaptive_max_forward};
    return adaptive(c, &type, params);
}

#define S struct pool_params
#define WINDOW                                                                                                         \
    TD_PARAM_INTS(S, kernel_size, NULL, "height and width of the window"),                                             \
        TD_PARAM_INTS(S, stride, "null", "steps of the window; null: its size", .flags = TD_NULLABLE),                 \
        TD_PARAM_INTS(S, padding, "0", "elements around the input that count as smallest (max) or 0 (average)")
#define CEIL TD_PARAM_BOOL(S, ceil_mode, "false", "windows may hang over the end")
static const td_param max_table[] = {
    WINDOW, TD_PARAM_INT(S, dilation, "1", "distance between a window's elements: only 1", .min = 1, .max = 1), CEIL,
    TD_PARAM_END};
static const td_param avg_table[] = {
    WINDOW, CEIL, TD_PARAM_BOOL(S, count_include_pad, "true", "padding counts in the average"), TD_PARAM_END};
static const td_param adaptive_table[] = {TD_PARAM_INTS(struct adaptive_params, output_size, NULL,
                                                        "height and width of the result; null: as the input",
                                                        .flags = TD_NULLABLE),
                                          TD_PARAM_END};

int td__register_pools(void)
{
    static const td_layer_type types[] = {TD__LAYER("MaxPool2d", "the largest of each window", max_table, S, max_build),
                                          TD__LAYER("AvgPool2d", "the average of each window", avg_table, S, avg_build),
                                          TD__LAYER("AdaptiveAvgPool2d", "averages, to a given size", adaptive_table,
                                                    struct adaptive_params, adaptive_avg_build),
                                          TD__LAYER("AdaptiveMaxPool2d", "maxima, to a given size", adaptive_table,
                                                    struct adaptive_params, adaptive_max_build)};
    int rc = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        rc |= TD__REGISTER_HOST(TD_KIND_LAYER, &types[i]);
    return rc;
}
