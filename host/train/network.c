#include "host/train/network.h"

#include <string.h>

int td__diag_take(td_ctx *c, td__config *cfg, td__place at)
{
    if (!c->error)
        return 0;
    td__diag_error(&cfg->diag, at, "%s", c->error);
    td__ctx_clear(c);
    return -1;
}

/* ---- design ---- */

/* Whether path is "instance(Class)", a class written with or without its package. */
static int is_instance(const char *path, const char *class_name)
{
    const size_t head = strlen("instance("), n = strlen(path);
    if (n <= head || strncmp(path, "instance(", head) != 0 || path[n - 1] != ')')
        return 0;
    const char *start = path + head;
    for (const char *p = start; p < path + n - 1; p++)
        if (*p == '.')
            start = p + 1;
    size_t length = (size_t)(path + n - 1 - start);
    return strlen(class_name) == length && !strncmp(start, class_name, length);
}

/* A frozen_modules entry and how many modules it meant. */
struct freeze {
    const char *path;
    size_t n;
};

static int freeze_instance(td_module *m, const char *path, void *user)
{
    struct freeze *f = user;
    (void)path;
    if (is_instance(f->path, m->type.name)) {
        td__set_requires_grad(m, 0);
        f->n++;
    }
    return 0;
}

void td__no_such_module(td_ctx *c, td__config *cfg, const char *network, td_module *root, const char *path,
                        td__place at)
{
    c->where = network;
    td__find_or_fail(c, root, path);
    c->where = NULL;
    td__diag_take(c, cfg, at);
}

static void freeze(td_ctx *c, td__config *cfg, const td__network *n, const td__paths *paths)
{
    for (size_t i = 0; i < paths->n; i++) {
        struct freeze f = {paths->v[i].text, 0};
        td_module *m = td__network_find(n, f.path);
        if (m)
            td__set_requires_grad(m, 0);
        else if (!strncmp(f.path, "instance(", strlen("instance(")))
            td__walk(n->root, freeze_instance, &f);
        if (!m && !f.n)
            td__no_such_module(c, cfg, n->plan->name, n->root, f.path, paths->v[i].at);
    }
}

