/* Tags: values are computed in place, objects become CALL, NAME, INDEX, ATTR and METHOD nodes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/config/load.h"

/* The node becomes this string; it is null when text is NULL (reported already). */
static td__node *become_text(td__node *n, const char *text)
{
    n->kind = text ? TD__STRING : TD__NULL;
    n->text = text;
    n->n = 0;
    return n;
}

static td__node *wrong(td__config *cfg, td__node *n, const char *takes)
{
    td__diag_error(&cfg->diag, n->at, "%s takes %s, not %s", n->tag, takes, td__node_found(cfg, n));
    return become_text(n, NULL);
}

/* Python's str() of a list item, or NULL and an error. */
static const char *item_text(td__config *cfg, td__node *n, size_t i)
{
    const char *s = td__node_str(cfg, n->items[i]);
    if (!s)
        td__diag_error(&cfg->diag, n->items[i]->at, "item %zu of %s is %s; it must be text or a number", i + 1, n->tag,
                       td__node_found(cfg, n->items[i]));
    return s;
}

static const char *expand(td__config *cfg, const char *path)
{
    if (!path)
        return NULL;
    char *expanded = td__expand_user(path);
    const char *s = expanded ? td__node_text(cfg, expanded, strlen(expanded)) : td__no_memory(cfg);
    free(expanded);
    return s;
}

/* Joins all items; with `slash`, as os.path.join: an absolute item starts over. */
static td__node *join_items(td__config *cfg, td__node *n, int slash)
{
    if (n->kind != TD__SEQ)
        return wrong(cfg, n, "a list");
    const char *all = "";
    for (size_t i = 0; all && i < n->n; i++) {
        const char *s = item_text(cfg, n, i);
        int over = slash && (!*all || (s && *s == '/'));
        const char *between = slash && !over && all[strlen(all) - 1] != '/' ? "/" : "";
        if (!s || !(all = td__arena_printf(cfg->arena, "%s%s%s", over ? "" : all, between, s)))
            return become_text(n, s ? td__no_memory(cfg) : NULL);
        if (strlen(all) > TD__MAX_JOINED) {
            td__diag_error(&cfg->diag, n->at, "%s gives more than %d bytes", n->tag, TD__MAX_JOINED);
            return become_text(n, NULL);
        }
    }
    return become_text(n, slash ? expand(cfg, all) : all);
}

static td__node *join(td__config *cfg, td__node *n) { return join_items(cfg, n, 0); }
static td__node *pathjoin(td__config *cfg, td__node *n) { return join_items(cfg, n, 1); }

static td__node *expanduser(td__config *cfg, td__node *n)
{
    return n->kind == TD__STRING ? become_text(n, expand(cfg, n->text)) : wrong(cfg, n, "a string");
}

/* os.path.abspath: relative to the current folder, without `.`, `..` and doubled slashes. */
static const char *absolute(td__config *cfg, const char *path)
{
    char *here = *path == '/' ? td__strdup("") : getcwd(NULL, 0);
    char *out = here ? td__arena_alloc(cfg->arena, strlen(here) + strlen(path) + 3) : NULL;
    if (!out) {
        free(here);
        return td__no_memory(cfg);
    }
    strcpy(out, here);
    free(here);
    for (size_t n; *path; path += n) {
        path += strspn(path, "/");
        n = strcspn(path, "/");
        if (n == 2 && !strncmp(path, "..", 2)) {
            char *last = strrchr(out, '/');
            if (last)
                *last = 0;
        } else if (n && !(n == 1 && *path == '.')) {
            strcat(out, "/");
            strncat(out, path, n);
        }
    }
    return *out ? out : "/";
}

static td__node *abspath(td__config *cfg, td__node *n)
{
    const char *s = n->kind == TD__STRING ? expand(cfg, n->text) : NULL;
    if (n->kind != TD__STRING)
        return wrong(cfg, n, "a string");
    return become_text(n, s ? absolute(cfg, s) : NULL);
}

/* `key`, with `package` before it where given.  NULL with an error. */
static const char *dotted_key(td__config *cfg, td__node *n, td__node **key)
{
    td__node *package = td__node_get(n, "package");
    *key = td__node_get(n, "key");
    if (package && package->kind == TD__NULL)
        package = NULL;
    if (!*key) {
        td__diag_error(&cfg->diag, n->at, "%s needs 'key'", n->tag);
        return NULL;
    }
    if ((*key)->kind != TD__STRING || (package && package->kind != TD__STRING)) {
        td__node *bad = (*key)->kind == TD__STRING ? package : *key;
        td__diag_error(&cfg->diag, bad->at, "'%s' of %s is a string, not %s", bad == *key ? "key" : "package", n->tag,
                       td__node_found(cfg, bad));
        return NULL;
    }
    if (!package)
        return (*key)->text;
    const char *s = td__arena_printf(cfg->arena, "%s.%s", package->text, (*key)->text);
    return s ? s : td__no_memory(cfg);
}

