/* The entries of a mapping: merge keys as PyYAML flattens them (yaml/constructor.py), duplicates. */
#include <stdlib.h>
#include <string.h>

#include "host/config/load.h"

struct entry {
    td__node *key, *value;
    size_t order;
    int merged;
};
struct entries {
    struct entry *v;
    size_t n, capacity;
};

static td__node *behind(td__node *n) { return n->kind == TD__ALIAS ? n->items[0] : n; }

static int add_entry(td__config *cfg, struct entries *to, td__node *key, td__node *value, int merged)
{
    if (td__grow(&to->v, &to->capacity, to->n + 1, sizeof *to->v)) {
        td__no_memory(cfg);
        return -1;
    }
    to->v[to->n] = (struct entry){key, value, to->n, merged};
    to->n++;
    return 0;
}

/* The entries of one merged map, as aliases: they belong to the map they come from. */
static int merge_map(td__config *cfg, struct entries *to, td__node *written)
{
    td__node *from = behind(written);
    if (from->kind != TD__MAP) {
        td__diag_error(&cfg->diag, written->at, "<< takes a mapping or a list of mappings, not %s",
                       td__node_found(cfg, from));
        return 0;
    }
    for (size_t i = 0; i < from->n; i++) {
        td__node *alias = td__node_new(cfg, TD__ALIAS, from->items[i]->at);
        if (!alias || !(alias->items = td__node_array(cfg, 1)))
            return -1;
        alias->n = 1;
        alias->items[0] = behind(from->items[i]);
        if (add_entry(cfg, to, from->keys[i], alias, 1))
            return -1;
    }
    return 0;
}

/* As PyYAML: in a list of maps the earlier wins, so it is added last. */
static int merge(td__config *cfg, struct entries *to, td__node *written)
{
    td__node *from = behind(written);
    if (from->kind != TD__SEQ || from->tag)
        return merge_map(cfg, to, written);
    for (size_t i = from->n; i-- > 0;)
        if (merge_map(cfg, to, from->items[i]))
            return -1;
    return 0;
}

static int is_computed(const td__node *key) { return key->tag || key->kind == TD__ALIAS; }

static int by_key(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;
    int c = strcmp(x->key->text ? x->key->text : "", y->key->text ? y->key->text : "");
    return c ? c : x->order < y->order ? -1 : 1;
}

/* Of equal keys the first keeps its position and the last its value, as in Python; two written ones are an error.
 * Computed keys are compared when they are known (tags.c). */
static int drop_duplicates(td__config *cfg, struct entries *e)
{
    struct entry **sorted = malloc((e->n + 1) * sizeof *sorted), *first = NULL;
    if (!sorted) {
        td__no_memory(cfg);
        return -1;
    }
    for (size_t i = 0; i < e->n; i++)
        sorted[i] = &e->v[i];
    qsort(sorted, e->n, sizeof *sorted, by_key);
    for (size_t i = 0; i < e->n; i++) {
        struct entry *x = sorted[i];
        if (is_computed(x->key))
            continue;
        if (!first || strcmp(first->key->text, x->key->text)) {
            first = x;
            continue;
        }
        if (!first->merged && !x->merged)
            td__diag_error(&cfg->diag, x->key->at, "'%s' is given twice, first on line %u", x->key->text,
                           first->key->at.line);
        first->key = x->key;
        first->value = x->value;
        first->merged = x->merged;
        x->value = NULL;
    }
    free(sorted);
    return 0;
}

static int is_merge_key(const td__node *written)
{
    return written->tag && !strcmp(written->tag, TD__MERGE_TAG);
}

int td__finish_map(td__config *cfg, td__node *map, td__node *const *written, size_t n)
{
    struct entries e = {0};
    int failed = 0;
    for (size_t i = 0; i + 1 < n && !failed; i += 2)
        if (is_merge_key(written[i]))
            failed = merge(cfg, &e, written[i + 1]);
    for (size_t i = 0; i + 1 < n && !failed; i += 2) {
        td__node *key = behind(written[i]);
        if (is_merge_key(written[i]))
            continue;
        if (!key->text && !key->tag)
            td__diag_error(&cfg->diag, written[i]->at, "a key is text, not %s", td__node_found(cfg, key));
        else
            failed = add_entry(cfg, &e, key->tag ? written[i] : key, written[i + 1], 0);
    }
    if (!failed)
        failed = drop_duplicates(cfg, &e);
    map->keys = failed ? NULL : td__node_array(cfg, e.n);
    map->items = failed ? NULL : td__node_array(cfg, e.n);
    for (size_t i = 0; map->keys && map->items && i < e.n; i++) {
        if (!e.v[i].value)
            continue;
        map->keys[map->n] = e.v[i].key;
        map->items[map->n++] = e.v[i].value;
    }
    free(e.v);
    return map->keys && map->items ? 0 : -1;
}
