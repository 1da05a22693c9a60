#include "host/config/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/config/load.h"
#include "host/config/object.h"
#include "host/plugin/registry.h"

/* What is being set. */
struct target {
    td__config *cfg;
    const char *owner;
    const td_param *p;
    size_t element; /* of a list, from 1; 0: the parameter itself */
};

/* "'lr' in SGD" or "element 2 of 'betas' in Adam", in the arena. */
static const char *title(const struct target *t)
{
    const char *s = t->element
                        ? td__arena_printf(t->cfg->arena, "element %zu of '%s' in %s", t->element, t->p->name, t->owner)
                        : td__arena_printf(t->cfg->arena, "'%s' in %s", t->p->name, t->owner);
    return s ? s : t->p->name;
}

static int wrong_type(const struct target *t, const td__node *n, const char *is)
{
    td__diag_error(&t->cfg->diag, n->at, "%s is %s, not %s", title(t), is, td__node_found(t->cfg, n));
    return -1;
}

/* ---- values of functions ---- */

/* What a function gives stands for its call; any other node stands for itself.  NULL with an error. */
static td__node *computed(const struct target *t, td__node *n)
{
    td_result r = {0};
    if (n->kind != TD__CALL)
        return n;
    td__object *function = td__object_of(t->cfg, n, TD_KIND_FUNCTION);
    if (!function)
        return NULL;
    if (!td__call_function) {
        td__diag_error(&t->cfg->diag, n->at, "%s is computed by %s, which cannot be called here", title(t),
                       function->type->key);
        return NULL;
    }
    td__node *value = td__node_new(t->cfg, TD__NULL, n->at);
    if (!value || td__call_function(t->cfg, function, &r))
        return NULL;
    value->kind = r.kind == TD_P_INT      ? TD__INT
                  : r.kind == TD_P_FLOAT  ? TD__FLOAT
                  : r.kind == TD_P_STRING ? TD__STRING
                                          : TD__NULL;
    value->i = r.i;
    value->f = r.kind == TD_P_INT ? (double)r.i : r.f;
    value->text = r.kind == TD_P_STRING ? td__node_text(t->cfg, r.s, strlen(r.s)) : td__node_str(t->cfg, value);
    if (value->kind != TD__NULL)
        return value;
    td__diag_error(&t->cfg->diag, n->at, "%s is one value, but %s gives data sets", title(t), function->type->key);
    return NULL;
}

/* ---- single values ---- */

int td__param_nullable(const td_param *p) { return p->flags & TD_NULLABLE || (p->def && !strcmp(p->def, "null")); }

int td__param_limits(const td_param *p)
{
    if (p->min < p->max)
        return 3;
    return p->min != 0 || p->max != 0 ? 1 : 0;
}

static int check_range(const struct target *t, const td__node *n)
{
    const td_param *p = t->p;
    int limits = td__param_limits(p);
    if ((!(limits & 1) || n->f >= p->min) && (!(limits & 2) || n->f <= p->max))
        return 0;
    if (limits & 2)
        td__diag_error(&t->cfg->diag, n->at, "%s is %s; it must be from %.12g to %.12g", title(t), n->text, p->min,
                       p->max);
    else
        td__diag_error(&t->cfg->diag, n->at, "%s is %s; it must be at least %.12g", title(t), n->text, p->min);
    return -1;
}

static int set_int(const struct target *t, td__node *n, void *out)
{
    if (n->kind != TD__INT)
        return wrong_type(t, n, "an integer");
    memcpy(out, &n->i, sizeof n->i);
    return check_range(t, n);
}

static int set_float(const struct target *t, td__node *n, void *out)
{
    if (n->kind != TD__INT && n->kind != TD__FLOAT)
        return wrong_type(t, n, "a number");
    memcpy(out, &n->f, sizeof n->f);
    return check_range(t, n);
}

static int set_bool(const struct target *t, td__node *n, void *out)
{
    if (n->kind != TD__BOOL)
        return wrong_type(t, n, "a boolean (true or false)");
    memcpy(out, &(int32_t){n->i != 0}, sizeof(int32_t));
    return 0;
}

/* `choices` as "a, b or c", in the arena. */
static const char *choices_text(const struct target *t)
{
    const char *all = "", *p = t->p->choices;
    while (*p) {
        size_t n = strcspn(p, "|");
        const char *between = !*all ? "" : p[n] ? ", " : " or ";
        all = td__arena_printf(t->cfg->arena, "%s%s%.*s", all, between, (int)n, p);
        if (!all)
            return "";
        p += n + (p[n] == '|');
    }
    return all;
}