/* Upstream ignores further keys (they carry anchors); one that is nearly a known one is worth a warning. */
static void warn_of_typos(td__config *cfg, td__node *n, const char *const *names, size_t count)
{
    for (size_t i = 0; i < n->n; i++) {
        const char *key = n->keys[i]->text, *near;
        size_t k = 0;
        while (k < count && strcmp(key, names[k]))
            k++;
        if (k == count && key[0] != '_' && td__nearest(key, names, count, &near, 1))
            td__diag_warn(&cfg->diag, n->keys[i]->at, "'%s' means nothing to %s (did you mean '%s'?)", key, n->tag,
                          near);
    }
}

static td__node *import_get(td__config *cfg, td__node *n)
{
    static const char *const names[] = {"key", "package"};
    td__node *key;
    if (n->kind != TD__MAP)
        return wrong(cfg, n, "a mapping with 'key'");
    warn_of_typos(cfg, n, names, 2);
    const char *text = dotted_key(cfg, n, &key);
    become_text(n, text);
    n->kind = text ? TD__NAME : TD__NULL;
    return n;
}

/* An entry that must be of this kind; NULL where absent, null or wrong (reported). */
static td__node *entry_of(td__config *cfg, td__node *map, const char *name, td__node_kind kind, const char *is)
{
    td__node *v = td__node_get(map, name);
    if (!v || v->kind == TD__NULL || v->kind == kind)
        return v && v->kind == kind ? v : NULL;
    td__diag_error(&cfg->diag, v->at, "'%s' is %s, not %s", name, is, td__node_found(cfg, v));
    return NULL;
}

static td__node *import_call(td__config *cfg, td__node *n)
{
    static const char *const names[] = {"key", "package", "init"}, *const inits[] = {"args", "kwargs"};
    td__node *key;
    if (n->kind != TD__MAP)
        return wrong(cfg, n, "a mapping with 'key' and 'init'");
    warn_of_typos(cfg, n, names, 3);
    td__node *init = entry_of(cfg, n, "init", TD__MAP, "a mapping with 'args' and 'kwargs'");
    td__node **items = td__node_array(cfg, 2), **keys = td__node_array(cfg, 1);
    const char *text = dotted_key(cfg, n, &key);
    if (!text || !items || !keys)
        return become_text(n, NULL);
    td__node_check_keys(cfg, init, "'init'", inits, 2);
    items[0] = entry_of(cfg, init, "args", TD__SEQ, "a list");
    items[1] = entry_of(cfg, init, "kwargs", TD__MAP, "a mapping");
    keys[0] = key;
    n->kind = TD__CALL;
    n->text = text;
    n->items = items;
    n->keys = keys;
    n->n = 2;
    return n;
}

static int is_object(const td__node *n)
{
    return n->kind == TD__CALL || n->kind == TD__NAME || n->kind == TD__INDEX || n->kind == TD__ATTR ||
           n->kind == TD__METHOD;
}

/* The node becomes `text` of an object. */
static td__node *become_part(td__config *cfg, td__node *n, td__node_kind kind, td__node *object, const char *text)
{
    n->items = td__node_array(cfg, 1);
    if (!n->items || !text)
        return become_text(n, NULL);
    n->items[0] = object;
    n->n = 1;
    n->kind = kind;
    n->text = text;
    return n;
}

static td__node *entry_or_error(td__config *cfg, td__node *n, td__node *map, td__node *name)
{
    td__node *v = name->text ? td__node_get(map, name->text) : NULL;
    if (v)
        return v;
    td__diag_error(&cfg->diag, name->at, "%s: there is no '%s'%s", n->tag, name->text ? name->text : "",
                   name->text ? td__did_you_mean_key(cfg, name->text, map) : "");
    return become_text(n, NULL);
}

static td__node *get_attribute(td__config *cfg, td__node *n)
{
    if (n->kind != TD__SEQ || n->n < 2 || n->n > 3)
        return wrong(cfg, n, "a list [object, name] or [object, name, default]");
    td__node *object = n->items[0], *name = n->items[1];
    if (name->kind != TD__STRING) {
        td__diag_error(&cfg->diag, name->at, "the name for %s is a string, not %s", n->tag, td__node_found(cfg, name));
        return become_text(n, NULL);
    }
    if (is_object(object))
        return become_part(cfg, n, TD__ATTR, object, name->text);
    if (object->kind == TD__MAP) {
        td__node *v = n->n == 3 ? td__node_get(object, name->text) : entry_or_error(cfg, n, object, name);
        return v ? v : n->items[2];
    }
    td__diag_error(&cfg->diag, object->at, "%s needs an object or a mapping, not %s", n->tag,
                   td__node_found(cfg, object));
    return become_text(n, NULL);
}

