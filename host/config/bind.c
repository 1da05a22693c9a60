#include "host/config/bind.h"

#include <stdio.h>
#include <string.h>

#include "host/base/text.h"
#include "host/config/load.h"
#include "host/config/value.h"

static size_t table_size(const td_param *table)
{
    size_t n = 0;
    while (table && table[n].name)
        n++;
    return n;
}

/* The binding of one struct: what was written for each entry of the table. */
struct binding {
    td__config *cfg;
    const char *owner;
    const td_param *table;
    size_t n;
    td__node **given; /* NULL: nothing */
};

static void take_args(struct binding *b, td__node *args)
{
    if (!args || args->kind == TD__NULL)
        return;
    args->used = 1;
    if (args->kind != TD__SEQ) {
        td__diag_error(&b->cfg->diag, args->at, "the arguments of %s are a list, not %s", b->owner,
                       td__node_found(b->cfg, args));
        return;
    }
    if (args->n > b->n)
        td__diag_error(&b->cfg->diag, args->items[b->n]->at, "%s takes at most %zu arguments, not %zu", b->owner, b->n,
                       args->n);
    for (size_t i = 0; i < args->n && i < b->n; i++)
        b->given[i] = args->items[i];
}

/* A key that is no parameter.  Keys that start with '_' only carry anchors; where further names are accepted, one that
 * is almost a parameter is a slip all the same. */
static void unknown_key(struct binding *b, const td__node *key)
{
    if (key->text[0] == '_')
        return;
    const char **names = td__arena_alloc(b->cfg->arena, (b->n + 1) * sizeof *names), *near;
    for (size_t i = 0; names && i < b->n; i++)
        names[i] = b->table[i].name;
    int open = b->table && (b->table[b->n].flags & TD_PARAM_OPEN);
    if (open && !(names && td__nearest(key->text, names, b->n, &near, 1))) {
        td__diag_warn(&b->cfg->diag, key->at, "'%s' has no effect in %s", key->text, b->owner);
        return;
    }
    td__diag_error(&b->cfg->diag, key->at, "unknown key '%s' in %s%s", key->text, b->owner,
                   names ? td__allowed_keys(b->cfg, key->text, names, b->n) : "");
}

static void take_kwargs(struct binding *b, td__node *kwargs)
{
    if (!kwargs || kwargs->kind == TD__NULL)
        return;
    kwargs->used = 1;
    if (kwargs->kind != TD__MAP) {
        td__diag_error(&b->cfg->diag, kwargs->at, "%s is a mapping, not %s", b->owner, td__node_found(b->cfg, kwargs));
        return;
    }
    for (size_t i = 0; i < kwargs->n; i++) {
        size_t k = 0;
        while (k < b->n && strcmp(b->table[k].name, kwargs->keys[i]->text))
            k++;
        if (k == b->n)
            unknown_key(b, kwargs->keys[i]);
        else if (b->given[k])
            td__diag_error(&b->cfg->diag, kwargs->keys[i]->at, "'%s' in %s is given twice: as argument %zu and by name",
                           b->table[k].name, b->owner, k + 1);
        else
            b->given[k] = kwargs->items[i];
    }
}

static td__node *default_of(struct binding *b, const td_param *p, td__place at)
{
    if (!p->def) {
        td__diag_error(&b->cfg->diag, at, "%s needs '%s'%s%s%s", b->owner, p->name, p->doc ? " (" : "",
                       p->doc ? p->doc : "", p->doc ? ")" : "");
        return NULL;
    }
    const char *name = td__arena_printf(b->cfg->arena, "default of '%s' in %s", p->name, b->owner);
    return name ? td__parse(b->cfg, (td__place){name, 0, 0}, p->def, strlen(p->def)) : td__no_memory(b->cfg);
}

/* Taps without a side of their own follow the sibling `is_from_teacher`. */
static void set_sides(const struct binding *b, void *out)
{
    int32_t teacher = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->table[i].type == TD_P_BOOL && !strcmp(b->table[i].name, "is_from_teacher"))
            memcpy(&teacher, (char *)out + b->table[i].offset, sizeof teacher);
    for (size_t i = 0; i < b->n; i++)
        if (b->table[i].type == TD_P_TAP && !(b->table[i].flags & (TD_SIDE_STUDENT | TD_SIDE_TEACHER)))
            ((td_tap *)(void *)((char *)out + b->table[i].offset))->side = teacher ? TD_TEACHER : TD_STUDENT;
}

int td__bind_call(td__config *cfg, td__node *args, td__node *kwargs, const char *owner, td__place at,
                  const td_param *table, uint32_t size, void *out)
{
    size_t errors = cfg->diag.errors;
    struct binding b = {cfg, owner, table, table_size(table), NULL};
    if (size)
        memset(out, 0, size);
    b.given = td__node_array(cfg, b.n);
    if (!b.given)
        return -1;
    take_args(&b, args);
    take_kwargs(&b, kwargs);
    for (size_t i = 0; i < b.n; i++) {
        const td_param *p = &table[i];
        if (p->flags & TD_PARAM_IGNORED)
            continue;
        td__node *n = b.given[i] ? b.given[i] : default_of(&b, p, at);
        if (n)
            td__bind_value(cfg, owner, p, n, out);
    }
    set_sides(&b, out);
    return cfg->diag.errors == errors ? 0 : -1;
}

int td__bind(td__config *cfg, td__node *map, const char *owner, const td_param *table, uint32_t size, void *out)
{
    td__place at = map ? map->at : (td__place){cfg->path, 0, 0};
    return td__bind_call(cfg, NULL, map, owner, at, table, size, out);
}

int td__bind_text(td__config *cfg, const char *text, const char *owner, const td_param *table, uint32_t size, void *out,
                  char *why, size_t why_size)
{
    td__diag users = cfg->diag;
    memset(&cfg->diag, 0, sizeof cfg->diag);
    td__node *map = *text ? td__parse(cfg, (td__place){owner, 0, 0}, text, strlen(text)) : NULL;
    if (map || !*text)
        td__bind(cfg, map, owner, table, size, out);
    int failed = cfg->diag.errors ? -1 : 0;
    for (size_t i = cfg->diag.n; failed && i-- > 0;)
        if (!cfg->diag.v[i].warning)
            snprintf(why, why_size, "%s", cfg->diag.v[i].text);
    td__diag_free(&cfg->diag);
    cfg->diag = users;
    return failed;
}

static void element_taps(const td_param *p, const void *at, void (*fn)(const td_tap *tap, void *user), void *user)
{
    const td_list *list = at;
    for (int64_t i = 0; i < list->n; i++)
        td__bind_taps(p->fields, (const char *)list->v + (size_t)i * p->size, fn, user);
}

void td__bind_taps(const td_param *table, const void *params, void (*fn)(const td_tap *tap, void *user), void *user)
{
    for (const td_param *p = table; p && p->name; p++) {
        const void *at = (const char *)params + p->offset;
        if (p->flags & TD_PARAM_IGNORED)
            continue;
        if (p->type == TD_P_TAP && ((const td_tap *)at)->path)
            fn(at, user);
        else if (p->type == TD_P_STRUCT)
            td__bind_taps(p->fields, at, fn, user);
        else if (p->type == TD_P_LIST || p->type == TD_P_MAP)
            element_taps(p, at, fn, user);
    }
}
