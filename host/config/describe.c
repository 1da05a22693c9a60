/* Parameter tables for people. */
#include "host/config/value.h"

static const char *const names[] = {
    [TD_P_INT] = "integer", [TD_P_FLOAT] = "number", [TD_P_BOOL] = "boolean", [TD_P_STRING] = "string",
    [TD_P_INTS] = "list of integers", [TD_P_FLOATS] = "list of numbers", [TD_P_STRINGS] = "list of strings",
    [TD_P_STRUCT] = "mapping", [TD_P_LIST] = "list of mappings", [TD_P_MAP] = "mapping of names to mappings",
    [TD_P_TAP] = "module path", [TD_P_TAP_IO] = "input|output", [TD_P_OBJECT] = "object", [TD_P_FILE] = "path",
    [TD_P_LAYER] = "layer {key, kwargs}"};

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
