#include "host/train/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/trace.h"
#include "host/base/log.h"
#include "host/base/mem.h"
#include "host/tensor/storage.h"
#include "host/train/optim.h"

#define MOST_TRIES 8 /* steps in a row that did not repeat, after which the stage goes on without graphs */

struct td__step_graph {
    const td_backend_type *backend;
    td__pool *pool, *side; /* what steps make, and what the teacher's branch of them makes */
    td_tensor *clock;
    td__batch batch;  /* where steps find their batch */
    td__trace trace;  /* of the last step that was done kernel by kernel */
    td__trace held;   /* of the graph's */
    uint64_t before;  /* hash of the step before */
    void *graph;      /* NULL: none yet */
    int64_t epoch;    /* in which a step was last compared with it */
    td_tensor **kept; /* copies of the loss and the terms that a replay writes */
    size_t n_kept;
    td_term *terms; /* the criterion's, with values in kept */
    int64_t replays;
    int ready; /* the last step repeated the one before */
    int tries; /* steps in a row that did not */
    int off;
};

td__step_graph *td__step_graph_new(td_ctx *c)
{
    const td_desc clock = {TD_INT64, 1, {2}};
    td__step_graph *g = calloc(1, sizeof *g);
    if (g) {
        g->backend = c->backend;
        g->pool = td__pool_new(c->backend);
        g->side = td__pool_new(c->backend);
        g->clock = td__tensor_own(c, &clock);
    }
    if (g && g->pool && g->side && !c->error)
        return g;
    td__step_graph_free(g);
    td__fail(c, "out of memory");
    return NULL;
}

static void drop_graph(td__step_graph *g)
{
    if (g->graph)
        g->backend->graph_free(g->graph);
    for (size_t i = 0; i < g->n_kept; i++)
        td__release(g->kept[i]);
    free(g->kept);
    free(g->terms);
    g->graph = NULL;
    g->kept = NULL;
    g->terms = NULL;
    g->n_kept = 0;
}

static void drop_batch(td__batch *b)
{
    td__release(b->input);
    td__release(b->target);
    td__release(b->index);
    for (size_t i = 0; i < b->n_supp; i++) {
        td__release(b->supp[i]);
        free((char *)(uintptr_t)b->supp_names[i]);
    }
    free((void *)(uintptr_t)b->supp_names);
    free((void *)(uintptr_t)b->supp);
    memset(b, 0, sizeof *b);
}

void td__step_graph_free(td__step_graph *g)
{
    if (!g)
        return;
    drop_graph(g);
    drop_batch(&g->batch);
    td__release(g->clock);
    td__trace_free(&g->trace);
    td__trace_free(&g->held);
    td__pool_free(g->pool);
    td__pool_free(g->side);
    free(g);
}

int64_t td__step_graph_replays(const td__step_graph *g) { return g ? g->replays : 0; }

td__pool *td__step_graph_side(td__step_graph *g) { return g->side; }

/* No graphs from here on; the reason is said once. */
static void give_up(td__step_graph *g, const td__train_stage *s, const char *why)
{
    td__log(TD_LOG_INFO, "%s: steps are not captured as a graph: %s", s->plan->name, why);
    drop_graph(g);
    g->off = 1;
}

/* ---- the batch ---- */

static int alike(const td_tensor *a, const td_tensor *b)
{
    return !a == !b && (!a || (a->d.dtype == b->d.dtype && td__same_shape(&a->d, &b->d)));
}

static int same_form(const td__batch *a, const td__batch *b)
{
    int same = a->size == b->size && a->n_supp == b->n_supp && alike(a->input, b->input) &&
               alike(a->target, b->target) && alike(a->index, b->index);
    for (size_t i = 0; same && i < a->n_supp; i++)
        same = alike(a->supp[i], b->supp[i]) && !strcmp(a->supp_names[i], b->supp_names[i]);
    return same;
}

static td_tensor *like(td_ctx *c, const td_tensor *t) { return t ? td__tensor_own(c, &t->d) : NULL; }

/* Room for batches like b. */
static void make_batch(td_ctx *c, td__step_graph *g, const td__batch *b)
{
    char **names = calloc(b->n_supp + 1, sizeof *names);
    td_tensor **supp = calloc(b->n_supp + 1, sizeof *supp);
    g->batch = (td__batch){.input = like(c, b->input),
                           .target = like(c, b->target),
                           .index = like(c, b->index),
                           .supp_names = (const char *const *)names,
                           .supp = supp,
                           .size = b->size};
    for (size_t i = 0; names && supp && i < b->n_supp; i++) {
        names[i] = td__strdup(b->supp_names[i]);
        supp[i] = like(c, b->supp[i]);
        g->batch.n_supp++;
        if (!names[i])
            td__fail(c, "out of memory");
    }
    if (!names || !supp)
        td__fail(c, "out of memory");
}

static void take_batch(td_ctx *c, td__step_graph *g, const td__batch *b)
{
    const td__batch *to = &g->batch;
    td_copy(c, to->input, b->input);
    if (b->target)
        td_copy(c, to->target, b->target);
    if (b->index)
        td_copy(c, to->index, b->index);
    for (size_t i = 0; i < b->n_supp; i++)
        td_copy(c, to->supp[i], b->supp[i]);
}

/* ---- a step, done or captured ---- */

static td_tensor *run_step(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step)
{
    td__step_graph *g = s->graph;
    td__pool *before = td__pool_use(g->pool);
    td_tensor *loss = td__stage_run(c, s, batch, epoch, step);
    td__pool_use(before);
    return loss;
}

