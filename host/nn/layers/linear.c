/* Linear, and FrozenLinear, which only judges. */
#include "host/nn/layers/layers.h"
#include "host/plugin/registry.h"

struct linear {
    td_tensor *weight, *bias; /* bias NULL: none */
};

struct linear_params {
    int64_t in_features, out_features;
    int32_t bias;
};

static td_tensor *linear_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct linear *d = td_data(m);
    return td_linear(c, x, d->weight, d->bias);
}

static td_module *linear_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "Linear", .data_size = sizeof(struct linear), .forward = linear_forward};
    const struct linear_params *p = params;
    td_module *m = td_module_new(c, &type);
    struct linear *d = td_data(m);
    int64_t shape[2] = {p->out_features, p->in_features};
    d->weight =
        td_parameter(c, m, "weight", 2, shape, (td_init){TD_INIT_KAIMING_UNIFORM, 0, 2.23606797749978969641, 0});
    if (p->bias)
        d->bias = td_parameter(c, m, "bias", 1, shape, (td_init){TD_INIT_FAN_IN_UNIFORM, 0, 0, (double)p->in_features});
    return m;
}

static const td_param linear_table[] = {TD_PARAM_INT(struct linear_params, in_features, NULL,
                                                     "length of the input's last dimension", .min = 1, .max = 1 << 30),
                                        TD_PARAM_INT(struct linear_params, out_features, NULL,
                                                     "length of the result's last dimension", .min = 1, .max = 1 << 30),
                                        TD_PARAM_BOOL(struct linear_params, bias, "true", "adds a number per feature"),
                                        TD_PARAM_END};

/* A layer taken over from another network: its members are buffers, saved but never trained, and zeros until they are
 * filled. */
static td_module *frozen_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "FrozenLinear", .data_size = sizeof(struct linear), .forward = linear_forward};
    const struct linear_params *p = params;
    td_module *m = td_module_new(c, &type);
    struct linear *d = td_data(m);
    td_desc weight = {TD_FLOAT32, 2, {p->out_features, p->in_features}}, bias = {TD_FLOAT32, 1, {p->out_features}};
    d->weight = td_buffer(c, m, "weight", &weight, (td_init){TD_INIT_ZEROS, 0, 0, 0});
    if (p->bias)
        d->bias = td_buffer(c, m, "bias", &bias, (td_init){TD_INIT_ZEROS, 0, 0, 0});
    return m;
}

int td__register_linear(void)
{
    static const td_layer_type linear =
        TD__LAYER("Linear", "y = x W^T + b", linear_table, struct linear_params, linear_build);
    static const td_layer_type frozen = {.type = {.key = "FrozenLinear",
                                                  .summary = "a Linear that is saved but never trained",
                                                  .params = linear_table,
                                                  .params_size = sizeof(struct linear_params)},
                                         .build = frozen_build};
    return TD__REGISTER_HOST(TD_KIND_LAYER, &linear) || TD__REGISTER_HOST(TD_KIND_LAYER, &frozen);
}
