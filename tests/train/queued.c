#include "tests/train/queued.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/ops/table.h"

#define MOST_OPS 128

int64_t queued_replays;
size_t queued_memory;
static size_t taken;
static char why[128];

static int32_t fail(const char *text)
{
    snprintf(why, sizeof why, "%s", text);
    return TD_ERROR;
}

static const char *last_error(void) { return why; }

/* ---- work ---- */

typedef struct work {
    const td_op_type *op; /* NULL: bytes are copied to `to` */
    td_view in[TD_OP_MAX_IN], out[TD_OP_MAX_OUT];
    void *attrs, *to; /* attrs: also the bytes */
    size_t bytes;
    int branch; /* TD_BRANCH_JOIN: no work, the branches meet */
} work;

typedef struct queue {
    work *v;
    size_t n;
} queue;

static queue side, *captured; /* captured: what is being captured, or NULL */
static int branch;

static work *append(queue *q)
{
    q->v = realloc(q->v, (q->n + 1) * sizeof *q->v);
    work *w = &q->v[q->n++];
    memset(w, 0, sizeof *w);
    w->branch = branch;
    return w;
}

static void *copy_of(const void *p, size_t n) { return p ? memcpy(malloc(n + 1), p, n) : NULL; }

static int32_t run_one(work *w)
{
    if (w->branch == TD_BRANCH_JOIN)
        return TD_OK;
    if (!w->op) {
        memcpy(w->to, w->attrs, w->bytes);
        return TD_OK;
    }
    td_ctx *c = td__ctx_new(&td__reference_backend);
    int32_t failed = td__run(c, w->op->name, td__reference_backend.kernel(w->op->name), w->in, w->out, w->attrs);
    if (failed)
        fail(c->error);
    td__ctx_free(c);
    return failed;
}

static void empty(queue *q)
{
    for (size_t i = 0; i < q->n; i++)
        free(q->v[i].attrs);
    free(q->v);
    *q = (queue){0};
}

/* What may wait waits: between two joins first the main branch.  But a branch begins after what was queued before it. */
static int32_t run_queue(const queue *q)
{
    int32_t failed = TD_OK;
    for (size_t begin = 0, end; begin < q->n && !failed; begin = end) {
        size_t fork = begin;
        while (fork < q->n && q->v[fork].branch == TD_BRANCH_MAIN)
            fork++;
        for (end = fork; end < q->n && q->v[end].branch != TD_BRANCH_JOIN;)
            end++;
        end += end < q->n;
        for (size_t i = begin; i < end && !failed; i++)
            failed = q->v[i].branch == TD_BRANCH_MAIN ? run_one(&q->v[i]) : TD_OK;
        for (size_t i = begin; i < end && !failed; i++)
            failed = q->v[i].branch == TD_BRANCH_SIDE ? run_one(&q->v[i]) : TD_OK;
    }
    return failed;
}

/* ---- kernels: a function each, as a kernel does not hear which operation it is called for ---- */

static const td_op_type *ops[MOST_OPS];
static size_t n_ops;

static int32_t call(size_t i, td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_op_type *op = ops[i];
    if (!captured && branch == TD_BRANCH_MAIN)
        return td__reference_backend.kernel(op->name)(r, in, out, attrs);
    work *w = append(captured ? captured : &side);
    w->op = op;
    memcpy(w->in, in, op->max_in * sizeof *in);
    if (op->n_out)
        memcpy(w->out, out, op->n_out * sizeof *out);
    w->attrs = copy_of(attrs, op->attrs_size);
    return TD_OK;
}

#define K1(i)                                                                                                          \
    static int32_t k##i(td_run *r, const td_view *in, td_view *out, const void *attrs)                                 \
    {                                                                                                                  \
        return call(0##i, r, in, out, attrs);                                                                          \
    }
#define K8(i) K1(i##0) K1(i##1) K1(i##2) K1(i##3) K1(i##4) K1(i##5) K1(i##6) K1(i##7)
#define K64(i) K8(i##0) K8(i##1) K8(i##2) K8(i##3) K8(i##4) K8(i##5) K8(i##6) K8(i##7)
K64(0)
K64(1)
#define N8(i) k##i##0, k##i##1, k##i##2, k##i##3, k##i##4, k##i##5, k##i##6, k##i##7
#define N64(i) N8(i##0), N8(i##1), N8(i##2), N8(i##3), N8(i##4), N8(i##5), N8(i##6), N8(i##7)
static const td_kernel kernels[MOST_OPS] = {N64(0), N64(1)};

static td_kernel kernel(const char *name)
{
    if (!td__reference_backend.kernel(name))
        return NULL;
    size_t i = 0;
    while (i < n_ops && strcmp(ops[i]->name, name))
        i++;
    if (i == MOST_OPS)
        return NULL;
    if (i == n_ops)
        ops[n_ops++] = td__op_find(name);
    return kernels[i];
}

/* ---- the rest of a backend ---- */

static int32_t score(char *reason, size_t size)
{
    (void)reason, (void)size;
    return 1;
}

static void *allocate(size_t bytes)
{
    if (queued_memory && taken + bytes > queued_memory) {
        fail("its memory is full");
        return NULL;
    }
    taken += bytes;
    return td__host_alloc(bytes);
}

static void give(void *p, size_t bytes)
{
    taken -= bytes;
    td__host_free(p, bytes);
}

static int32_t memory(uint64_t *free_bytes, uint64_t *all_bytes)
{
    *all_bytes = queued_memory;
    *free_bytes = queued_memory - taken;
    return queued_memory ? TD_OK : fail("there is no limit");
}

static int32_t copy_in(void *dst, const void *src, size_t bytes)
{
    if (!captured && branch == TD_BRANCH_MAIN)
        return td__host_copy(dst, src, bytes);
    work *w = append(captured ? captured : &side);
    w->to = dst;
    w->bytes = bytes;
    w->attrs = copy_of(src, bytes);
    return TD_OK;
}

static int32_t copy_out(void *dst, const void *src, size_t bytes)
{
    if (captured || side.n)
        return fail("read before it is done");
    return td__host_copy(dst, src, bytes);
}

static int32_t change_branch(int32_t where)
{
    int32_t failed = TD_OK;
    branch = where;
    if (where == TD_BRANCH_JOIN && captured)
        append(captured);
    if (where == TD_BRANCH_JOIN && !captured) {
        failed = run_queue(&side);
        empty(&side);
    }
    branch = where == TD_BRANCH_SIDE ? where : TD_BRANCH_MAIN;
    return failed;
}

static int32_t capture_begin(void)
{
    captured = calloc(1, sizeof *captured);
    return TD_OK;
}

static void graph_free(void *graph)
{
    empty(graph);
    free(graph);
}

static int32_t capture_end(void **graph)
{
    if (graph)
        *graph = captured;
    else
        graph_free(captured);
    captured = NULL;
    return TD_OK;
}

static int32_t replay(void *graph)
{
    queued_replays++;
    return run_queue(graph);
}

const td_backend_type queued_backend = {
    .type = {.key = "queued", .summary = "the reference's kernels, later"},
    .score = score,
    .alloc = allocate,
    .free = give,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .kernel = kernel,
    .last_error = last_error,
    .memory = memory,
    .branch = change_branch,
    .capture_begin = capture_begin,
    .capture_end = capture_end,
    .replay = replay,
    .graph_free = graph_free,
};
