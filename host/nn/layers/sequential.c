/* Sequential: its children, in order.  ModuleList: children that others call. */
#include <stdio.h>

#include "host/nn/layers/layers.h"
#include "host/nn/module.h"
#include "host/plugin/registry.h"

struct sequential_params {
    td_list layers; /* of td_layer_spec */
};

static td_value sequential_forward(td_ctx *c, td_module *m, td_value v)
{
    for (size_t i = 0; i < m->n_children; i++)
        v = td__call(c, m->children[i].module, v);
    return v;
}

td_module *td__sequential(td_ctx *c)
{
    static const td_module_type type = {.name = "Sequential", .forward_value = sequential_forward};
    return td_module_new(c, &type);
}

static td_module *sequential_build(td_ctx *c, const void *params)
{
    const struct sequential_params *p = params;
    const td_layer_spec *layers = p->layers.v;
    td_module *m = td__sequential(c);
    for (int64_t i = 0; i < p->layers.n; i++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)i);
        td__layer_of(c, m, name, &layers[i]);
    }
    return m;
}

static const td_param layer_item[] = {{.name = "", .type = TD_P_LAYER, .doc = "a layer: {key, kwargs}"}, TD_PARAM_END};
static const td_param sequential_table[] = {
    TD_PARAM_LIST(struct sequential_params, layers, layer_item, sizeof(td_layer_spec), "[]", "the layers, in order"),
    TD_PARAM_END};

static td_module *list_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {.name = "ModuleList"};
    (void)params;
    return td_module_new(c, &type);
}

int td__register_sequential(void)
{
    static const td_layer_type list = {
        .type = {.key = "ModuleList", .aliases = "torch.nn.ModuleList", .summary = "modules that others call"},
        .build = list_build};
    static const td_layer_type sequential = TD__LAYER("Sequential", "layers one after the other", sequential_table,
                                                      struct sequential_params, sequential_build);
    return TD__REGISTER_HOST(TD_KIND_LAYER, &sequential) | TD__REGISTER_HOST(TD_KIND_LAYER, &list);
}
