/* Models of the static plugins, built on any backend. */
#ifndef TESTS_MODELS_H
#define TESTS_MODELS_H

#include <criterion/criterion.h>
#include <stdlib.h>

#include "host/backend/backend.h"
#include "host/base/pool.h"
#include "host/config/bind.h"
#include "host/nn/module.h"
#include "host/plugin/plugins.h"

static td__plugins plugins;

static inline void load_plugins(void)
{
    cr_assert_eq(td__register_builtins(), 0);
    for (const td_static_plugin *const *s = td__static_plugins; *s; s++)
        cr_assert_eq(td__plugin_load_static(&plugins, *s), 0);
    cr_assert_eq(td__pool_start(2), 0);
}

static inline void unload_plugins(void)
{
    td__plugins_free(&plugins);
    td__pool_stop();
}

static inline td_ctx *context(const char *backend, uint32_t dtype)
{
    char why[256];
    const td_backend_type *b = (const td_backend_type *)td__find_type(TD_KIND_BACKEND, backend);
    cr_assert_not_null(b);
    b = td__backend_use(b, why, sizeof why);
    cr_assert_not_null(b, "%s", why);
    td_ctx *c = td__ctx_new(b);
    c->param_dtype = dtype;
    return c;
}

static inline td_module *model(td_ctx *c, const char *key, const char *kwargs)
{
    td__config cfg = {0};
    char why[512];
    const td_model_type *type = (const td_model_type *)td__find_type(TD_KIND_MODEL, key);
    cr_assert_not_null(type, "%s", key);
    void *params = calloc(1, type->type.params_size);
    cfg.arena = td__arena_new();
    cr_assert_eq(td__bind_text(&cfg, kwargs, key, type->type.params, type->type.params_size, params, why, sizeof why), 0, "%s", why);
    td_module *m = td__module_retain(type->build(c, params));
    cr_assert_null(c->error, "%s", c->error);
    td__arena_free(cfg.arena);
    free(params);
    return m;
}

#endif
