/* `tdhost list-plugins` and `tdhost describe`. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/base/text.h"
#include "host/config/bind.h"
#include "host/plugin/plugins.h"

struct line {
    const td__plugin *plugin;
    FILE *out;
};

static void print_line(const struct line *l, const char *kind, const char *key)
{
    const td__plugin *p = l->plugin;
    fprintf(l->out, "%-16s %-28s %-8s %d.%d  %-12s %s  ", kind, key, *p->version ? p->version : "-", p->abi_major,
            p->abi_minor, *p->licence ? p->licence : "-", p->file);
    fprintf(l->out, p->refused ? "refused: %s\n" : "%s\n", p->refused ? p->refused : p->summary);
}

static int print_provided(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    (void)kind;
    print_line(user, kind_name, key);
    return 0;
}

static int add_provided(uint32_t kind, const char *kind_name, const char *key, void *user)
{
    (void)kind;
    return json_array_append_new(user, json_pack("{s:s, s:s}", "kind", kind_name, "key", key));
}

static json_t *plugin_json(const td__plugin *p)
{
    json_t *provides = json_array();
    if (!provides || td__each_provided(p, add_provided, provides)) {
        json_decref(provides);
        return NULL;
    }
    return json_pack("{s:o, s:s, s:s, s:[i,i], s:s, s:s, s:o, s:o}", "file", td__text_json(p->file), "id", p->id,
                     "version", p->version, "abi", p->abi_major, p->abi_minor, "licence", p->licence, "summary",
                     p->summary, "provides", provides, "refused", td__text_json(p->refused));
}

static int list_json(const td__plugins *p, FILE *out)
{
    json_t *root = json_array();
    int rc = root ? 0 : -1;
    for (size_t i = 0; !rc && i < p->n; i++)
        rc = json_array_append_new(root, plugin_json(p->v[i]));
    if (!rc)
        rc = json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    return rc || fputc('\n', out) == EOF ? -1 : 0;
}

int td__list_plugins(const td__plugins *p, int json, FILE *out)
{
    if (json)
        return list_json(p, out);
    if (!p->n)
        td__log(TD_LOG_INFO, "no plugin is found; tdhost(1) says where they are looked for");
    for (size_t i = 0; i < p->n; i++) {
        struct line line = {p->v[i], out};
        if (*p->v[i]->provides)
            td__each_provided(p->v[i], print_provided, &line);
        else
            print_line(&line, "-", "-");
    }
    return ferror(out) ? -1 : 0;
}

/* ---- describe ---- */

static void describe_entry(const td__entry *e, FILE *out)
{
    const td_type *t = e->type;
    fprintf(out, "%s %s\n", td__kind_name(e->kind), t->key);
    if (t->summary)
        fprintf(out, "    %s\n", t->summary);
    if (e->plugin)
        fprintf(out, "    from %s %s (%s), %s\n", e->plugin->id, e->plugin->version, e->plugin->licence,
                e->plugin->file);
    else
        fputs("    from the host itself\n", out);
    if (t->aliases)
        fprintf(out, "    also called %s\n", t->aliases);
    if (t->params && t->params->name) {
        fputs("    parameters:\n", out);
        td__print_params(t->params, 8, out);
    }
}

/* What a loss declares of itself, for programs that plan or tabulate. */
static int add_loss(json_t *j, const td_loss_type *loss)
{
    /* TD_NEEDS_..., bit by bit */
    static const char *const needs[] = {"target", "index", "teacher_grad", "not_cacheable"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (loss->needs >> i & 1)
            json_array_append_new(list, json_string(needs[i]));
    return json_object_set_new(j, "needs", list) ||
           json_object_set_new(j, "min_batch", json_integer(loss->min_batch)) ||
           json_object_set_new(j, "state", json_boolean(loss->build != NULL));
}

static json_t *entry_json(const td__entry *e)
{
    const td_type *t = e->type;
    json_t *plugin = e->plugin ? json_pack("{s:s, s:s, s:s, s:o}", "id", e->plugin->id, "version", e->plugin->version,
                                           "licence", e->plugin->licence, "file", td__text_json(e->plugin->file))
                               : json_null();
    json_t *j =
        json_pack("{s:s, s:s, s:s?, s:s?, s:o, s:o}", "kind", td__kind_name(e->kind), "key", t->key, "summary",
                  t->summary, "aliases", t->aliases, "plugin", plugin, "parameters", td__params_json(t->params));
    if (j && e->kind == TD_KIND_LOSS && add_loss(j, (const td_loss_type *)t)) {
        json_decref(j);
        return NULL;
    }
    return j;
}

static int describe_json(const char *key, FILE *out)
{
    const td__entry *e;
    json_t *all = json_array();
    int failed = !all;
    for (size_t i = 0; !failed && (e = td__entry_at(i)); i++)
        if (!key || td__entry_matches(e, key))
            failed = json_array_append_new(all, entry_json(e));
    if (!failed)
        failed = json_dumpf(all, out, JSON_INDENT(2)) || fputc('\n', out) == EOF;
    json_decref(all);
    return failed ? -1 : 0;
}

int td__describe(const char *key, int json, FILE *out)
{
    const td__entry *e;
    size_t found = 0;
    char near[320];
    for (size_t i = 0; (e = td__entry_at(i)); i++) {
        if (key && !td__entry_matches(e, key))
            continue;
        if (json)
            return describe_json(key, out);
        if (!key)
            fprintf(out, "%-16s %-28s %s\n", td__kind_name(e->kind), e->type->key,
                    e->type->summary ? e->type->summary : "");
        else
            describe_entry(e, out);
        found++;
    }
    if (key && !found) {
        td__suggest_key(0, key, near, sizeof near);
        td__log(TD_LOG_ERROR, "nothing is registered as '%s'%s", key,
                *near ? near : "; 'tdhost describe' lists what is");
    }
    return key && !found ? -1 : 0;
}
