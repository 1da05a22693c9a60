#include "host/train/update.h"

#include <stdlib.h>
#include <string.h>

#include "host/autograd/tape.h"

/* ---- collecting ---- */

struct collect {
    td_ctx *c;
    td__optimizer *o;
    const char *prefix;
    const td__group_plan *group;
};

static int known(const td__optimizer *o, const td_tensor *t)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->v[i].tensor == t)
            return 1;
    return 0;
}

/* Zeros that outlive the frame. */
static td_tensor **new_state(td_ctx *c, const td__optimizer_plan *plan, const td_tensor *like)
{
    td_tensor **state = calloc(plan->type->n_state + 1, sizeof *state);
    td__frame_push(c);
    for (uint32_t i = 0; state && i < plan->type->n_state; i++)
        state[i] = td__retain(td__tensor_from(c, &like->d, NULL));
    td__frame_pop(c, td_none());
    return state;
}

static void drop(const td__optimizer_plan *plan, td__trained *t)
{
    for (uint32_t i = 0; t->state && i < plan->type->n_state; i++)
        td__release(t->state[i]);
    free(t->state);
    free(t->name);
    td__release(t->tensor);
    td__release(t->apart);
}

static int collect(const char *name, td__member *m, td_module *owner, void *user)
{
    struct collect *s = user;
    td__optimizer *o = s->o;
    (void)owner;
    if (m->is_buffer || !m->tensor->requires_grad || known(o, m->tensor))
        return 0;
    td__trained t = {td__printf("%s.%s", s->prefix, name), td__retain(m->tensor), new_state(s->c, o->plan, m->tensor),
                     NULL, s->group};
    if (!t.name || !t.state || s->c->error || td__grow(&o->v, &o->capacity, o->n + 1, sizeof *o->v)) {
        drop(o->plan, &t);
        td__fail(s->c, "out of memory");
        return -1;
    }
    o->v[o->n++] = t;
    return 0;
}

static void collect_group(td_ctx *c, td__config *cfg, td__optimizer *o, const td__group_plan *g, const td__network *n)
{
    struct collect s = {c, o, n->plan ? n->plan->name : "", g};
    td_module *m = n->root ? td__network_find(n, g->module.text) : NULL;
    size_t before = o->n;
    if (!n->root)
        td__diag_error(&cfg->diag, g->module.at, "there is no teacher that '%s' could belong to", g->module.text);
    else if (!m)
        td__no_such_module(c, cfg, n->plan->name, n->root, g->module.text, g->module.at);
    else
        td__walk_members(m, collect, &s);
    if (m && o->n == before)
        td__diag_warn(&cfg->diag, g->module.at, "'%s' of the %s has nothing left to train here", g->module.text,
                      n->plan->name);
}

static void collect_all(td_ctx *c, const td__stage_plan *plan, td__optimizer *o, const td__network *student,
                        const td__network *teacher, td_module *const *states)
{
    struct collect s = {c, o, NULL, plan->optimizer.groups};
    const td__network *both[2] = {student, teacher};
    for (int i = 0; i < 2; i++)
        if (both[i]->root) {
            s.prefix = both[i]->plan->name;
            td__walk_members(both[i]->root, collect, &s);
        }
    for (size_t i = 0; i < plan->criterion.n_terms; i++)
        if (states[i]) {
            s.prefix = plan->criterion.terms[i].name;
            td__walk_members(states[i], collect, &s);
        }
}

static void clear_grads(td__optimizer *o)
{
    for (size_t i = 0; i < o->n; i++) {
        td__release(o->v[i].tensor->grad);
        td__release(o->v[i].apart);
        o->v[i].tensor->grad = o->v[i].apart = NULL;
    }
}

static void take_over(td__optimizer *o, td__optimizer *before)
{
    o->updates = before->updates;
    for (size_t i = 0; i < o->n; i++)
        for (size_t k = 0; k < before->n; k++)
            if (before->v[k].tensor == o->v[i].tensor) {
                td_tensor **mine = o->v[i].state;
                o->v[i].state = before->v[k].state;
                before->v[k].state = mine;
            }
}

int td__optimizer_open(td_ctx *c, td__config *cfg, const td__stage_plan *plan, const td__network *student,
                       const td__network *teacher, td_module *const *states, td__optimizer *before, td__optimizer *out)
{
    size_t errors = cfg->diag.errors;
    memset(out, 0, sizeof *out);
    out->plan = &plan->optimizer;
    out->scheduler = &plan->scheduler;
    const td__group_plan *groups = plan->optimizer.groups;
    int module_wise = groups[0].module.text != NULL;
    for (size_t i = 0; module_wise && i < plan->optimizer.n_groups; i++)
        collect_group(c, cfg, out, &groups[i], groups[i].side == TD_TEACHER ? teacher : student);
    if (!module_wise)
        collect_all(c, plan, out, student, teacher, states);
    if (!c->error && cfg->diag.errors == errors && !out->n)
        td__diag_error(&cfg->diag, plan->at, "nothing is trained in %s: all parameters are frozen", plan->name);
    if (before && plan->optimizer.kept)
        take_over(out, before);
    if (before && plan->scheduler.kept)
        out->schedule = before->schedule;
    clear_grads(out);
    return c->error || cfg->diag.errors != errors ? -1 : 0;
}

