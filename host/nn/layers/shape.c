/* Flatten, Identity, Upsample. */
#include <math.h>

#include "host/nn/layers/layers.h"
#include "host/plugin/registry.h"

struct flatten_params {
    int64_t start_dim, end_dim;
};

struct upsample_params {
    td_ints size;
    td_floats scale_factor;
    const char *mode;
};

struct upsample {
    int64_t size[2]; /* 0: scaled */
    double scale[2];
};

static td_tensor *flatten_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct flatten_params *p = td_data(m);
    int64_t n = td_ndim(x), start = p->start_dim < 0 ? p->start_dim + n : p->start_dim;
    int64_t end = p->end_dim < 0 ? p->end_dim + n : p->end_dim, shape[TD_MAX_DIMS] = {0};
    if (start < 0 || end >= n || start > end) {
        td_fail(c, "Flatten: dimensions %lld to %lld of %lld", (long long)p->start_dim, (long long)p->end_dim,
                (long long)n);
        return x;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t to = i <= start ? i : i <= end ? start : i - (end - start);
        shape[to] = i > start && i <= end ? shape[to] * td_dim(x, i) : td_dim(x, i);
    }
    return td_reshape(c, x, (uint32_t)(n - (end - start)), shape);
}

static td_value identity_forward(td_ctx *c, td_module *m, td_value v)
{
    (void)c;
    (void)m;
    return v;
}

static td_tensor *upsample_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct upsample *d = td_data(m);
    int64_t to[2];
    for (int i = 0; i < 2; i++)
        to[i] = d->size[i] ? d->size[i] : (int64_t)floor((double)td_dim(x, 2 + i) * d->scale[i]);
    return td_interpolate_nearest(c, x, to[0], to[1]);
}

static td_module *flatten_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "Flatten", .data_size = sizeof(struct flatten_params), .forward = flatten_forward};
    td_module *m = td_module_new(c, &type);
    *(struct flatten_params *)td_data(m) = *(const struct flatten_params *)params;
    return m;
}

static td_module *identity_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {.name = "Identity", .forward_value = identity_forward};
    (void)params;
    return td_module_new(c, &type);
}

static td_module *upsample_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "Upsample", .data_size = sizeof(struct upsample), .forward = upsample_forward};
    const struct upsample_params *p = params;
    td_module *m = td_module_new(c, &type);
    struct upsample *d = td_data(m);
    if (!p->size.n == !p->scale_factor.n || p->scale_factor.n > 2) {
        td_fail(c, "Upsample needs one of size and scale_factor, a number or two");
    } else if (p->size.n) {
        td__pair(c, "size", p->size, d->size);
        if (d->size[0] < 1 || d->size[1] < 1)
            td_fail(c, "Upsample: size is at least 1");
    } else {
        d->scale[0] = p->scale_factor.v[0];
        d->scale[1] = p->scale_factor.v[p->scale_factor.n - 1];
    }
    return m;
}

#define S struct upsample_params
static const td_param flatten_table[] = {
    TD_PARAM_INT(struct flatten_params, start_dim, "1", "first dimension that is merged"),
    TD_PARAM_INT(struct flatten_params, end_dim, "-1", "last one"), TD_PARAM_END};
static const td_param identity_table[] = {TD_PARAM_END_OPEN};
static const td_param upsample_table[] = {
    TD_PARAM_INTS(S, size, "null", "height and width of the result", .flags = TD_NULLABLE),
    TD_PARAM_FLOATS(S, scale_factor, "null", "how many times larger", .flags = TD_NULLABLE),
    TD_PARAM_STRING(S, mode, "nearest", "how values between are made", .choices = "nearest"), TD_PARAM_END};

int td__register_shapes(void)
{
    static const td_layer_type flatten =
        TD__LAYER("Flatten", "merges dimensions", flatten_table, struct flatten_params, flatten_build);
    static const td_layer_type identity = {.type = {.key = "Identity",
                                                    .aliases = "torch.nn.Identity",
                                                    .summary = "what it is given",
                                                    .params = identity_table},
                                           .build = identity_build};
    static const td_layer_type upsample = TD__LAYER("Upsample", "repeats pixels", upsample_table, S, upsample_build);
    return TD__REGISTER_HOST(TD_KIND_LAYER, &flatten) | TD__REGISTER_HOST(TD_KIND_LAYER, &identity) |
           TD__REGISTER_HOST(TD_KIND_LAYER, &upsample);
}