/* The modules of `paths`, in a new Sequential; loose.  NULL: c or cfg->diag says why. */
static td_module *prune(td_ctx *c, td__config *cfg, const td__network_plan *plan, td_module *model,
                        const td__paths *paths)
{
    const char **text = td__arena_alloc(cfg->arena, (paths->n + 1) * sizeof *text);
    td__child *adaptations = td__arena_alloc(cfg->arena, (plan->n_adaptations + 1) * sizeof *adaptations);
    size_t missing = 0;
    if (!text || !adaptations) {
        td__fail(c, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < paths->n; i++) {
        text[i] = paths->v[i].text;
        if (*text[i] != '+' && !td__find(model, text[i])) {
            td__no_such_module(c, cfg, plan->name, model, text[i], paths->v[i].at);
            missing++;
        }
    }
    for (size_t i = 0; i < plan->n_adaptations; i++) {
        const td__adaptation *a = &plan->adaptations[i];
        adaptations[i].name = (char *)(uintptr_t)a->name;
        adaptations[i].module =
            td__module_retain(((const td_layer_type *)a->object->type)->build(c, a->object->params));
    }
    td_module *pruned = missing ? NULL : td__redesign(c, model, text, paths->n, adaptations, plan->n_adaptations);
    for (size_t i = 0; i < plan->n_adaptations; i++)
        td__module_release(adaptations[i].module);
    return pruned;
}

static const td_wrapper_type *wrapper_of(const td__network_plan *plan)
{
    return plan->wrapper ? (const td_wrapper_type *)plan->wrapper->type : NULL;
}

int td__predicts(const td__network_plan *plan)
{
    const td_wrapper_type *w = wrapper_of(plan);
    return w && plan->side == TD_STUDENT && (w->flags & TD_WRAPPER_PREDICTS);
}

td_module *td__network_wrap(td_ctx *c, td__config *cfg, const td__network_plan *plan, td_module *model)
{
    const td_wrapper_type *w = wrapper_of(plan);
    const char *name = plan->side == TD_TEACHER ? "teacher_model" : "student_model";
    if (plan->wrapper_sequential.n)
        model = prune(c, cfg, plan, model, &plan->wrapper_sequential);
    td__module_retain(model);
    td_module *wrapped = model ? w->build(c, plan->wrapper->params, name, model) : NULL;
    td__module_release(model);
    return wrapped;
}

int td__network_build(td_ctx *c, td__config *cfg, const td__network_plan *plan, td_module *model, td_module *wrapped,
                      uint64_t seed, td__network *out)
{
    size_t errors = cfg->diag.errors;
    memset(out, 0, sizeof *out);
    if (!plan->name)
        return 0;
    out->plan = plan;
    out->original = td__module_retain(model);
    c->seed = seed;
    c->draws = 0;
    td_module *root = wrapped              ? wrapped
                      : plan->wrapper      ? td__network_wrap(c, cfg, plan, model)
                      : plan->sequential.n ? prune(c, cfg, plan, model, &plan->sequential)
                                           : model;
    out->root = td__module_retain(root);
    td__diag_take(c, cfg, plan->wrapper ? plan->wrapper->node->at : plan->at);
    if (!out->root || cfg->diag.errors != errors)
        return -1;
    if (td__label(out->root, plan->name)) {
        td__fail(c, "out of memory for the names of %s", plan->name);
        return -1;
    }
    td__set_requires_grad(out->root, plan->requires_grad);
    freeze(c, cfg, out, &plan->frozen);
    freeze(c, cfg, out, &plan->wrapper_frozen);
    return 0;
}

void td__network_connect(td_ctx *c, td__config *cfg, const td__network *n, const td__network *other)
{
    const td_wrapper_type *w = n->root ? wrapper_of(n->plan) : NULL;
    if (!w || !w->connect || !other->root)
        return;
    c->where = w->type.key;
    td__frame_push(c);
    w->connect(c, n->plan->wrapper->params, n->root, other->root);
    td__frame_pop(c, td_none());
    c->where = NULL;
    td__diag_take(c, cfg, n->plan->wrapper->node->at);
}

void td__network_close(td__network *n)
{
    if (n->root) {
        td__hooks_clear(n->root);
        td__set_requires_grad(n->root, 1);
    }
    if (n->original) {
        td__hooks_clear(n->original);
        td__set_requires_grad(n->original, 1);
    }
    td__module_release(n->root);
    td__module_release(n->original);
    memset(n, 0, sizeof *n);
}

td_module *td__network_find(const td__network *n, const char *path)
{
    td_module *m = td__find(n->root, path);
    if (!m && *path == '+')
        return td__find(n->root, path + 1);
    return m ? m : td__find(n->original, path); /* a pruned network shares the modules of its model */
}

/* ---- a step ---- */

static int is_trained(const char *name, td__member *member, td_module *owner, void *user)
{
    (void)name, (void)owner, (void)user;
    return !member->is_buffer && member->tensor->requires_grad;
}

int td__trains(td_module *root)
{
    return td__walk_members(root, is_trained, NULL);
}

/* What is trained below a teacher trains, all else of it only judges: running statistics stay and nothing drops out. */
static int set_teacher_mode(td_module *m, const char *path, void *user)
{
    (void)path, (void)user;
    m->training = td__trains(m);
    return 0;
}

void td__network_set_modes(const td__network *n)
{
    if (!n->root)
        return;
    if (n->plan->mode)
        td__set_training(n->root, !strcmp(n->plan->mode, "train"));
    else if (n->plan->side == TD_STUDENT)
        td__set_training(n->root, 1);
    else
        td__walk(n->root, set_teacher_mode, NULL);
}

void td__network_forward(td_ctx *c, const td__network *n, const td__batch *batch, td_io *io)
{
    if (!n->root)
        return;
    const td_tap output = {".", TD_OUTPUT, n->plan->side};
    const td_forward_proc_type *proc = (const td_forward_proc_type *)n->plan->forward_proc->type;
    int grad = c->grad;
    c->where = n->plan->name;
    c->grad = n->plan->requires_grad;
    td__frame_push(c);
    td_value out = proc->forward(c, n->root, batch->input, batch->target, io);
    td__io_put(io, &output, td__frame_pop(c, out));
    c->grad = grad;
    c->where = NULL;
}

void td__network_secondary(td_ctx *c, const td__network *n, td_io *io)
{
    const td_wrapper_type *w = n->root ? wrapper_of(n->plan) : NULL;
    if (!w || !w->secondary_forward)
        return;
    int grad = c->grad;
    c->where = w->type.key;
    c->grad = n->plan->requires_grad;
    td__frame_push(c);
    w->secondary_forward(c, n->plan->wrapper->params, n->root, io);
    td__frame_pop(c, td_none());
    c->grad = grad;
    c->where = NULL;
}

void td__network_end_epoch(td_ctx *c, const td__network *n)
{
    const td_wrapper_type *w = n->root ? wrapper_of(n->plan) : NULL;
    if (w && w->post_epoch)
        w->post_epoch(c, n->plan->wrapper->params, n->root);
}
