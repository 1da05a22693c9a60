#include "host/train/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/tensor/storage.h"
#include "host/train/graph.h"

static int build_networks(td__experiment *x, td__train_stage *s)
{
    const td__network_plan *plans[2] = {&s->plan->student, &s->plan->teacher};
    td__network *networks[2] = {&s->student, &s->teacher};
    td_module *models[2] = {x->student, x->teacher};
    int failed = 0;
    for (int i = 0; i < 2; i++) {
        char role[96];
        snprintf(role, sizeof role, "%s %s", s->plan->name, td__side_name(plans[i]->side));
        td_module *ready = td__predicts(plans[i]) && x->deployed != x->student ? x->deployed : NULL;
        failed |=
            td__network_build(x->c, &x->cfg, plans[i], models[i], ready, td__role_seed(x->seed, role), networks[i]);
    }
    return failed ? -1 : 0;
}

static int connect_networks(td__experiment *x, const td__train_stage *s)
{
    td__network_connect(x->c, &x->cfg, &s->student, &s->teacher);
    td__network_connect(x->c, &x->cfg, &s->teacher, &s->student);
    return x->cfg.diag.errors ? -1 : 0;
}

static void open_criterion(td__experiment *x, td__train_stage *s)
{
    const td__criterion_plan *plan = &s->plan->criterion;
    td__criterion_open(x->c, plan, td__role_seed(x->seed, s->plan->name), &s->criterion);
    td__diag_take(x->c, &x->cfg, s->criterion.failed ? s->criterion.failed->at : s->plan->at);
}

int td__stage_design(td__experiment *x, size_t number, int blank, td__train_stage *s)
{
    size_t errors = x->cfg.diag.errors;
    memset(s, 0, sizeof *s);
    s->plan = &x->plan.stages[number];
    s->io = td__io_new(x->c);
    if (!s->io) {
        td__fail(x->c, "out of memory");
        return -1;
    }
    x->c->blank = blank;
    int built = !build_networks(x, s);
    if (built) {
        connect_networks(x, s);
        td__stage_tap(x, s);
        open_criterion(x, s);
    }
    x->c->blank = 0;
    return built && x->cfg.diag.errors == errors && !x->c->error ? 0 : -1;
}

static int load_network(td__experiment *x, const td__network *n)
{
    if (!n->root || !n->plan->src.path)
        return 0;
    return td__load_state_file(x->c, n->root, n->plan->src.path, &n->plan->src.rename);
}

int td__stage_open(td__experiment *x, size_t number, td__train_stage *before, td__train_stage *s)
{
    td__train_stage old = {0};
    int code = TD__EXIT_OK;
    if (before) {
        old = *before;
        td__network_close(&old.student);
        td__network_close(&old.teacher);
        memset(before, 0, sizeof *before);
    }
    if (td__stage_design(x, number, 0, s))
        code = td__experiment_fail(x, TD__EXIT_CONFIG);
    else if (load_network(x, &s->student) || load_network(x, &s->teacher))
        code = td__experiment_fail(x, TD__EXIT_DATA);
    else if (connect_networks(x, s) ||
             td__optimizer_open(x->c, &x->cfg, s->plan, &s->student, &s->teacher, s->criterion.states,
                                before ? &old.optimizer : NULL, &s->optimizer))
        code = td__experiment_fail(x, TD__EXIT_CONFIG);
    else if (!(s->train = td__experiment_loader(x, &s->plan->train)) ||
             (s->plan->val.dataset_id && !(s->val = td__experiment_loader(x, &s->plan->val))))
        code = td__experiment_fail(x, TD__EXIT_DATA);
    td__stage_close(&old);
    x->c->seed = x->seed;
    return code;
}

void td__stage_close(td__train_stage *s)
{
    td__step_graph_free(s->graph);
    td__optimizer_close(&s->optimizer);
    if (s->criterion.plan)
        td__criterion_close(&s->criterion);
    td__network_close(&s->student);
    td__network_close(&s->teacher);
    td__io_free(s->io);
    free(s->taps);
    td__loader_free(s->train);
    td__loader_free(s->val);
    memset(s, 0, sizeof *s);
}

/* The teacher's forward, which nothing waits for before the losses, goes on a branch of its own where steps are
 * graphs. */