/* A list of modules that is not complete is upstream's way, and easily a surprise. */
void td__optimizer_warn(td__config *cfg, const td__optimizer *o, const td__network *student, const td__network *teacher)
{
    const td__path *first = &o->plan->groups[0].module;
    int64_t left =
        td__count_parameters(student->root, 1) + (teacher->root ? td__count_parameters(teacher->root, 1) : 0);
    for (size_t i = 0; i < o->n; i++)
        left -= td_numel(o->v[i].tensor);
    if (first->text && left > 0)
        td__diag_warn(&cfg->diag, first->at,
                      "%lld parameters belong to none of the modules in module_wise_configs: they are not trained",
                      (long long)left);
}

void td__optimizer_close(td__optimizer *o)
{
    if (o->n)
        clear_grads(o);
    for (size_t i = 0; i < o->n; i++)
        drop(o->plan, &o->v[i]);
    for (size_t i = 0; o->on_backend && i < o->plan->n_groups; i++)
        td__release(o->on_backend[i]);
    free(o->on_backend);
    td__together_free(&o->together);
    free(o->v);
    memset(o, 0, sizeof *o);
}

/* ---- updating ---- */

static double scheduled(const td__optimizer *o, double base)
{
    const td__scheduler_plan *s = o->scheduler;
    return s->type ? s->type->lr(s->params, base, o->schedule) : base;
}

double td__optimizer_lr(const td__optimizer *o)
{
    return scheduled(o, o->plan->groups[0].lr);
}

/* Scales all gradients by min(1, max / (norm + 1e-6)), norm of them all as one vector (torch.nn.utils.clip_grad_norm_):
 * on the backend, so that the host need not wait for the norm. */
static void clip(td_ctx *c, const td__optimizer *o, double max)
{
    const td_desc scalar = {TD_FLOAT64, 0, {0}};
    const td_scalar_attrs a = {max, 0};
    td__frame_push(c);
    td_tensor *in[2] = {NULL, td__tensor_from(c, &scalar, NULL)};
    for (size_t i = 0; i < o->n; i++)
        if ((in[0] = o->v[i].tensor->grad))
            td__apply(c, "add_square_sum", in, 2, NULL, 0, NULL, 0);
    for (size_t i = 0; i < o->n; i++)
        if ((in[0] = o->v[i].tensor->grad))
            td__apply(c, "clip_by_norm", in, 2, &a, sizeof a, NULL, 0);
    td__frame_pop(c, td_none());
}

void td__optimizer_set_apart(td__optimizer *o)
{
    for (size_t i = 0; i < o->n; i++) {
        td__release(o->v[i].apart);
        o->v[i].apart = o->v[i].tensor->grad;
        o->v[i].tensor->grad = NULL;
    }
}

static td_tensor *or_zeros(td_ctx *c, td_tensor *grad, const td__trained *t)
{
    return grad ? grad : td__tensor_from(c, &t->tensor->d, NULL);
}

static void update_one(td_ctx *c, const td__optimizer *o, const td__trained *t)
{
    const td_optimizer_type *type = o->plan->type;
    double lr = scheduled(o, t->group->lr);
    if (type->update)
        type->update(c, t->group->params, lr, o->updates, t->tensor, t->tensor->grad, t->state);
    else
        type->update_parts(c, t->group->params, lr, o->updates, t->tensor, or_zeros(c, t->tensor->grad, t),
                           or_zeros(c, t->apart, t), t->state);
}

static void update(td_ctx *c, td__optimizer *o)
{
    o->updates++;
    td__together_begin(c, &o->together);
    if (o->plan->max_grad_norm > 0)
        clip(c, o, o->plan->max_grad_norm);
    for (size_t i = 0; i < o->n; i++) {
        td__trained *t = &o->v[i];
        if (!t->tensor->grad && !t->apart)
            continue; /* took no part in the loss */
        td__frame_push(c);
        c->schedule = o->on_backend ? o->on_backend[t->group - o->plan->groups] : NULL;
        update_one(c, o, t);
        td__frame_pop(c, td_none());
    }
    td__together_end(c);
    c->schedule = NULL;
    clear_grads(o);
}

void td__optimizer_publish(td_ctx *c, td__optimizer *o)
{
    const td_desc d = {TD_FLOAT64, 1, {2}};
    if (!o->on_backend && !(o->on_backend = calloc(o->plan->n_groups + 1, sizeof *o->on_backend))) {
        td__fail(c, "out of memory");
        return;
    }
    for (size_t i = 0; i < o->plan->n_groups; i++) {
        const double now[2] = {scheduled(o, o->plan->groups[i].lr), (double)(o->updates + 1)};
        if (!o->on_backend[i])
            o->on_backend[i] = td__tensor_own(c, &d);
        td__tensor_write(c, o->on_backend[i], TD_FLOAT64, now);
    }
}

static void count_pass(td__optimizer *o)
{
    if (o->scheduler->every && o->backwards % o->scheduler->every == 0)
        o->schedule++;
}

void td__optimizer_step(td_ctx *c, td__optimizer *o)
{
    int grad = c->grad;
    if (++o->backwards % o->plan->accumulate)
        return;
    c->grad = 0;
    c->where = "optimizer";
    update(c, o);
    c->where = NULL;
    c->grad = grad;
    count_pass(o);
}

void td__optimizer_stepped(td__optimizer *o)
{
    o->backwards++;
    o->updates++;
    count_pass(o);
}

void td__optimizer_end_epoch(td__optimizer *o)
{
    if (o->scheduler->type && !o->scheduler->every)
        o->schedule++;
}
