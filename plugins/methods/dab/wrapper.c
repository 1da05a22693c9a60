/* A network with connectors: each maps one of its feature maps to the channels of the other network's by a
 * convolution and, if wanted, batch norm. */
#include "dab.h"

#define MOST_CONNECTORS 16

struct conv_kwargs {
    int64_t in_channels, out_channels, kernel_size, stride, padding;
    int32_t bias;
};
struct bn_kwargs {
    int64_t num_features;
};
struct connector {
    td_tap tap;
    struct conv_kwargs conv2d_kwargs;
    struct bn_kwargs bn2d_kwargs; /* num_features 0: no batch norm */
};
struct params {
    td_list connectors;
};

static const td_param conv_table[] = {
    TD_PARAM_INT(struct conv_kwargs, in_channels, NULL, "of the feature map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct conv_kwargs, out_channels, NULL, "of the other network's feature map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct conv_kwargs, kernel_size, NULL, "side of the window", .min = 1, .max = 1024),
    TD_PARAM_INT(struct conv_kwargs, stride, "1", "of the window", .min = 1, .max = 1024),
    TD_PARAM_INT(struct conv_kwargs, padding, "0", "zeros around the map", .min = 0, .max = 1024),
    TD_PARAM_BOOL(struct conv_kwargs, bias, "true", "whether the convolution has one"),
    TD_PARAM_END};
static const td_param bn_table[] = {
    TD_PARAM_INT(struct bn_kwargs, num_features, NULL, "channels behind the convolution", .min = 1, .max = 1e6),
    TD_PARAM_END};
static const td_param connector_table[] = {
    TD_TAP_STUDENT(struct connector, tap, "path", "io", NULL),
    TD_PARAM_STRUCT(struct connector, conv2d_kwargs, conv_table, sizeof(struct conv_kwargs), NULL, "the convolution"),
    TD_PARAM_STRUCT(struct connector, bn2d_kwargs, bn_table, sizeof(struct bn_kwargs), "null", "batch norm behind it",
                    .flags = TD_NULLABLE),
    TD_PARAM_END};
static const td_param table[] = {
    TD_PARAM_MAP(struct params, connectors, connector_table, sizeof(struct connector), NULL, "connectors by name"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *connectors[MOST_CONNECTORS];
};

static const td_module_type type = {
    .name = "Connector4DAB", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *connector_new(td_ctx *c, td_module *parent, const char *name, const struct connector *p)
{
    const struct conv_kwargs *k = &p->conv2d_kwargs;
    td_module *m = td_layer(c, parent, name, "Sequential", "{}");
    td_layer(c, m, NULL, "Conv2d",
             "{in_channels: %lld, out_channels: %lld, kernel_size: %lld, stride: %lld, padding: %lld, bias: %s}",
             (long long)k->in_channels, (long long)k->out_channels, (long long)k->kernel_size, (long long)k->stride,
             (long long)k->padding, k->bias ? "true" : "false");
    if (p->bn2d_kwargs.num_features)
        td_norm_layer(c, m, NULL, p->bn2d_kwargs.num_features);
    return m;
}

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const td_list *list = &((const struct params *)params)->connectors;
    const struct connector *connectors = list->v;
    td_module *m = td_wrap(c, &type, name, model);
    if (list->n > MOST_CONNECTORS)
        td_fail(c, "connectors has %lld entries; it takes at most %d", (long long)list->n, MOST_CONNECTORS);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    td_module *dict = td_layer(c, m, "connector_dict", "ModuleList", "{}");
    for (int64_t i = 0; i < list->n && !td_failed(c); i++)
        w->connectors[i] = connector_new(c, dict, list->keys[i], &connectors[i]);
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const td_list *list = &((const struct params *)params)->connectors;
    const struct connector *connectors = list->v;
    const struct wrapped *w = td_data(self);
    for (int64_t i = 0; i < list->n && !td_failed(c); i++) {
        td_tap tap = {connectors[i].tap.path, connectors[i].tap.io, w->network.side};
        td_call(c, w->connectors[i], td_io_get(io, &tap));
    }
}

const td_wrapper_type dab_connectors = {
    .type = {.key = "Connector4DAB",
             .summary = "a network whose feature maps are mapped to the other network's channels",
             .params = table,
             .params_size = sizeof(struct params)},
    .build = build,
    .secondary_forward = secondary};
