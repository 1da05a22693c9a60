#include "host/tensor/fill.h"

#include <stdlib.h>

#include "host/backend/backend.h"
#include "host/base/mem.h"
#include "host/base/pool.h"
#include "host/base/rng.h"

#define GRAIN 8192 /* elements of a piece of the pool's */
#define CHUNK 256

struct pending {
    td_tensor *tensor; /* owned */
    td__fill fill;
    td_stream stream;
    void *memory;  /* of the elements in memory order: the tensor's, or a copy for a device */
    int64_t begin; /* of its elements among those of all */
};

struct td__fills {
    struct pending *v;
    size_t n, capacity;
};

/* ---- values ---- */

/* Elements first, first + step, ... as doubles. */
static void draw(const struct pending *p, int64_t first, int64_t step, int64_t n, double *v)
{
    const td__fill *f = &p->fill;
    for (int64_t i = 0; i < n; i++)
        v[i] = f->how == TD__FILL_CONSTANT ? f->a
               : f->how == TD__FILL_UNIFORM
                   ? f->a + (f->b - f->a) * td_stream_uniform(p->stream, (uint64_t)(first + i * step))
                   : f->a + f->b * td__stream_normal(p->stream, (uint64_t)(first + i * step));
}

/* The elements that lie from begin to end in memory.  In rank 4 channels are adjacent there, and an area apart in
 * row-major order. */
static void fill_range(const struct pending *p, int64_t begin, int64_t end)
{
    const td_desc *d = &p->tensor->d;
    int64_t area = d->ndim == 4 ? d->shape[2] * d->shape[3] : 1, row = d->ndim == 4 ? d->shape[1] : end;
    size_t size = td__dtype_size(d->dtype);
    double v[CHUNK];
    for (int64_t i = begin, n; i < end; i += n) {
        int64_t channel = i % row, pixel = i / row, image = pixel / area;
        n = row - channel < end - i ? row - channel : end - i;
        n = n < CHUNK ? n : CHUNK;
        draw(p, (image * row + channel) * area + pixel % area, area, n, v);
        td__convert((char *)p->memory + (size_t)i * size, d->dtype, v, TD_FLOAT64, n);
    }
}

static void fill_piece(void *arg, int64_t begin, int64_t end)
{
    const struct td__fills *fills = arg;
    for (size_t k = 0; k < fills->n; k++) {
        const struct pending *p = &fills->v[k];
        int64_t from = begin - p->begin, to = end - p->begin, n = td_numel(p->tensor);
        from = from > 0 ? from : 0;
        to = to < n ? to : n;
        if (from < to)
            fill_range(p, from, to);
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
