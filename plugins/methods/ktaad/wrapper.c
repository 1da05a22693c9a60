/* Student4KTAAD: a map of the student goes through `feature_adapter` (convolution, batch norm, ReLU) to the channels of
 * the teacher's code, and through `affinity_adapter` (a convolution) to those of the teacher's map. */
#include "ktaad.h"

struct conv_kwargs {
    int64_t in_channels, out_channels, kernel_size, stride, padding;
    int32_t bias;
};
struct bn_kwargs {
    int64_t num_features;
};
struct adapter {
    struct conv_kwargs conv_kwargs;
    struct bn_kwargs bn_kwargs;
};
struct params {
    td_tap input;
    struct adapter feature_adapter_config, affinity_adapter_config;
};

static const td_param conv_table[] = {
    TD_PARAM_INT(struct conv_kwargs, in_channels, NULL, "of the student's map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct conv_kwargs, out_channels, NULL, "of what it follows", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct conv_kwargs, kernel_size, NULL, "side of the window", .min = 1, .max = 64),
    TD_PARAM_INT(struct conv_kwargs, stride, "1", "of the window", .min = 1, .max = 64),
    TD_PARAM_INT(struct conv_kwargs, padding, "0", "zeros around the map", .min = 0, .max = 64),
    TD_PARAM_BOOL(struct conv_kwargs, bias, "true", "whether the convolution has one"),
    TD_PARAM_END};
static const td_param bn_table[] = {
    TD_PARAM_INT(struct bn_kwargs, num_features, NULL, "channels behind the convolution", .min = 1, .max = 1e6),
    TD_PARAM_END_OPEN};
#define CONV_PARAM                                                                                                     \
    TD_PARAM_STRUCT(struct adapter, conv_kwargs, conv_table, sizeof(struct conv_kwargs), NULL, "the convolution")
static const td_param feature_table[] = {
    CONV_PARAM, TD_PARAM_STRUCT(struct adapter, bn_kwargs, bn_table, sizeof(struct bn_kwargs), NULL, "batch norm"),
    TD_PARAM_UNUSED("relu_kwargs", "of the ReLU: inplace changes nothing here"), TD_PARAM_END};
static const td_param affinity_table[] = {CONV_PARAM, TD_PARAM_END};
static const td_param table[] = {
    TD_TAP_PATH(struct params, input, "input_module_path", NULL, TD_SIDE_STUDENT, "whose output is adapted"),
    TD_PARAM_STRUCT(struct params, feature_adapter_config, feature_table, sizeof(struct adapter), NULL,
                    "to the teacher's code"),
    TD_PARAM_STRUCT(struct params, affinity_adapter_config, affinity_table, sizeof(struct adapter), NULL,
                    "to the teacher's map"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *feature_adapter, *affinity_adapter;
};

static const td_module_type type = {
    .name = "Student4KTAAD", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *adapter_new(td_ctx *c, td_module *parent, const char *name, const struct conv_kwargs *k)
{
    td_module *m = td_layer(c, parent, name, "Sequential", "{}");
    td_layer(c, m, NULL, "Conv2d",
             "{in_channels: %lld, out_channels: %lld, kernel_size: %lld, stride: %lld, padding: %lld, bias: %s}",
             (long long)k->in_channels, (long long)k->out_channels, (long long)k->kernel_size, (long long)k->stride,
             (long long)k->padding, k->bias ? "true" : "false");
    return m;
}

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct params *p = params;
    td_module *m = td_wrap(c, &type, name, model);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    w->feature_adapter = adapter_new(c, m, "feature_adapter", &p->feature_adapter_config.conv_kwargs);
    td_norm_layer(c, w->feature_adapter, NULL, p->feature_adapter_config.bn_kwargs.num_features);
    td_layer(c, w->feature_adapter, NULL, "ReLU", "{}");
    w->affinity_adapter = adapter_new(c, m, "affinity_adapter", &p->affinity_adapter_config.conv_kwargs);
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct wrapped *w = td_data(self);
    td_tensor *f = td_io_get(io, &((const struct params *)params)->input);
    td_call(c, w->feature_adapter, f);
    td_call(c, w->affinity_adapter, f);
}

const td_wrapper_type ktaad_student = {.type = {.key = "Student4KTAAD",
                                                .summary = "a student with adapters of one of its feature maps",
                                                .params = table,
                                                .params_size = sizeof(struct params)},
                                       .build = build,
                                       .secondary_forward = secondary};
