/* Parameter tables for people. */
#include <jansson.h>
#include <stdlib.h>

#include "host/config/value.h"

static const char *const names[] = {
    [TD_P_INT] = "integer", [TD_P_FLOAT] = "number", [TD_P_BOOL] = "boolean", [TD_P_STRING] = "string",
    [TD_P_INTS] = "list of integers", [TD_P_FLOATS] = "list of numbers", [TD_P_STRINGS] = "list of strings",
    [TD_P_STRUCT] = "mapping", [TD_P_LIST] = "list of mappings", [TD_P_MAP] = "mapping of names to mappings",
    [TD_P_TAP] = "module path", [TD_P_TAP_IO] = "input|output", [TD_P_OBJECT] = "object", [TD_P_FILE] = "path",
    [TD_P_LAYER] = "layer {key, kwargs}", [TD_P_MODEL] = "model {key, kwargs}"};

/* Whether elements are mappings with names of their own. */
static int has_members(const td_param *p) { return p->fields && p->fields->name && *p->fields->name; }

static int print_type(const td_param *p, FILE *out)
{
    int limits = td__param_limits(p), n;
    if (p->choices)
        n = fprintf(out, "%s", p->choices);
    else if (p->type == TD_P_LIST && p->fields && !has_members(p))
        n = fprintf(out, "list of: %s", names[p->fields->type]);
    else if (p->type == TD_P_MAP && !p->fields)
        n = fprintf(out, "mapping of names to numbers");
    else
        n = fprintf(out, "%s", names[p->type]);
    if (limits & 2)
        n += fprintf(out, " from %.12g to %.12g", p->min, p->max);
    else if (limits & 1)
        n += fprintf(out, " of at least %.12g", p->min);
    if (td__param_nullable(p))
        n += fprintf(out, " or null");
    return n;
}

/* What print_type says, as text; NULL: out of memory. */
static json_t *type_json(const td_param *p)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out)
        print_type(p, out);
    json_t *type = out && !fclose(out) ? json_string(text) : NULL;
    free(text);
    return type;
}

json_t *td__params_json(const td_param *table)
{
    json_t *all = json_array();
    for (const td_param *p = table; all && p && p->name; p++) {
        int ignored = (p->flags & TD_PARAM_IGNORED) != 0;
        json_t *one = json_pack("{s:s, s:o, s:s?, s:b, s:s?}", "name", p->name, "type",
                                ignored ? json_string("ignored") : type_json(p), "default", p->def, "required",
                                !ignored && !p->def, "doc", p->doc);
        int failed = one && has_members(p) && json_object_set_new(one, "parameters", td__params_json(p->fields));
        if (json_array_append_new(all, one) || failed) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

void td__print_params(const td_param *table, int indent, FILE *out)
{
    const td_param *p = table;
    for (; p && p->name; p++) {
        int n = fprintf(out, "%*s%s: ", indent, "", p->name);
        n += p->flags & TD_PARAM_IGNORED ? fprintf(out, "ignored") : print_type(p, out);
        if (!(p->flags & TD_PARAM_IGNORED))
            n += p->def ? fprintf(out, " = %s", p->def) : fprintf(out, ", required");
        if (p->doc)
            fprintf(out, "%*s%s", n < 50 ? 52 - n : 2, "", p->doc);
        fputc('\n', out);
        if (has_members(p) && !(p->flags & TD_PARAM_IGNORED))
            td__print_params(p->fields, indent + 4, out);
    }
    if (p && (p->flags & TD_PARAM_OPEN))
        fprintf(out, "%*s(further names are accepted and have no effect)\n", indent, "");
}
