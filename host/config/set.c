/* `--set a.b.c=VALUE`: a change of the document before its tags are evaluated. */
#include <stdlib.h>
#include <string.h>

#include "host/config/load.h"

struct change {
    td__config *cfg;
    td__place at;      /* the option itself */
    const char *where; /* the part of the path that is behind, for messages; "" at the root */
    int adds;          /* +path: the last key may be new */
    int shared;        /* reached through an alias: what is changed from here on must be copied first */
};

static void missing(struct change *s, const td__node *map, const char *path)
{
    size_t n = strcspn(path, ".");
    const char *name = td__node_text(s->cfg, path, n);
    if (!name)
        return;
    const char *hint = td__did_you_mean_key(s->cfg, name, map);
    if (!*hint && !path[n])
        hint = "; --set +... makes a new key";
    td__diag_error(&s->cfg->diag, s->at, "%s has no '%s'%s", *s->where ? s->where : "the document", name, hint);
}

/* The node in a slot, made this place's own where an alias led to it. */
static td__node *own(struct change *s, td__node **slot)
{
    if ((*slot)->kind == TD__ALIAS)
        s->shared = 1;
    if (!s->shared)
        return *slot;
    td__node *from = (*slot)->kind == TD__ALIAS ? (*slot)->items[0] : *slot;
    td__node *copy = td__node_new(s->cfg, from->kind, from->at);
    if (!copy)
        return NULL;
    *copy = *from;
    if (from->n && !(copy->items = td__node_array(s->cfg, from->n)))
        return NULL;
    for (size_t i = 0; i < from->n; i++)
        copy->items[i] = from->items[i];
    return *slot = copy;
}

/* Makes room for a new key at the end of a map; its slot, or NULL. */
static td__node **add_key(struct change *s, td__node *map, const char *name)
{
    td__node **keys = td__node_array(s->cfg, map->n + 1), **items = td__node_array(s->cfg, map->n + 1);
    td__node *key = td__node_new(s->cfg, TD__STRING, s->at), *value = td__node_new(s->cfg, TD__NULL, s->at);
    if (!keys || !items || !key || !value || !(key->text = td__node_text(s->cfg, name, strlen(name))))
        return NULL;
    for (size_t i = 0; i < map->n; i++) {
        keys[i] = map->keys[i];
        items[i] = map->items[i];
    }
    keys[map->n] = key;
    items[map->n] = value;
    map->keys = keys;
    map->items = items;
    return &items[map->n++];
}

static td__node **step_list(struct change *s, td__node *seq, const char *path, const char **rest)
{
    char *end;
    unsigned long i = strtoul(path, &end, 10);
    size_t n = strcspn(path, ".");
    if (end != path + n || n == 0 || i >= seq->n) {
        td__diag_error(&s->cfg->diag, s->at, "%s is a list of %zu; '%.*s' is no position in it (they start at 0)",
                       *s->where ? s->where : "the document", seq->n, (int)n, path);
        return NULL;
    }
    *rest = end + (*end == '.');
    return &seq->items[i];
}

static td__node **step_map(struct change *s, td__node *map, const char *path, const char **rest)
{
    size_t i = td__node_step(map, path, rest);
    if (i < map->n)
        return &map->items[i];
    int calls = map->tag && !strcmp(map->tag, "!import_call");
    if (calls && (!strncmp(path, "kwargs", 6) || !strncmp(path, "args", 4)) &&
        (i = td__node_step(map, "init", rest)) < map->n) {
        *rest = path; /* `kwargs.x` is `init.kwargs.x` */
        return &map->items[i];
    }
    if (s->adds && !strchr(path, '.')) {
        *rest = path + strlen(path);
        return add_key(s, map, path);
    }
    missing(s, map, path);
    return NULL;
}

/* Where path leads below the slot; everything on the way is this place's own. NULL with an error. */
static td__node **find_slot(struct change *s, td__node **slot, const char *path)
{
    const char *whole = path;
    while (slot && *path) {
        td__node *n = own(s, slot);
        const char *rest = path;
        if (!n)
            return NULL;
        if (n->kind == TD__MAP) {
            slot = step_map(s, n, path, &rest);
        } else if (n->kind == TD__SEQ) {
            slot = step_list(s, n, path, &rest);
        } else {
            td__diag_error(&s->cfg->diag, s->at, "%s is %s; there is nothing below it",
                           *s->where ? s->where : "the document", td__node_found(s->cfg, n));
            return NULL;
        }
        path = rest;
        s->where = td__node_text(s->cfg, whole, (size_t)(path - whole) - (*path && path > whole));
        if (!s->where)
            return NULL;
    }
    return slot;
}

void td__apply_set(td__config *cfg, const char *set)
{
    const char *name = td__arena_printf(cfg->arena, "--set %s", set), *equals = strchr(set, '=');
    struct change s = {cfg, {name, 0, 0}, "", *set == '+', 0};
    const char *path = equals ? td__node_text(cfg, set + s.adds, (size_t)(equals - set) - (size_t)s.adds) : "";
    if (!name || !path)
        return (void)td__no_memory(cfg);
    if (!*path) {
        td__diag_error(&cfg->diag, s.at, "it must look like train.num_epochs=1");
        return;
    }
    td__node *value = td__compose(cfg, s.at, equals[1] ? equals + 1 : "~", equals[1] ? strlen(equals + 1) : 1);
    td__node **slot = value ? find_slot(&s, &cfg->root, path) : NULL;
    if (!slot)
        return;
    if (s.shared || (*slot)->kind == TD__ALIAS)
        *slot = value;
    else
        **slot = *value; /* in place: aliases of it follow */
}
