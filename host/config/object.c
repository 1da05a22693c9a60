#include "host/config/object.h"

#include <string.h>

#include "host/base/mem.h"
#include "host/config/load.h"
#include "host/plugin/registry.h"

int32_t (*td__call_function)(td__config *cfg, td__object *function, td_result *result);

static const char *after_dot(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot ? dot + 1 : key;
}

static void unknown_key(td__config *cfg, uint32_t kind, const char *key, td__place at)
{
    const char *near[3];
    const td__entry *other = td__find_any(key);
    size_t n = td__nearest_keys(kind, after_dot(key), near, 3);
    cfg->missed |= !other;
    if (other)
        td__diag_error(&cfg->diag, at, "'%s' is %s, not %s", key, td__kind_title(other->kind), td__kind_title(kind));
    else if (n)
        td__diag_error(&cfg->diag, at, "no plugin brings %s '%s'%s", td__kind_title(kind), key,
                       td__did_you_mean(cfg, after_dot(key), near, n));
    else
        td__diag_error(&cfg->diag, at, "no plugin brings %s '%s' (`tdhost list-plugins` shows what was found)",
                       td__kind_title(kind), key);
}

static td__object *object_new(td__config *cfg, uint32_t kind, td__node *node)
{
    td__object *o = td__arena_alloc(cfg->arena, sizeof *o);
    if (!o)
        return td__no_memory(cfg);
    o->kind = kind;
    o->node = node;
    return o;
}

/* ---- transforms ---- */

static int is_compose(const char *key)
{
    return !strcmp(after_dot(key), "Compose") || !strcmp(after_dot(key), "CustomCompose");
}

/* The list a Compose was given; NULL with an error.  *composed says whether the node is a Compose at all. */
static td__node *composed_list(td__config *cfg, td__node *n, int *composed)
{
    td__node *key = td__node_get(n, "key"), *args = td__node_get(n, "args"), *kwargs = td__node_get(n, "kwargs");
    const char *name = n->kind == TD__CALL ? n->text : key && key->kind == TD__STRING ? key->text : "";
    *composed = is_compose(name);
    if (!*composed)
        return NULL;
    if (n->kind == TD__CALL) {
        args = n->items[0];
        kwargs = n->items[1];
    }
    td__node *list = args && args->kind == TD__SEQ && args->n ? args->items[0] : td__node_get(kwargs, "transforms");
    if (list && list->kind == TD__SEQ)
        return list;
    td__diag_error(&cfg->diag, list ? list->at : n->at, "'transforms' in %s is a list, not %s", after_dot(name),
                   list ? td__node_found(cfg, list) : "absent");
    return NULL;
}

struct chain {
    td__object **v;
    size_t n, capacity;
};

/* Adds what a node stands for.  Nesting is limited by the loader. */
static int add_transforms(td__config *cfg, td__node *n, struct chain *chain)
{
    int composed = 0, failed = 0;
    td__node *list = n->kind == TD__SEQ ? n : composed_list(cfg, n, &composed);
    for (size_t i = 0; list && i < list->n; i++)
        failed |= add_transforms(cfg, list->items[i], chain);
    if (list || composed)
        return list ? failed : -1;
    td__object *o = td__object_of(cfg, n, TD_KIND_TRANSFORM);
    if (!o)
        return -1;
    if (chain->n == chain->capacity) {
        size_t capacity = chain->capacity ? 2 * chain->capacity : 16;
        td__object **v = td__arena_alloc(cfg->arena, capacity * sizeof *v);
        if (!v)
            return td__no_memory(cfg), -1;
        for (size_t i = 0; i < chain->n; i++)
            v[i] = chain->v[i];
        chain->v = v;
        chain->capacity = capacity;
    }
    chain->v[chain->n++] = o;
    return 0;
}

int td__transform_chain(td__config *cfg, td__node *transform, td__object ***out, size_t *n)
{
    struct chain chain = {0};
    int failed = transform && transform->kind != TD__NULL ? add_transforms(cfg, transform, &chain) : 0;
    *out = chain.v;
    *n = chain.n;
    return failed;
}

/* A list or a Compose where one transform is expected: an object without a type. */
static td__object *chain_object(td__config *cfg, td__node *node)
{
    td__object *o = object_new(cfg, TD_KIND_TRANSFORM, node);
    if (!o || td__transform_chain(cfg, node, &o->chain, &o->n_chain))
        return NULL;
    node->object = o;
    return o;
}

