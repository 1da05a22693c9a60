#include "host/tensor/fill.h"

#include <stdlib.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/rng.h"

#define GRAIN 8192 /* elements of a piece of the pool's */

struct pending {
    td_tensor *tensor; /* owned */
    td__fill fill;
    td_stream stream;
    void *memory;  /* for the elements: the tensor's, or a copy for a device */
    int64_t begin; /* of its elements among those of all */
};

struct td__fills {
    struct pending *v;
    size_t n, capacity;
};

/* ---- values ---- */

/* The group of TD__GROUP elements. */
static void draw(const struct pending *p, const td__draws *draws, uint64_t group, double v[TD__GROUP])
{
    const td__fill *f = &p->fill;
    double scale = 0;
    if (f->how == TD__FILL_UNIFORM) {
        scale = f->b - f->a;
        draws->uniform(p->stream, group, v);
    } else if (f->how == TD__FILL_NORMAL) {
        scale = f->b;
        draws->normal(p->stream, group, v);
    } else
        memset(v, 0, TD__GROUP * sizeof *v);
    for (int i = 0; i < TD__GROUP; i++)
        v[i] = f->a + scale * v[i];
}

/* Elements begin to end in row-major order. */
static void fill_range(const struct pending *p, const td__draws *draws, int64_t begin, int64_t end)
{
    const td_desc *d = &p->tensor->d;
    double v[TD__GROUP], converted[TD__GROUP];
    for (int64_t i = begin, n; i < end; i += n) {
        int64_t skip = i % TD__GROUP;
        n = TD__GROUP - skip < end - i ? TD__GROUP - skip : end - i;
        draw(p, draws, (uint64_t)(i / TD__GROUP), v);
        td__convert(converted, d->dtype, v + skip, TD_FLOAT64, n);
        td__put_row_major(d, p->memory, converted, i, n);
    }
}

static void fill_piece(void *arg, int64_t begin, int64_t end)
{
    const struct td__fills *fills = arg;
    const td__draws *draws = td__draws_of(0);
    for (size_t k = 0; k < fills->n; k++) {
        const struct pending *p = &fills->v[k];
        int64_t from = begin - p->begin, to = end - p->begin, n = td_numel(p->tensor);
        from = from > 0 ? from : 0;
        to = to < n ? to : n;
        if (from < to)
            fill_range(p, draws, from, to);
    }
}

/* ---- one pass ---- */

static int on_host(const td_tensor *t) { return t->storage->backend->copy_in == td__host_copy; }

static void make_ready(td_ctx *c, struct pending *p)
{
    td_tensor *t = p->tensor;
    p->stream = td_stream_of(p->fill.seed, p->fill.draw, TD__USE_INIT);
    p->memory = on_host(t) ? t->storage->data : malloc(t->storage->bytes);
    if (!p->memory)
        td__fail(c, "out of memory for %zu bytes of initial values", t->storage->bytes);
}

static void hand_over(td_ctx *c, struct pending *p)
{
    td_tensor *t = p->tensor;
    size_t bytes = (size_t)td_numel(t) * td__dtype_size(t->d.dtype);
    t->storage->version++;
    if (!on_host(t)) {
        if (!c->error && t->storage->backend->copy_in(t->storage->data, p->memory, bytes))
            td__fail(c, "the %s backend could not take %zu bytes", t->storage->backend->type.key, bytes);
        free(p->memory);
    }
    td__release(t);
}

static void run(td_ctx *c, struct td__fills *fills)
{
    int64_t total = 0;
    for (size_t i = 0; i < fills->n; i++) {
        fills->v[i].begin = total;
        total += td_numel(fills->v[i].tensor);
        make_ready(c, &fills->v[i]);
    }
    if (!c->error)
        td__parallel_range(total, GRAIN, 1, fill_piece, fills);
    for (size_t i = 0; i < fills->n; i++)
        hand_over(c, &fills->v[i]);
    fills->n = 0;
}

void td__tensor_fill(td_ctx *c, td_tensor *t, const td__fill *f)
{
    struct pending p = {.tensor = t, .fill = *f};
    struct td__fills *fills = c->fills;
    if (c->error || !t->storage)
        return;
    if (!fills) {
        td__retain(t);
        run(c, &(struct td__fills){&p, 1, 1});
        return;
    }
    for (size_t i = 0; i < fills->n; i++)
        if (fills->v[i].tensor == t) {
            fills->v[i].fill = *f;
            return;
        }
    if (td__grow(&fills->v, &fills->capacity, fills->n + 1, sizeof *fills->v)) {
        td__fail(c, "out of memory");
        return;
    }
    td__retain(t);
    fills->v[fills->n++] = p;
}

void td__fills_begin(td_ctx *c)
{
    if (!c->fills)
        c->fills = calloc(1, sizeof *c->fills); /* without it all is filled at once */
}

void td__fills_catch_up(td_ctx *c)
{
    if (c->fills && c->fills->n)
        run(c, c->fills);
}

void td__fills_end(td_ctx *c)
{
    td__fills_catch_up(c);
    if (c->fills)
        free(c->fills->v);
    free(c->fills);
    c->fills = NULL;
}
