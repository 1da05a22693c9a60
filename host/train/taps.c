/* What a stage taps: the paths of forward_hook, and those its terms and wrappers read. */
#include <string.h>

#include "host/train/stage.h"

struct reader {
    td__experiment *x;
    td__train_stage *s;
    td__node *node;         /* of the term or wrapper, to find where a path was written */
    const td__network *own; /* a wrapper's taps are its network's; NULL: the tap says whose */
};

/* The scalar that reads `text` below n; NULL: none, the path is a default. */
static const td__node *scalar_with(const td__node *n, const char *text)
{
    const td__node *found = NULL;
    if (!n)
        return NULL;
    if (n->kind == TD__STRING || n->kind == TD__INT)
        return n->text && !strcmp(n->text, text) ? n : NULL;
    for (size_t i = 0; n->kind == TD__MAP && !found && i < n->n; i++)
        found = scalar_with(n->items[i], text);
    for (size_t i = 0; n->kind == TD__SEQ && !found && i < n->n; i++)
        found = scalar_with(n->items[i], text);
    for (size_t i = 0; n->kind == TD__CALL && !found && i < 2; i++)
        found = scalar_with(n->items[i], text);
    return found;
}

static td__tap_use *tap_use(td__experiment *x, td__train_stage *s, const td_tap *tap, td__place at)
{
    for (size_t i = 0; i < s->n_taps; i++) {
        td__tap_use *u = &s->taps[i];
        if (u->tap.side == tap->side && u->tap.io == tap->io && !strcmp(u->tap.path, tap->path))
            return u;
    }
    if (td__grow(&s->taps, &s->tap_capacity, s->n_taps + 1, sizeof *s->taps)) {
        td__diag_error(&x->cfg.diag, at, "out of memory");
        return NULL;
    }
    s->taps[s->n_taps] = (td__tap_use){*tap, at, 0, 0};
    return &s->taps[s->n_taps++];
}

static int is_module(td_module *m, const char *path, void *user)
{
    (void)path;
    return m == user;
}

/* Modules of the model that `sequential` left out never run, so that nothing would ever be tapped there. */
static void check_runs(td__experiment *x, const td__network *n, td_module *m, const td__tap_use *u)
{
    const td__paths *kept = n->plan->wrapper_sequential.n ? &n->plan->wrapper_sequential : &n->plan->sequential;
    if (!kept->n || td__walk(n->root, is_module, m))
        return;
    td__diag_error(&x->cfg.diag, u->at, "%s: '%s' does not run: 'sequential' on line %u leaves it out", n->plan->name,
                   u->tap.path, kept->v[0].at.line);
}

/* The output of a whole network is always there; all else is hooked. */
static void hook(td__experiment *x, td__train_stage *s, const td__tap_use *u)
{
    const td__network *n = u->tap.side == TD_TEACHER ? &s->teacher : &s->student;
    if (!n->root) {
        td__diag_error(&x->cfg.diag, u->at, "'%s' of the %s is read here, but %s has no such network", u->tap.path,
                       td__side_name(u->tap.side), s->plan->name);
        return;
    }
    if (!strcmp(u->tap.path, ".") && u->tap.io == TD_OUTPUT)
        return;
    td_module *m = td__network_find(n, u->tap.path);
    if (!m) {
        td__no_such_module(x->c, &x->cfg, n->plan->name, n->root, u->tap.path, u->at);
        return;
    }
    check_runs(x, n, m, u);
    td__io_tap(s->io, m, &u->tap);
}

static void read_tap(const td_tap *tap, void *user)
{
    const struct reader *r = user;
    if (!tap->path)
        return;
    td_tap t = *tap;
    if (r->own)
        t.side = r->own->plan->side;
    const td__node *written = scalar_with(r->node, t.path);
    td__tap_use *u = tap_use(r->x, r->s, &t, written ? written->at : r->node->at);
    if (u)
        u->used = 1;
}

static void read_object(td__experiment *x, td__train_stage *s, const td__object *o, const td__network *own)
{
    struct reader r = {x, s, o->node, own};
    if (o->type->params)
        td__bind_taps(o->type->params, o->params, read_tap, &r);
}

static void list_taps(td__experiment *x, td__train_stage *s, const td__network *n, const td__paths *paths, uint32_t end)
{
    for (size_t i = 0; i < paths->n; i++) {
        td_tap t = {paths->v[i].text, end, n->plan->side};
        td__tap_use *u = tap_use(x, s, &t, paths->v[i].at);
        if (u)
            u->listed = 1;
    }
}

void td__stage_tap(td__experiment *x, td__train_stage *s)
{
    const td__network *networks[2] = {&s->student, &s->teacher};
    for (int i = 0; i < 2; i++) {
        const td__network *n = networks[i];
        if (!n->root)
            continue;
        list_taps(x, s, n, &n->plan->hook_input, TD_INPUT);
        list_taps(x, s, n, &n->plan->hook_output, TD_OUTPUT);
        if (n->plan->wrapper)
            read_object(x, s, n->plan->wrapper, n);
    }
    for (size_t i = 0; i < s->plan->criterion.n_terms; i++) {
        const td__term_plan *t = &s->plan->criterion.terms[i];
        read_object(x, s, t->loss, NULL);
        if (t->wrapper)
            read_object(x, s, t->wrapper, NULL);
        if (((const td_loss_type *)t->loss->type)->needs & TD_NEEDS_TEACHER_GRAD && !s->plan->teacher.requires_grad)
            td__diag_error(&x->cfg.diag, t->at,
                           "%s trains modules on the teacher's side: 'teacher' needs requires_grad: true",
                           t->loss->type->key);
    }
    for (size_t i = 0; i < s->n_taps; i++)
        hook(x, s, &s->taps[i]);
}