static int check_choice(const struct target *t, const td__node *n, const char *s)
{
    const char *names[32];
    size_t count = 0;
    if (!t->p->choices || td__word_in(t->p->choices, s))
        return 0;
    for (const char *p = t->p->choices; *p && count < 32; count++) {
        size_t len = strcspn(p, "|");
        names[count] = td__node_text(t->cfg, p, len);
        if (!names[count])
            return -1;
        p += len + (p[len] == '|');
    }
    td__diag_error(&t->cfg->diag, n->at, "%s is '%s'; it may be %s%s", title(t), s, choices_text(t),
                   td__did_you_mean(t->cfg, s, names, count));
    return -1;
}

/* The text of a string or of a name: a NAME is what it names, an attribute is Class.ATTRIBUTE. NULL for anything else. */
static const char *text_of(td__config *cfg, const td__node *n)
{
    if (n->kind == TD__STRING || n->kind == TD__NAME)
        return n->text;
    const char *of = n->kind == TD__ATTR ? text_of(cfg, n->items[0]) : NULL, *dot = of ? strrchr(of, '.') : NULL;
    return of ? td__arena_printf(cfg->arena, "%s.%s", dot ? dot + 1 : of, n->text) : NULL;
}

static int set_string(const struct target *t, td__node *n, void *out)
{
    const char *s = text_of(t->cfg, n);
    if (!s && t->p->flags & TD_AS_WRITTEN && (n->kind == TD__INT || n->kind == TD__FLOAT))
        s = n->text;
    if (!s)
        return wrong_type(t, n, "a string");
    memcpy(out, &s, sizeof s);
    return check_choice(t, n, s);
}

static int set_file(const struct target *t, td__node *n, void *out)
{
    if (n->kind != TD__STRING)
        return wrong_type(t, n, "a path");
    char *path = td__expand_user(n->text);
    const char *s = path ? td__node_text(t->cfg, path, strlen(path)) : td__no_memory(t->cfg);
    free(path);
    memcpy(out, &s, sizeof s);
    return s ? 0 : -1;
}

/* Paths such as 3 or 1.0 look like numbers; their text is meant. */
static int set_tap(const struct target *t, td__node *n, void *out)
{
    td_tap *tap = out;
    if (n->kind != TD__STRING && n->kind != TD__INT && n->kind != TD__FLOAT)
        return wrong_type(t, n, "a module path");
    tap->path = n->text;
    return 0;
}

static int set_tap_io(const struct target *t, td__node *n, void *out)
{
    const char *s;
    if (set_string(t, n, &s))
        return -1;
    ((td_tap *)out)->io = !strcmp(s, "input") ? TD_INPUT : TD_OUTPUT;
    return 0;
}

static int set_object(const struct target *t, td__node *n, void *out)
{
    td__object *o = td__object_of(t->cfg, n, td__kind_by_name(t->p->choices));
    memcpy(out, &o, sizeof o);
    return o ? 0 : -1;
}

static int set_spec(const struct target *t, td__node *n, void *out)
{
    td__object *o = td__object_of(t->cfg, n, t->p->type == TD_P_MODEL ? TD_KIND_MODEL : TD_KIND_LAYER);
    td_layer_spec spec = {o ? o->type->key : NULL, o ? o->params : NULL};
    memcpy(out, &spec, sizeof spec);
    return o ? 0 : -1;
}

/* ---- lists and structs ---- */

typedef int set_fn(const struct target *t, td__node *n, void *out);

/* Sets each element of a list with `set`; a lone value is a list of one.  The struct's member is {const T *v;
 * int64_t n}. */
static int set_list(const struct target *t, td__node *n, void *out, set_fn *set, size_t size, const char *is)
{
    td_ints list = {NULL, n->kind == TD__SEQ ? (int64_t)n->n : 1};
    unsigned char *v = td__arena_alloc(t->cfg->arena, ((size_t)list.n + 1) * size);
    int failed = 0;
    if (n->kind == TD__MAP)
        return wrong_type(t, n, is);
    if (!v)
        return td__no_memory(t->cfg), -1;
    if (n->kind != TD__SEQ)
        failed = set(t, n, v);
    for (size_t i = 0; n->kind == TD__SEQ && i < n->n; i++) {
        struct target e = {t->cfg, t->owner, t->p, i + 1};
        td__node *item = computed(&e, n->items[i]);
        failed |= item ? set(&e, item, v + i * size) : -1;
    }
    list.v = (const int64_t *)(const void *)v;
    memcpy(out, &list, sizeof list);
    return failed;
}

static int set_ints(const struct target *t, td__node *n, void *out)
{
    return set_list(t, n, out, set_int, sizeof(int64_t), "a list of integers");
}

static int set_floats(const struct target *t, td__node *n, void *out)
{
    return set_list(t, n, out, set_float, sizeof(double), "a list of numbers");
}