/* Takes the host's own parameters out of a data set's kwargs; what is left, or NULL when memory ran out. */
static td__node *take_transforms(td__config *cfg, td__object *o, td__node *kwargs)
{
    td__node *rest = td__node_new(cfg, TD__MAP, kwargs->at);
    td__object **v;
    size_t n;
    if (!rest || !(rest->keys = td__node_array(cfg, kwargs->n)) || !(rest->items = td__node_array(cfg, kwargs->n)))
        return NULL;
    for (size_t i = 0; i < kwargs->n; i++) {
        const char *key = kwargs->keys[i]->text;
        int target = !strcmp(key, "target_transform");
        if (!target && strcmp(key, "transform") && strcmp(key, "transforms")) {
            rest->keys[rest->n] = kwargs->keys[i];
            rest->items[rest->n++] = kwargs->items[i];
            continue;
        }
        td__node **own = target ? &o->target_transform : &o->transform;
        if (*own)
            td__diag_error(&cfg->diag, kwargs->keys[i]->at, "'transform' and 'transforms' exclude each other");
        kwargs->items[i]->used = 1;
        *own = kwargs->items[i];
    }
    td__transform_chain(cfg, o->transform, &v, &n); /* only to have them checked: what is wrong is said */
    td__transform_chain(cfg, o->target_transform, &v, &n);
    return rest;
}

/* ---- objects ---- */

/* Where an object is written: its key, its arguments (or NULL), and the node that stands for it. */
struct written {
    const char *key;
    td__place at;
    td__node *args, *kwargs, *node;
};

static td__object *build(td__config *cfg, const struct written *w, uint32_t kind)
{
    const td__entry *entry = td__find_entry(kind, w->key);
    size_t errors = cfg->diag.errors;
    if (!entry) {
        unknown_key(cfg, kind, w->key, w->at);
        return NULL;
    }
    td__object *o = object_new(cfg, kind, w->node);
    const td_type *type = entry->type;
    td__node *kwargs = w->kwargs;
    if (!o)
        return NULL;
    o->type = type;
    if (kind == TD_KIND_DATASET && kwargs && kwargs->kind == TD__MAP)
        kwargs = take_transforms(cfg, o, kwargs);
    o->params = td__arena_alloc(cfg->arena, type->params_size);
    if (!o->params)
        return td__no_memory(cfg);
    if (td__bind_call(cfg, w->args, kwargs, type->key, w->node->at, type->params, type->params_size, o->params) ||
        cfg->diag.errors != errors)
        return NULL;
    w->node->object = o;
    return o;
}

td__object *td__object_from(td__config *cfg, td__node *key, td__node *kwargs, td__node *owner, uint32_t kind)
{
    td__object *known = owner->object;
    if (known && known->kind == kind)
        return known;
    if (!key || (key->kind != TD__STRING && key->kind != TD__NAME)) {
        if (key)
            td__diag_error(&cfg->diag, key->at, "'key' of %s is a string, not %s", td__kind_title(kind),
                           td__node_found(cfg, key));
        else
            td__diag_error(&cfg->diag, owner->at, "%s needs 'key'", td__kind_title(kind));
        return NULL;
    }
    struct written w = {key->text, key->at, td__node_get(owner, "args"), kwargs, owner};
    return build(cfg, &w, kind);
}

/* Part of what a function gives, e.g. one of the data sets of split_dataset: the function is checked, nothing is
 * called. */
static td__object *element_object(td__config *cfg, td__node *node, uint32_t kind)
{
    if (!td__object_of(cfg, node->items[0], TD_KIND_FUNCTION))
        return NULL;
    td__object *o = object_new(cfg, kind, node);
    node->object = o;
    return o;
}

td__object *td__object_of(td__config *cfg, td__node *node, uint32_t kind)
{
    static const char *const names[] = {"key", "args", "kwargs"};
    td__object *known = node->object;
    int composed = node->kind == TD__SEQ;
    node->used = 1;
    if (known && known->kind == kind)
        return known;
    if (kind == TD_KIND_TRANSFORM && (composed || composed_list(cfg, node, &composed) || composed))
        return chain_object(cfg, node);
    struct written w = {node->text, node->at, NULL, NULL, node};
    switch (node->kind) {
    case TD__CALL:
        w.at = node->keys[0]->at;
        w.args = node->items[0];
        w.kwargs = node->items[1];
        return build(cfg, &w, kind);
    case TD__NAME:
    case TD__STRING:
        return build(cfg, &w, kind);
    case TD__MAP:
        td__node_check_keys(cfg, node, td__kind_title(kind), names, 3);
        return td__object_from(cfg, td__node_get(node, "key"), td__node_get(node, "kwargs"), node, kind);
    case TD__INDEX:
        if (kind == TD_KIND_DATASET)
            return element_object(cfg, node, kind);
        /* fall through */
    default:
        td__diag_error(&cfg->diag, node->at, "%s is expected here, not %s", td__kind_title(kind),
                       td__node_found(cfg, node));
        return NULL;
    }
}
