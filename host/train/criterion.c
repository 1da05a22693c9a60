#include "host/train/criterion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"

int td__criterion_open(td_ctx *c, const td__criterion_plan *plan, uint64_t seed, td__criterion *out)
{
    memset(out, 0, sizeof *out);
    out->plan = plan;
    out->states = calloc(plan->n_terms + 1, sizeof *out->states);
    if (!out->states) {
        td__fail(c, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < plan->n_terms && !c->error; i++) {
        const td__object *o = plan->terms[i].loss;
        const td_loss_type *loss = (const td_loss_type *)o->type;
        c->where = plan->terms[i].name;
        c->seed = td__hash(plan->terms[i].name, strlen(plan->terms[i].name), seed);
        c->draws = 0;
        if (loss->build && !(out->states[i] = td__module_retain(loss->build(c, o->params))))
            td__fail(c, "%s built nothing", loss->type.key);
        if (c->error)
            out->failed = &plan->terms[i];
    }
    c->where = NULL;
    return c->error ? -1 : 0;
}

void td__criterion_close(td__criterion *k)
{
    for (size_t i = 0; k->states && i < k->plan->n_terms; i++)
        td__module_release(k->states[i]);
    free(k->states);
    free(k->terms);
    free(k->distils);
    memset(k, 0, sizeof *k);
}

static void add_term(td_ctx *c, td__criterion *k, const char *name, double weight, td_tensor *value, int distils)
{
    if (td__grow(&k->terms, &k->capacity, k->n + 1, sizeof *k->terms) ||
        td__grow(&k->distils, &k->distils_capacity, k->n + 1, 1)) {
        td__fail(c, "out of memory");
        return;
    }
    if (!c->error && td_numel(value) != 1)
        td__fail(c, "term '%s' is not a single number but %lld: its reduction must not be none", name,
                 (long long)td_numel(value));
    k->distils[k->n] = (char)distils;
    k->terms[k->n++] = (td_term){name, weight, value};
}

td_tensor *td__loss_forward(td_ctx *c, const td__object *loss, const td__object *wrapper, td_io *io)
{
    const td_loss_type *type = (const td_loss_type *)loss->type;
    td__frame_push(c);
    td_tensor *v = wrapper ? ((const td_loss_wrapper_type *)wrapper->type)
                                 ->forward(c, wrapper->params, type, loss->params, io)
                           : type->forward(c, loss->params, io);
    td__io_uncover(io);
    return td__frame_pop(c, td_value_of(v)).tensor;
}

static td_tensor *term_value(td_ctx *c, const td__term_plan *t, td_module *state, td_io *io)
{
    const td_loss_type *loss = (const td_loss_type *)t->loss->type;
    c->where = t->name;
    io->head.state = state;
    if (loss->needs & TD_NEEDS_TARGET && !io->head.target)
        td__fail(c, "%s needs targets, the data has none", loss->type.key);
    int failed_before = c->error != NULL;
    td__io_watch(io);
    td_tensor *v = td__loss_forward(c, t->loss, t->wrapper, io);
    io->head.state = NULL;
    c->where = NULL;
    if (c->error && !failed_before)
        td__io_explain(io);
    return v;
}

/* What a model that computes its own losses returned: a dict, weighted as a whole or by name. */
static void add_model_terms(td_ctx *c, td__criterion *k, td_io *io)
{
    static const td_tap output = {".", TD_OUTPUT, TD_STUDENT};
    const td__node *weight = k->plan->model_term;
    td_value v = td__io_value(io, &output);
    if (v.kind != TD_VALUE_DICT)
        td__fail(c, "criterion: model_term has a weight, but the model returns no dict of losses");
    for (uint32_t i = 0; v.kind == TD_VALUE_DICT && i < v.n; i++) {
        const td__node *w = weight->kind == TD__MAP ? td__node_get((td__node *)(uintptr_t)weight, v.keys[i]) : weight;
        if (w && w->kind != TD__NULL && w->f != 0)
            add_term(c, k, v.keys[i], w->f, td_tensor_of(c, v.items[i]), 0);
    }
}

td_tensor *td__criterion_loss(td_ctx *c, td__criterion *k, td_io *io)
{
    const td_criterion_type *type = (const td_criterion_type *)k->plan->object->type;
    td_tensor *loss = td__empty();
    int bf16 = c->bf16;
    c->bf16 = 0; /* losses, their products too, are float32 */
    k->n = 0;
    for (size_t i = 0; i < k->plan->n_terms; i++) {
        const td__term_plan *t = &k->plan->terms[i];
        int fine = !c->error;
        td_tensor *value = term_value(c, t, k->states[i], io);
        add_term(c, k, t->name, t->weight, value, td__io_read(io, TD_TEACHER));
        if (fine && c->error)
            k->failed = t;
    }
    if (k->plan->model_term)
        add_model_terms(c, k, io);
    if (!c->error && k->n)
        loss = type->combine(c, k->plan->object->params, k->terms, (int64_t)k->n);
    c->bf16 = bf16;
    return loss;
}

td_tensor *td__criterion_part(td_ctx *c, const td__criterion *k, int distilled)
{
    td_term *part = td__frame_alloc(c, (k->n + 1) * sizeof *part);
    int64_t n = 0;
    for (size_t i = 0; part && i < k->n; i++)
        if (k->distils[i] == distilled)
            part[n++] = k->terms[i];
    if (!n)
        td__fail(c, "the gradient is wanted in two parts, but no term %s the teacher",
                 distilled ? "reads" : "does without");
    if (c->error)
        return td__empty();
    return ((const td_criterion_type *)k->plan->object->type)->combine(c, k->plan->object->params, part, n);
}

double td__term_number(td_ctx *c, const td_term *t)
{
    double v = 0;
    td__tensor_read(c, t->value, TD_FLOAT64, &v, 1);
    return isnan(v) ? fabs(v) : v; /* the sign of NaN says nothing */
}

char *td__criterion_text(td_ctx *c, const td__criterion *k, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = 0;
    for (size_t i = 0; i < k->n && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s = %.6g (weight %g)", i ? ", " : "", k->terms[i].name,
                                 td__term_number(c, &k->terms[i]), k->terms[i].weight);
    return buf;
}
