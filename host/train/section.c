/* Help in reading the sections of an experiment. */
#include <string.h>

#include "host/base/text.h"
#include "host/train/plan.h"

int td__plan_is_null(const td__node *n)
{
    return !n || n->kind == TD__NULL;
}

td__place td__place_of(td__node *section, const char *key)
{
    td__node *n = td__node_get(section, key);
    return n ? n->at : section->at;
}

td__node *td__plan_need(td__config *cfg, td__node *section, const char *owner, const char *key, const char *doc)
{
    td__node *n = td__node_get(section, key);
    if (!td__plan_is_null(n))
        return n;
    td__diag_error(&cfg->diag, td__place_of(section, key), "'%s' needs '%s' (%s)", owner, key, doc);
    return NULL;
}

/* Names and paths that look like numbers mean their text. */
static int is_text(const td__node *n)
{
    return n->kind == TD__STRING || n->kind == TD__INT || n->kind == TD__FLOAT;
}

td__node *td__plan_need_text(td__config *cfg, td__node *section, const char *owner, const char *key, const char *doc)
{
    td__node *n = td__plan_need(cfg, section, owner, key, doc);
    if (!n || is_text(n))
        return n;
    td__diag_error(&cfg->diag, n->at, "'%s' in %s is text (%s), not %s", key, owner, doc, td__node_kind_name(n));
    return NULL;
}

td__paths td__plan_paths(td__config *cfg, td__node *section, const char *key)
{
    td__paths p = {NULL, 0};
    td__node *n = td__node_get(section, key);
    if (td__plan_is_null(n))
        return p;
    td__node **items = n->kind == TD__SEQ ? n->items : &n;
    size_t count = n->kind == TD__SEQ ? n->n : 1;
    n->used = 1;
    p.v = td__arena_alloc(cfg->arena, count * sizeof *p.v);
    for (size_t i = 0; p.v && i < count; i++) {
        if (is_text(items[i]))
            p.v[p.n++] = (td__path){items[i]->text, items[i]->at};
        else
            td__diag_error(&cfg->diag, items[i]->at, "'%s' lists module paths, this is %s", key,
                           td__node_kind_name(items[i]));
    }
    return p;
}

static void set_entry(td__node *map, td__node *key, td__node *value)
{
    size_t i = 0;
    while (i < map->n && strcmp(map->keys[i]->text, key->text) != 0)
        i++;
    map->keys[i] = key;
    map->items[i] = value;
    map->n += i == map->n;
}

/* An empty map with room for n entries; NULL: out of memory, reported. */
static td__node *new_map(td__config *cfg, td__place at, size_t n)
{
    td__node *map = td__arena_alloc(cfg->arena, sizeof *map);
    td__node **room = td__arena_alloc(cfg->arena, 2 * (n + 1) * sizeof *room);
    if (!map || !room) {
        td__diag_error(&cfg->diag, at, "out of memory");
        return NULL;
    }
    map->kind = TD__MAP;
    map->at = at;
    map->keys = room;
    map->items = room + n + 1;
    return map;
}

td__node *td__plan_merge(td__config *cfg, td__node *base, td__node *over, const char *without)
{
    td__node *from[2] = {td__plan_is_null(base) ? NULL : base, td__plan_is_null(over) ? NULL : over};
    td__place at = from[1] ? from[1]->at : from[0] ? from[0]->at : (td__place){cfg->path, 0, 0};
    td__node *map = new_map(cfg, at, (from[0] ? from[0]->n : 0) + (from[1] ? from[1]->n : 0));
    for (int f = 0; map && f < 2; f++)
        for (size_t i = 0; from[f] && from[f]->kind == TD__MAP && i < from[f]->n; i++)
            if (!td__word_in(without, from[f]->keys[i]->text))
                set_entry(map, from[f]->keys[i], from[f]->items[i]);
    return map;
}

int td__plan_bind(td__config *cfg, td__node *section, const char *owner, const td_param *table, uint32_t size,
                  void *out)
{
    td__node *known = new_map(cfg, section->at, section->n);
    if (!known)
        return -1;
    for (const td_param *p = table; p->name; p++)
        for (size_t i = 0; section->kind == TD__MAP && i < section->n; i++)
            if (!strcmp(section->keys[i]->text, p->name))
                set_entry(known, section->keys[i], section->items[i]);
    return td__bind(cfg, known, owner, table, size, out);
}
