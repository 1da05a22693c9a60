#include "host/config/node.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/config/load.h"

void *td__no_memory(td__config *cfg)
{
    td__diag_error(&cfg->diag, (td__place){cfg->path, 0, 0}, "out of memory");
    return NULL;
}

td__node *td__node_new(td__config *cfg, td__node_kind kind, td__place at)
{
    td__node *n = td__arena_alloc(cfg->arena, sizeof *n);
    if (!n)
        return td__no_memory(cfg);
    n->kind = kind;
    n->at = at;
    return n;
}

td__node **td__node_array(td__config *cfg, size_t n)
{
    td__node **a = td__arena_alloc(cfg->arena, (n ? n : 1) * sizeof *a);
    return a ? a : td__no_memory(cfg);
}

const char *td__node_text(td__config *cfg, const char *s, size_t n)
{
    const char *copy = td__arena_dup(cfg->arena, s, n);
    return copy ? copy : td__no_memory(cfg);
}

td__node *td__parse(td__config *cfg, td__place start, const char *text, size_t size)
{
    td__node *root = td__compose(cfg, start, text, size);
    return root ? td__evaluate(cfg, root) : NULL;
}

static int start(td__config *cfg, const char *path)
{
    memset(cfg, 0, sizeof *cfg);
    cfg->arena = td__arena_new();
    cfg->path = cfg->arena ? td__arena_dup(cfg->arena, path, strlen(path)) : NULL;
    if (cfg->path)
        return 0;
    td__no_memory(cfg);
    return -1;
}

int td__config_parse(td__config *cfg, const char *name, const char *text, size_t size)
{
    if (start(cfg, name))
        return -1;
    cfg->root = td__parse(cfg, (td__place){cfg->path, 1, 1}, text, size);
    return cfg->diag.errors ? -1 : 0;
}

int td__config_load(td__config *cfg, const char *path, const char *const *sets, size_t n_sets)
{
    if (start(cfg, path))
        return -1;
    size_t size;
    char *text = td__file_read(path, &size);
    if (!text) {
        td__diag_error(&cfg->diag, (td__place){cfg->path, 0, 0}, "%s", strerror(errno));
        return -1;
    }
    cfg->root = td__compose(cfg, (td__place){cfg->path, 1, 1}, text, size);
    free(text);
    for (size_t i = 0; cfg->root && i < n_sets; i++)
        td__apply_set(cfg, sets[i]);
    if (cfg->root)
        cfg->root = td__evaluate(cfg, cfg->root);
    if (cfg->root && cfg->root->kind != TD__MAP)
        td__diag_error(&cfg->diag, cfg->root->at, "a configuration is a mapping, not %s",
                       td__node_kind_name(cfg->root));
    return cfg->diag.errors ? -1 : 0;
}

void td__config_free(td__config *cfg)
{
    td__arena_free(cfg->arena);
    td__diag_free(&cfg->diag);
    memset(cfg, 0, sizeof *cfg);
}

td__node *td__node_get(td__node *map, const char *key)
{
    for (size_t i = 0; map && map->kind == TD__MAP && i < map->n; i++) {
        if (strcmp(map->keys[i]->text, key))
            continue;
        map->items[i]->used = 1;
        return map->items[i];
    }
    return NULL;
}

size_t td__node_step(const td__node *map, const char *path, const char **rest)
{
    size_t best = map->n, longest = 0;
    for (size_t i = 0; i < map->n; i++) {
        const char *key = map->keys[i]->text;
        size_t len = key ? strlen(key) : 0;
        if (len <= longest || strncmp(path, key, len) || (path[len] && path[len] != '.'))
            continue;
        best = i;
        longest = len;
    }
    *rest = path + longest + (path[longest] == '.');
    return best;
}

/* Whether path starts with this word as a whole element; *rest gets what follows. */
static int element(const char *path, const char *word, const char **rest)
{
    size_t n = strlen(word);
    if (strncmp(path, word, n) || (path[n] && path[n] != '.'))
        return 0;
    *rest = path + n + (path[n] == '.');
    return 1;
}

