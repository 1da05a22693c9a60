/* Layers and models by key: the registry's types, built from arguments written as YAML text. */
#include <stdio.h>
#include <stdlib.h>

#include "host/config/bind.h"
#include "host/nn/layers/layers.h"
#include "host/nn/module.h"
#include "host/plugin/registry.h"

static const td_layer_type *find_layer(td_ctx *c, const char *key)
{
    const td_layer_type *type = (const td_layer_type *)(const void *)td__find_type(TD_KIND_LAYER, key);
    char near[320];
    if (!type)
        td__fail(c, "no layer is called '%s'%s", key, td__suggest_key(TD_KIND_LAYER, key, near, sizeof near));
    return type;
}

/* m, or what a layer that could not be made is, so that its builder can go on. */
static td_module *adopt(td_ctx *c, td_module *parent, const char *name, td_module *m)
{
    return td__adopt(c, parent, name, m ? m : td__sequential(c));
}

static td_module *build(td_ctx *c, td_module *parent, const char *name, const td_layer_type *type, const void *params)
{
    return adopt(c, parent, name, type && !c->error ? type->build(c, params) : NULL);
}

/* The layer with arguments as text; the parsed arguments live until it is built. */
static td_module *build_from_text(td_ctx *c, td_module *parent, const char *name, const char *key, const char *kwargs)
{
    const td_layer_type *type = find_layer(c, key);
    td__config cfg = {.arena = td__arena_new()};
    void *params = type && cfg.arena ? td__arena_alloc(cfg.arena, type->type.params_size + 1) : NULL;
    char why[512];
    if (type && !params)
        td__fail(c, "out of memory for layer %s", key);
    else if (type && type->type.params &&
             td__bind_text(&cfg, kwargs, key, type->type.params, type->type.params_size, params, why, sizeof why))
        td__fail(c, "%s", why);
    td_module *m = build(c, parent, name, type, params);
    td__config_free(&cfg);
    return m;
}

td_module *td__layer(td_ctx *c, td_module *parent, const char *name, const char *key, const char *kwargs_fmt, ...)
{
    char *kwargs = NULL;
    va_list ap;
    va_start(ap, kwargs_fmt);
    if (vasprintf(&kwargs, kwargs_fmt, ap) < 0) {
        td__fail(c, "out of memory for layer %s", key);
        kwargs = NULL;
    }
    va_end(ap);
    td_module *m = build_from_text(c, parent, name, key, kwargs ? kwargs : "");
    free(kwargs);
    return m;
}

td_module *td__layer_of(td_ctx *c, td_module *parent, const char *name, const void *layer_spec)
{
    const td_layer_spec *spec = layer_spec;
    return build(c, parent, name, find_layer(c, spec->key), spec->args);
}

td_module *td__model_of(td_ctx *c, td_module *parent, const char *name, const void *spec)
{
    const td_layer_spec *s = spec;
    const td_model_type *type = (const td_model_type *)(const void *)td__find_type(TD_KIND_MODEL, s->key);
    if (!type)
        td__fail(c, "no model is called '%s'", s->key);
    return adopt(c, parent, name, type && !c->error ? type->build(c, s->args) : NULL);
}

int td__register_layers(void)
{
    static int (*const families[])(void) = {td__register_conv,        td__register_linear, td__register_norm,
                                            td__register_activations, td__register_pools,  td__register_shapes,
                                            td__register_sequential};
    int rc = 0;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        rc |= families[i]();
    return rc;
}
