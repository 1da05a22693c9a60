/* tdhost check: the plan, with shapes from a trial on two samples. */
#include "host/train/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "host/train/test.h"

/* ---- what a forward shows of one module ---- */

/* A convolution or linear layer does 2 operations for each weight that meets an element: each output element meets
 * weight/outputs, transposed each input element. */
static int64_t flops_of(td_module *m, const td_tensor *in, const td_tensor *out)
{
    const char *name = m->type.name;
    const td_tensor *w = td__module_member(m, "weight");
    int transposed = !strncmp(name, "ConvTranspose", 13);
    if (!w || td_ndim(w) < 2 || (strncmp(name, "Conv", 4) != 0 && strcmp(name, "Linear") != 0))
        return 0;
    return 2 * td_numel(transposed ? in : out) * (td_numel(w) / td_dim(w, 0));
}

static void record(td_ctx *c, td_module *m, td_value in, td_value out, void *user)
{
    td__record *r = user;
    (void)c;
    r->seen = 1;
    if (out.kind != TD_VALUE_TENSOR)
        return;
    r->out = *td_desc_of(out.tensor);
    if (in.kind == TD_VALUE_TENSOR)
        r->flops += flops_of(m, in.tensor, out.tensor);
}

static int list_module(td_module *m, const char *path, void *user)
{
    td__trace *t = user;
    if (td__grow(&t->v, &t->capacity, t->n + 1, sizeof *t->v))
        return -1;
    t->v[t->n++] = (td__record){.module = m, .path = td__strdup(path)};
    return t->v[t->n - 1].path ? 0 : -1;
}

static int trace_begin(td__trace *t, td_module *root)
{
    memset(t, 0, sizeof *t);
    if (td__walk(root, list_module, t))
        return -1;
    for (size_t i = 0; i < t->n; i++)
        if (td__hook_add(t->v[i].module, record, &t->v[i]))
            return -1;
    return 0;
}

static void trace_free(td__trace *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->v[i].path);
    free(t->v);
}

int64_t td__trace_flops(const td__trace *t)
{
    int64_t sum = 0;
    for (size_t i = 0; i < t->n; i++)
        sum += t->v[i].flops;
    return t->images ? sum / t->images : 0;
}

/* ---- what follows from it ---- */

int64_t td__own_parameters(const td_module *m)
{
    int64_t count = 0;
    for (size_t i = 0; i < m->n_members; i++)
        if (!m->members[i].is_buffer)
            count += td_numel(m->members[i].tensor);
    return count;
}

static int add_elements(const char *name, td__member *m, td_module *owner, void *user)
{
    (void)name, (void)owner;
    *(int64_t *)user += td_numel(m->tensor);
    return 0;
}

void td__trial_memory(const td__train_stage *s, const td__trial *t, int64_t *fixed, int64_t *step)
{
    int64_t all = 0, trained = 0;
    td_module *m[2] = {s->student.root, s->teacher.root};
    for (int i = 0; i < 2; i++)
        if (m[i])
            all += td__count_parameters(m[i], 0);
    for (size_t i = 0; i < s->plan->criterion.n_terms; i++)
        if (s->criterion.states[i])
            td__walk_members(s->criterion.states[i], add_elements, &all);
    for (size_t i = 0; i < s->optimizer.n; i++)
        trained += td_numel(s->optimizer.v[i].tensor);
    *fixed = (all + trained * (1 + (int64_t)s->optimizer.plan->type->n_state)) * (int64_t)sizeof(float);
    *step = (int64_t)t->activations * s->plan->train.batch_size;
}

td_value td__tap_value(const td__train_stage *s, const td_tap *tap)
{
    for (size_t i = 0; i < s->io->n; i++) {
        const td_tap *t = &s->io->slots[i]->tap;
        if (t->side == tap->side && t->io == tap->io && !strcmp(t->path, tap->path))
            return s->io->slots[i]->value;
    }
    return td_none();
}

int64_t td__next_rate(const td__stage_plan *p, int64_t epoch, double *lr)
{
    const td__scheduler_plan *s = &p->scheduler;
    double base = p->optimizer.groups[0].lr;
    for (; epoch < p->epochs; epoch++) {
        *lr = s->type->lr(s->params, base, epoch);
        if (!epoch || *lr != s->type->lr(s->params, base, epoch - 1))
            break;
    }
    return epoch;
}

/* ---- the command ---- */

static void show_stage(td__experiment *x, const td__train_stage *s, const td__trial *t, json_t *stages)
{
    if (!stages)
        td__print_stage(x, s, t);
    else if (json_array_append_new(stages, td__stage_json(x, s, t)))
        td__fail(x->c, "out of memory");
}

/* Shapes where the data is there; the plan in any case.  It goes to `stages`; NULL: printed as text. */
static int check_stage(td__experiment *x, size_t number, json_t *stages)
{
    td__trial t = {0};
    td__train_stage s;
    int failed = td__stage_design(x, number, 1, &s);
    if (!failed)
        failed = td__optimizer_open(x->c, &x->cfg, s.plan, &s.student, &s.teacher, s.criterion.states, NULL,
                                    &s.optimizer);
    if (!failed)
        failed = trace_begin(&t.student, s.student.root) || (s.teacher.root && trace_begin(&t.teacher, s.teacher.root));
    t.student.images = t.teacher.images = td__trial_size(s.plan);
    int code = !failed && x->n_datasets ? td__stage_try(x, &s, &t.activations) : TD__EXIT_OK;
    if (code != TD__EXIT_DATA)
        td__diag_take(x->c, &x->cfg, s.plan->at);
    if (!failed)
        show_stage(x, &s, &t, stages);
    if (x->cfg.diag.errors) /* a loader that cannot be made fails there again */
        td__ctx_clear(x->c);
    td__io_clear(s.io);
    td__stage_close(&s);
    trace_free(&t.student);
    trace_free(&t.teacher);
    return failed || x->cfg.diag.errors ? TD__EXIT_CONFIG : code;
}

/* All of the plan; with `plan` into it, else as text.  An exit code. */
static int check_plan(td__experiment *x, json_t *plan)
{
    json_t *stages = plan ? json_array() : NULL;
    int code = TD__EXIT_OK;
    if (!plan) {
        td__print_model(&x->plan.teacher, x->teacher);
        td__print_model(&x->plan.student, x->student);
    }
    for (size_t i = 0; !code && i < x->plan.n_stages; i++)
        code = check_stage(x, i, stages);
    if (!code && !plan) {
        printf("test\n");
        td__print_loader(x, "test", &x->plan.test);
    }
    if (plan &&
        json_object_update_new(plan, json_pack("{s:o, s:o, s:o, s:o}", "teacher_model",
                                               td__model_json(&x->plan.teacher, x->teacher), x->plan.student.name,
                                               td__model_json(&x->plan.student, x->student), "stages", stages, "test",
                                               td__loader_json(x, &x->plan.test))))
        td__fail(x->c, "out of memory");
    return code;
}

int td__check_command(const td__run_options *o)
{
    td__run_options with = *o;
    td__experiment x;
    if (o->json)
        with.said = json_pack("{s:o, s:[], s:[]}", "config", td__text_json(o->config), "errors", "warnings");
    int code = td__experiment_open(&x, &with), data = TD__EXIT_OK;
    if (!code) {
        data = td__experiment_open_data(&x);
        code = check_plan(&x, with.said);
    }
    code = td__experiment_fail(&x, code ? code : data);
    td__experiment_close(&x);
    if (with.said && td__print_json(with.said))
        code = TD__EXIT_FAILED;
    json_decref(with.said);
    return code;
}