td__node *td__node_at(td__config *cfg, const char *path)
{
    td__node *n = cfg->root;
    while (n && *path) {
        if (n->kind == TD__MAP) {
            size_t i = td__node_step(n, path, &path);
            n = i < n->n ? n->items[i] : NULL;
        } else if (n->kind == TD__SEQ) {
            char *end;
            unsigned long i = strtoul(path, &end, 10);
            int number = end > path && (!*end || *end == '.');
            n = number && i < n->n ? n->items[i] : NULL;
            path = end + (*end == '.');
        } else if (n->kind == TD__CALL) {
            element(path, "init", &path);
            n = element(path, "args", &path) ? n->items[0] : element(path, "kwargs", &path) ? n->items[1] : NULL;
        } else {
            n = NULL;
        }
    }
    return n;
}

const char *td__node_kind_name(const td__node *n)
{
    static const char *const names[] = {
        [TD__NULL] = "null", [TD__BOOL] = "a boolean", [TD__INT] = "an integer", [TD__FLOAT] = "a number",
        [TD__STRING] = "a string", [TD__SEQ] = "a list", [TD__MAP] = "a mapping", [TD__CALL] = "an object",
        [TD__NAME] = "a name", [TD__INDEX] = "an element of an object", [TD__ATTR] = "an attribute",
        [TD__METHOD] = "the result of a method", [TD__ALIAS] = "an alias"};
    return names[n->kind];
}

const char *td__node_found(td__config *cfg, const td__node *n)
{
    const char *kind = td__node_kind_name(n);
    if (n->kind == TD__NULL || !n->text)
        return kind;
    const char *text =
        td__arena_printf(cfg->arena, n->kind == TD__STRING ? "%s (\"%.60s\")" : "%s (%.60s)", kind, n->text);
    return text ? text : kind;
}

/* The shortest decimal that reads back as v, laid out as Python's repr does. */
static const char *float_str(td__config *cfg, double v)
{
    char e[40];
    int digits = 0;
    if (isnan(v))
        return "nan";
    if (isinf(v))
        return v < 0 ? "-inf" : "inf";
    do
        snprintf(e, sizeof e, "%.*e", digits, v);
    while (strtod(e, NULL) != v && ++digits < 17);
    int exponent = atoi(strchr(e, 'e') + 1);
    if (exponent >= -4 && exponent < 16)
        return td__arena_printf(cfg->arena, "%.*f", digits - exponent > 1 ? digits - exponent : 1, v);
    *strchr(e, 'e') = 0;
    return td__arena_printf(cfg->arena, "%se%+03d", e, exponent);
}

const char *td__node_str(td__config *cfg, const td__node *n)
{
    switch (n->kind) {
    case TD__NULL:
        return "None";
    case TD__BOOL:
        return n->i ? "True" : "False";
    case TD__INT:
        return td__arena_printf(cfg->arena, "%lld", (long long)n->i);
    case TD__FLOAT:
        return float_str(cfg, n->f);
    case TD__STRING:
        return n->text;
    default:
        return NULL;
    }
}

const char *td__did_you_mean(td__config *cfg, const char *name, const char *const *names, size_t n)
{
    char buf[320];
    td__suggestion(name, names, n, buf, sizeof buf);
    const char *text = td__arena_dup(cfg->arena, buf, strlen(buf));
    return text ? text : "";
}

const char *td__allowed_keys(td__config *cfg, const char *key, const char *const *names, size_t n)
{
    const char *text = td__did_you_mean(cfg, key, names, n);
    if (*text || n > 12)
        return text;
    for (size_t i = 0; text && i < n; i++)
        text = td__arena_printf(cfg->arena, "%s%s'%s'", text, !i ? " (it has " : i + 1 < n ? ", " : " and ", names[i]);
    text = text && n ? td__arena_printf(cfg->arena, "%s)", text) : " (it has none)";
    return text ? text : "";
}

const char *td__did_you_mean_key(td__config *cfg, const char *name, const td__node *map)
{
    const char **names = td__arena_alloc(cfg->arena, (map->n + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names && i < map->n; i++)
        if (map->keys[i]->text)
            names[n++] = map->keys[i]->text;
    return td__did_you_mean(cfg, name, names, n);
}

void td__node_check_keys(td__config *cfg, td__node *map, const char *owner, const char *const *names, size_t n)
{
    for (size_t i = 0; map && map->kind == TD__MAP && i < map->n; i++) {
        const char *key = map->keys[i]->text;
        size_t k = 0;
        while (k < n && strcmp(key, names[k]))
            k++;
        if (k == n && key[0] != '_')
            td__diag_error(&cfg->diag, map->keys[i]->at, "unknown key '%s' in %s%s", key, owner,
                           td__allowed_keys(cfg, key, names, n));
    }
}