static td__node *access_by(td__config *cfg, td__node *n)
{
    static const char *const names[] = {"data", "index_or_key"};
    if (n->kind != TD__MAP)
        return wrong(cfg, n, "a mapping with 'data' and 'index_or_key'");
    warn_of_typos(cfg, n, names, 2);
    td__node *data = td__node_get(n, "data"), *index = td__node_get(n, "index_or_key");
    if (!data || !index) {
        td__diag_error(&cfg->diag, n->at, "%s needs '%s'", n->tag, data ? "index_or_key" : "data");
        return become_text(n, NULL);
    }
    if (is_object(data) && (index->kind == TD__INT || index->kind == TD__STRING))
        return become_part(cfg, n, TD__INDEX, data, td__node_str(cfg, index));
    if (data->kind == TD__MAP)
        return entry_or_error(cfg, n, data, index);
    if (data->kind != TD__SEQ || index->kind != TD__INT) {
        td__node *bad = data->kind == TD__SEQ || is_object(data) ? index : data;
        td__diag_error(&cfg->diag, bad->at, "'%s' of %s cannot be %s", bad == data ? "data" : "index_or_key", n->tag,
                       td__node_found(cfg, bad));
        return become_text(n, NULL);
    }
    int64_t i = index->i < 0 ? index->i + (int64_t)data->n : index->i;
    if (i >= 0 && i < (int64_t)data->n)
        return data->items[i];
    td__diag_error(&cfg->diag, index->at, "%s: there is no item %lld in a list of %zu", n->tag, (long long)index->i,
                   data->n);
    return become_text(n, NULL);
}

/* Kept as it is, for whoever asks for its value. */
static td__node *keep(td__config *cfg, td__node *n)
{
    td__node *given = td__node_new(cfg, n->kind, n->at);
    if (!given)
        return become_text(n, NULL);
    *given = *n;
    given->tag = NULL;
    return become_part(cfg, n, TD__METHOD, given, n->tag);
}

static td__node *call_method(td__config *cfg, td__node *n)
{
    return n->kind == TD__MAP ? keep(cfg, n) : wrong(cfg, n, "a mapping");
}

static td__node *setattr(td__config *cfg, td__node *n)
{
    return n->kind == TD__SEQ ? keep(cfg, n) : wrong(cfg, n, "a list [object, name, value]");
}

static const struct { const char *tag; td__node *(*apply)(td__config *, td__node *); } tags[] = {
    {"!import_call", import_call}, {"!import_get", import_get}, {"!join", join}, {"!getattr", get_attribute},
    {"!access_by_index_or_key", access_by}, {"!pathjoin", pathjoin}, {"!expanduser", expanduser}, {"!abspath", abspath},
    {"!call_method", call_method}, {"!import_call_method", call_method}, {"!setattr", setattr}};
#define N_TAGS (sizeof tags / sizeof *tags)

static td__node *apply_tag(td__config *cfg, td__node *n)
{
    const char *names[N_TAGS];
    for (size_t i = 0; i < N_TAGS; i++) {
        if (!strcmp(n->tag, tags[i].tag))
            return tags[i].apply(cfg, n);
        names[i] = tags[i].tag;
    }
    td__diag_error(&cfg->diag, n->at, "unknown tag '%s'%s", n->tag, td__did_you_mean(cfg, n->tag, names, N_TAGS));
    return n;
}

/* A computed key must be text that no other key has. */
static void evaluate_key(td__config *cfg, td__node *map, size_t i)
{
    int computed = map->keys[i]->tag || map->keys[i]->kind == TD__ALIAS;
    td__node *key = map->keys[i] = td__evaluate(cfg, map->keys[i]);
    if (key->text && !computed)
        return;
    for (size_t k = 0; key->text && k < map->n; k++)
        if (k != i && map->keys[k]->text && !strcmp(map->keys[k]->text, key->text))
            td__diag_error(&cfg->diag, key->at, "'%s' is given twice, first on line %u", key->text,
                           map->keys[k]->at.line);
    if (key->text)
        return;
    td__diag_error(&cfg->diag, key->at, "a key is text, not %s", td__node_found(cfg, key));
    map->keys[i] = become_text(key, "");
}

static void evaluate_items(td__config *cfg, td__node *n)
{
    for (size_t i = 0; i < n->n; i++) {
        if (n->kind == TD__MAP)
            evaluate_key(cfg, n, i);
        n->items[i] = td__evaluate(cfg, n->items[i]);
        if (n->items[i]->height > n->height)
            n->height = n->items[i]->height;
    }
    n->height++;
    if (n->height <= TD__MAX_NESTING)
        return;
    td__diag_error(&cfg->diag, n->at, "nested more than %d levels deep", TD__MAX_NESTING);
    become_text(n, NULL);
    n->height = 1;
}

td__node *td__evaluate(td__config *cfg, td__node *n)
{
    while (n->kind == TD__ALIAS)
        n = n->items[0];
    if (n->height)
        return n;
    evaluate_items(cfg, n);
    if (!n->tag)
        return n;
    td__node *value = apply_tag(cfg, n);
    n->tag = NULL;
    if (value == n)
        return n;
    n->kind = TD__ALIAS; /* so that whoever else holds n finds the same node */
    n->n = 1;
    n->items = td__node_array(cfg, 1);
    if (!n->items)
        return become_text(n, NULL);
    n->items[0] = value;
    return value;
}
