/* From the configuration to an open data set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/data/dataset.h"
#include "host/data/functions.h"
#include "host/tensor/tensor.h"

/* Makes the first error of the configuration c's; c fails in any case. */
static void fail_from_diag(td_ctx *c, td__config *cfg, const td__node *node)
{
    for (size_t i = 0; i < cfg->diag.n; i++) {
        const struct td__diag_entry *e = &cfg->diag.v[i];
        if (!e->warning)
            td__fail(c, "%s:%u:%u: %s", e->at.file, e->at.line, e->at.column, e->text);
    }
    td__fail(c, "%s:%u:%u: this is no data set", node->at.file, node->at.line, node->at.column);
}

int32_t td__dataset_chain(td_ctx *c, td__config *cfg, td__node *transform, td__node *target_transform,
                          td__object ***chain, size_t *n)
{
    td__object **image, **target;
    size_t n_image, n_target;
    if (td__transform_chain(cfg, transform, &image, &n_image) ||
        td__transform_chain(cfg, target_transform, &target, &n_target)) {
        fail_from_diag(c, cfg, transform ? transform : target_transform);
        return TD_ERROR;
    }
    *n = n_image + n_target;
    *chain = td__arena_alloc(cfg->arena, (*n + 1) * sizeof(td__object *)); /* never NULL, even for none */
    if (!*chain) {
        td__fail(c, "out of memory for a chain of transforms");
        return TD_ERROR;
    }
    for (size_t i = 0; i < *n; i++)
        (*chain)[i] = i < n_image ? image[i] : target[i - n_image];
    return TD_OK;
}

static td_dataset *open_object(td_ctx *c, td__config *cfg, const td__object *o, uint64_t seed)
{
    td__object **chain;
    size_t n;
    if (td__dataset_chain(c, cfg, o->transform, o->target_transform, &chain, &n))
        return NULL;
    return td__dataset_new(c, o, chain, n, seed);
}

/* Element of what a function returned; negative positions count from the end, as in Python. */
static td_dataset *open_element(td_ctx *c, td__config *cfg, const td__node *node, uint64_t seed)
{
    const td__object *function = td__object_of(cfg, node->items[0], TD_KIND_FUNCTION);
    td_result result;
    td_dataset *chosen = NULL;
    if (!function)
        fail_from_diag(c, cfg, node);
    td__frame_push(c);
    if (function && !td__function_call(c, cfg, seed, function, &result)) {
        char *end;
        errno = 0;
        long long i = strtoll(node->text, &end, 10);
        if (result.kind != TD_P_LIST)
            td__fail(c, "%s gives no list of data sets", function->type->key);
        else if (*end || end == node->text || errno || i >= result.n || i < -result.n)
            td__fail(c, "index_or_key is '%s'; %s gives %lld data sets", node->text, function->type->key,
                     (long long)result.n);
        else
            chosen = td__dataset_retain(result.datasets[i < 0 ? i + result.n : i]);
        for (int64_t k = 0; result.kind == TD_P_LIST && k < result.n; k++)
            td__dataset_release(result.datasets[k]);
    }
    td__frame_pop(c, td_none());
    return chosen;
}

td_dataset *td__dataset_open(td_ctx *c, td__config *cfg, td__node *node, uint64_t seed)
{
    td__object *o = c->error ? NULL : td__object_of(cfg, node, TD_KIND_DATASET);
    if (!o) {
        if (!c->error)
            fail_from_diag(c, cfg, node);
        return NULL;
    }
    if (o->instance)
        return td__dataset_retain(o->instance);
    const char *where = c->where, *key = o->type ? o->type->key : "an element of a function's value";
    c->where = td__arena_printf(cfg->arena, "%s:%u:%u: %s", node->at.file, node->at.line, node->at.column, key);
    td_dataset *d = o->type ? open_object(c, cfg, o, seed) : open_element(c, cfg, node, seed);
    c->where = where;
    if (d && !d->shared) {
        d->shared = &o->instance;
        o->instance = d;
    }
    return d;
}