static void teacher_forward(td_ctx *c, td__train_stage *s, const td__batch *batch)
{
    td__pool *side = s->graph ? td__step_graph_side(s->graph) : NULL;
    if (!side || !s->teacher.root || !c->backend->branch) {
        td__network_forward(c, &s->teacher, batch, s->io);
        return;
    }
    td__branch(c, TD_BRANCH_SIDE);
    td__pool *before = td__pool_use(side);
    td__network_forward(c, &s->teacher, batch, s->io);
    td__pool_use(before);
    td__branch(c, TD_BRANCH_MAIN);
}

td_tensor *td__stage_forward(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step)
{
    c->epoch = (uint64_t)epoch;
    c->step = (uint64_t)step;
    c->draws = 0;
    td__io_begin(s->io, batch, epoch, step);
    teacher_forward(c, s, batch);
    td__network_forward(c, &s->student, batch, s->io);
    if (s->graph && s->teacher.root && c->backend->branch)
        td__branch(c, TD_BRANCH_JOIN);
    td__network_secondary(c, &s->teacher, s->io);
    td__network_secondary(c, &s->student, s->io);
    return td__criterion_loss(c, &s->criterion, s->io);
}

td_tensor *td__stage_step(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step)
{
    if (!s->graph && c->backend->capture_begin && !c->error)
        s->graph = td__step_graph_new(c);
    return s->graph ? td__step_graph_step(c, s, batch, epoch, step) : td__stage_run(c, s, batch, epoch, step);
}

/* Two passes over one tape. */
static void backward_parts(td_ctx *c, td__train_stage *s)
{
    td_tensor *task = td__criterion_part(c, &s->criterion, 0), *distilled = td__criterion_part(c, &s->criterion, 1);
    td__backward_keep(c, distilled, 1);
    td__optimizer_set_apart(&s->optimizer);
    td__backward(c, task, 1);
}

td_tensor *td__stage_run(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step)
{
    c->grad = 1;
    td_tensor *loss = td__stage_forward(c, s, batch, epoch, step);
    if (s->optimizer.plan->type->update_parts)
        backward_parts(c, s);
    else
        td__backward(c, loss, 1.0 / (double)s->optimizer.plan->accumulate);
    td__optimizer_step(c, &s->optimizer);
    td__io_clear(s->io);
    c->grad = 0;
    return loss;
}

int64_t td__trial_size(const td__stage_plan *p)
{
    return p->train.batch_size < TD__TRIAL ? p->train.batch_size : TD__TRIAL;
}

static td__loader *trial_loader(td__experiment *x, const td__stage_plan *p)
{
    td__loader_plan few = p->train;
    few.batch_size = td__trial_size(p);
    few.workers = 0;
    few.sampler = NULL;
    few.streamed = 1;
    return td__experiment_loader(x, &few);
}

/* How many samples there are follows from the data, and in an epoch from the sampler. */
static void check_samples(td__experiment *x, const td__stage_plan *p)
{
    td__loader_plan whole = p->train;
    whole.workers = 0;
    whole.streamed = 1;
    td__loader *l = td__experiment_loader(x, &whole);
    if (l) {
        td__plan_check_batches(&x->cfg, p, td__loader_samples(l));
        td__plan_check_samples(&x->cfg, p, td__loader_length(l));
    }
    td__diag_take(x->c, &x->cfg, p->train.at);
    td__loader_free(l);
}

int td__stage_try(td__experiment *x, td__train_stage *s, size_t *bytes)
{
    td_ctx *c = x->c;
    td__batch batch;
    int got = 0;
    td__loader *l = trial_loader(x, s->plan);
    td_module *judged[4] = {x->student, x->teacher, s->student.root, s->teacher.root};
    for (int i = 0; i < 4; i++)
        if (judged[i])
            td__set_training(judged[i], 0);
    if (l)
        check_samples(x, s->plan);
    td__frame_push(c);
    if (l && !td__loader_start(c, l, 0, 0))
        got = td__loader_next(c, l, &batch);
    if (got > 0) {
        size_t before = td__memory_now();
        c->grad = 1;
        td__stage_forward(c, s, &batch, 0, 0);
        c->grad = 0;
        if (bytes)
            *bytes = (td__memory_now() - before) / (size_t)batch.size;
    }
    td__tape_clear(c);
    td__frame_pop(c, td_none());
    td__loader_free(l);
    if (got < 0)
        return TD__EXIT_DATA;
    td__diag_take(c, &x->cfg, s->criterion.failed ? s->criterion.failed->at : s->plan->at);
    return x->cfg.diag.errors ? TD__EXIT_CONFIG : TD__EXIT_OK;
}