/* Notes what the step does.  Whether it did what the step before it had done. */
static int traced_step(td_ctx *c, td__train_stage *s, int64_t epoch, int64_t step, td_tensor **loss)
{
    td__step_graph *g = s->graph;
    td__trace_begin(&g->trace, 0);
    c->trace = &g->trace;
    *loss = run_step(c, s, &g->batch, epoch, step);
    c->trace = NULL;
    int repeats = g->trace.hash == g->before && !g->trace.why[0];
    g->before = g->trace.hash;
    return repeats;
}

/* Tensors beside the pools for loss and terms, and the copies into them as part of the step. */
static void keep_outputs(td_ctx *c, td__train_stage *s, td_tensor *loss)
{
    td__step_graph *g = s->graph;
    const td__criterion *k = &s->criterion;
    g->kept = calloc(k->n + 1, sizeof *g->kept);
    g->terms = calloc(k->n + 1, sizeof *g->terms);
    if (!g->kept || !g->terms)
        td__fail(c, "out of memory");
    for (size_t i = 0; !c->error && i <= k->n; i++) {
        td_tensor *from = i < k->n ? k->terms[i].value : loss;
        g->kept[g->n_kept++] = like(c, from);
        td_copy(c, g->kept[i], td__detach(c, from));
        g->terms[i] = i < k->n ? k->terms[i] : (td_term){0};
        g->terms[i].value = g->kept[i];
    }
}

/* Captures the step, which is then not done yet.  0, or -1: why is said, or c fails. */
static int capture(td_ctx *c, td__train_stage *s, int64_t epoch, int64_t step)
{
    td__step_graph *g = s->graph;
    td__trace *t = &g->held;
    const td__optimizer o = s->optimizer; /* its counters go on with the replay */
    if (g->backend->capture_begin()) {
        give_up(g, s, g->backend->last_error());
        return -1;
    }
    td__trace_begin(t, 1);
    c->trace = t;
    td__frame_push(c);
    td_tensor *loss = run_step(c, s, &g->batch, epoch, step);
    c->trace = NULL;
    keep_outputs(c, s, loss);
    td__frame_pop(c, td_none());
    s->optimizer.backwards = o.backwards;
    s->optimizer.updates = o.updates;
    s->optimizer.schedule = o.schedule;
    int failed = g->backend->capture_end(c->error ? NULL : &g->graph);
    if (t->why[0] && c->error)
        td__ctx_clear(c); /* it only cannot be captured */
    if (c->error)
        return -1;
    if (t->why[0] || failed) {
        give_up(g, s, t->why[0] ? t->why : g->backend->last_error());
        return -1;
    }
    g->epoch = epoch;
    return 0;
}

static td_tensor *replay(td_ctx *c, td__train_stage *s)
{
    td__step_graph *g = s->graph;
    td__criterion *k = &s->criterion;
    td_tensor *loss = g->kept[g->n_kept - 1];
    for (size_t i = 0; i < g->held.n_effects; i++)
        g->held.effects[i].run(g->held.effects[i].arg);
    if (g->backend->replay(g->graph))
        td__fail(c, "the %s backend cannot replay a step: %s", g->backend->type.key, g->backend->last_error());
    td__optimizer_stepped(&s->optimizer);
    k->n = g->n_kept - 1;
    memcpy(k->terms, g->terms, k->n * sizeof *k->terms);
    g->replays++;
    return c->error || td__frame_own(c, td__retain(loss)) ? td__empty() : loss;
}

/* ---- which ---- */

static const char *never(const td__optimizer *o)
{
    const char *wish = getenv("TDHOST_GRAPHS");
    if (wish && !strcmp(wish, "0"))
        return "TDHOST_GRAPHS is 0";
    if (o->plan->accumulate > 1)
        return "gradients are accumulated over several";
    if (o->scheduler->every && !td__reads_schedule(o->plan->type))
        return "the optimizer takes a learning rate by value that changes within an epoch";
    return NULL;
}

/* A step on the graph's own batch. */
static td_tensor *step_on_own(td_ctx *c, td__train_stage *s, int64_t epoch, int64_t step)
{
    td__step_graph *g = s->graph;
    td_tensor *loss;
    size_t outlived = td__pool_young(g->pool) + td__pool_young(g->side); /* what the last step made should be gone */
    int stays = outlived == 0;
    if (g->graph && g->epoch == epoch && stays)
        return replay(c, s);
    if (!g->graph && g->ready && stays && !capture(c, s, epoch, step)) {
        loss = replay(c, s);
        if (g->held.hash != g->before) /* of use this once */
            drop_graph(g);
        return loss;
    }
    if (g->off || c->error)
        return c->error ? td__empty() : run_step(c, s, &g->batch, epoch, step);
    g->ready = traced_step(c, s, epoch, step, &loss) && stays;
    g->epoch = epoch;
    g->tries = g->ready ? 0 : g->tries + 1;
    if (!g->ready) /* a graph of another epoch holds what is no longer done */
        drop_graph(g);
    if (g->tries == MOST_TRIES)
        give_up(g, s,
                g->trace.why[0] ? g->trace.why
                : stays         ? "each does something else"
                                : "what one makes outlives it");
    return loss;
}

td_tensor *td__step_graph_step(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step)
{
    td__step_graph *g = s->graph;
    const int64_t now[2] = {epoch, step};
    const char *why = never(&s->optimizer);
    if (why && !g->off)
        give_up(g, s, why);
    if (!g->off && !g->batch.input)
        make_batch(c, g, batch);
    td__tensor_write(c, g->clock, TD_INT64, now);
    td__optimizer_publish(c, &s->optimizer);
    c->clock = g->clock;
    td_tensor *loss;
    if (g->off || !same_form(batch, &g->batch)) {
        loss = run_step(c, s, batch, epoch, step);
    } else {
        take_batch(c, g, batch);
        loss = step_on_own(c, s, epoch, step);
    }
    c->clock = NULL;
    return loss;
}