static int set_strings(const struct target *t, td__node *n, void *out)
{
    return set_list(t, n, out, set_string, sizeof(char *), "a list of strings");
}

static int set_struct(const struct target *t, td__node *n, void *out)
{
    const char *owner = td__arena_printf(t->cfg->arena, "%s of %s", t->p->name, t->owner);
    if (!owner)
        return td__no_memory(t->cfg), -1;
    return td__bind(t->cfg, n, owner, t->p->fields, t->p->size, out);
}

/* One element of a LIST or MAP: a struct by its table, what the table's only field "" says, or a number without one. */
static int set_element(const struct target *t, td__node *n, void *out)
{
    const td_param *fields = t->p->fields;
    if (!fields)
        return set_float(t, n, out);
    if (!fields->name || *fields->name)
        return set_struct(t, n, out);
    td_param whole = *fields;
    size_t errors = t->cfg->diag.errors;
    whole.name = t->p->name;
    td__bind_value(t->cfg, t->owner, &whole, n, out);
    return t->cfg->diag.errors > errors ? -1 : 0;
}

static int set_elements(const struct target *t, td__node *n, void *out)
{
    td_list list = {NULL, NULL, (int64_t)n->n};
    unsigned char *v = td__arena_alloc(t->cfg->arena, (n->n + 1) * t->p->size);
    const char **keys = td__arena_alloc(t->cfg->arena, (n->n + 1) * sizeof *keys);
    int failed = 0;
    if (!v || !keys)
        return td__no_memory(t->cfg), -1;
    for (size_t i = 0; i < n->n; i++) {
        keys[i] = n->kind == TD__MAP ? n->keys[i]->text : NULL;
        const char *name = keys[i] ? td__arena_printf(t->cfg->arena, "%s.%s", t->p->name, keys[i])
                                   : td__arena_printf(t->cfg->arena, "%s[%zu]", t->p->name, i);
        td_param element = *t->p;
        element.name = name ? name : t->p->name;
        struct target e = {t->cfg, t->owner, &element, 0};
        failed |= set_element(&e, n->items[i], v + i * t->p->size);
    }
    list.v = v;
    list.keys = n->kind == TD__MAP ? keys : NULL;
    memcpy(out, &list, sizeof list);
    return failed;
}

static int set_structs(const struct target *t, td__node *n, void *out)
{
    return n->kind == TD__SEQ ? set_elements(t, n, out) : wrong_type(t, n, "a list");
}

static int set_map(const struct target *t, td__node *n, void *out)
{
    return n->kind == TD__MAP ? set_elements(t, n, out) : wrong_type(t, n, "a mapping");
}

static set_fn *const setters[] = {
    [TD_P_INT] = set_int, [TD_P_FLOAT] = set_float, [TD_P_BOOL] = set_bool, [TD_P_STRING] = set_string,
    [TD_P_INTS] = set_ints, [TD_P_FLOATS] = set_floats, [TD_P_STRINGS] = set_strings, [TD_P_STRUCT] = set_struct,
    [TD_P_LIST] = set_structs, [TD_P_MAP] = set_map, [TD_P_TAP] = set_tap, [TD_P_TAP_IO] = set_tap_io,
    [TD_P_OBJECT] = set_object, [TD_P_FILE] = set_file, [TD_P_LAYER] = set_spec,
    [TD_P_MODEL] = set_spec};

/* ---- null ---- */

/* The struct is zero already: only what zero does not say is set. */
static void set_null(const struct target *t, const td__node *n, void *out)
{
    if (!td__param_nullable(t->p))
        td__diag_error(&t->cfg->diag, n->at, "%s may not be null", title(t));
    else if (t->p->type == TD_P_INT)
        memcpy(out, &(int64_t){TD_NONE_INT}, sizeof(int64_t));
    else if (t->p->type == TD_P_FLOAT)
        memcpy(out, &(double){NAN}, sizeof(double));
}

void td__bind_value(td__config *cfg, const char *owner, const td_param *p, td__node *n, void *params)
{
    struct target t = {cfg, owner, p, 0};
    void *out = (unsigned char *)params + p->offset;
    n->used = 1;
    if (p->type == TD_P_TAP) { /* TD_P_TAP_IO, after it, may say otherwise */
        ((td_tap *)out)->io = p->flags & TD_TAP_INPUT ? TD_INPUT : TD_OUTPUT;
        ((td_tap *)out)->side = p->flags & TD_SIDE_TEACHER ? TD_TEACHER : TD_STUDENT;
    }
    if ((p->type <= TD_P_STRINGS || p->type == TD_P_FILE) && !(n = computed(&t, n)))
        return;
    if (n->kind == TD__NULL)
        set_null(&t, n, out);
    else
        setters[p->type](&t, n, out);
}
