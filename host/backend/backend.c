#include "host/backend/backend.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/trace.h"
#include "host/tensor/storage.h"

void td__host_free(void *p, size_t bytes)
{
    (void)bytes;
    free(p);
}

int32_t td__host_copy(void *dst, const void *src, size_t bytes)
{
    memcpy(dst, src, bytes);
    return TD_OK;
}

/* ---- opening ---- */

#define MOST_BACKENDS 16
static const td_backend_type *open_backends[MOST_BACKENDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int open_backend(const td_backend_type *b, char *why, size_t why_size)
{
    if (!b->score(why, why_size))
        return -1;
    td_ctx *c = td__ctx_new(NULL);
    int failed = !c || (b->open && b->open(c));
    if (failed)
        snprintf(why, why_size, "%s", c && c->error ? c->error : "it could not be opened");
    td__ctx_free(c);
    return failed ? -1 : 0;
}

const td_backend_type *td__backend_use(const td_backend_type *b, char *why, size_t why_size)
{
    size_t i = 0;
    pthread_mutex_lock(&lock);
    while (i < MOST_BACKENDS && open_backends[i] && open_backends[i] != b)
        i++;
    if (i == MOST_BACKENDS) {
        snprintf(why, why_size, "more than %d backends are open", MOST_BACKENDS);
        b = NULL;
    } else if (!open_backends[i]) {
        if (open_backend(b, why, why_size))
            b = NULL;
        open_backends[i] = b;
    }
    pthread_mutex_unlock(&lock);
    return b;
}

/* ---- finding kernels ---- */

td_kernel td__kernel_find(const td__kernel_row *const *families, const char *op)
{
    for (; *families; families++)
        for (const td__kernel_row *row = *families; row->op; row++)
            if (!strcmp(row->op, op))
                return row->run;
    return NULL;
}

static td_kernel look_up(const td_backend_type *b, const td_op_type *op)
{
    td_kernel kernel = b->kernel(op->name);
    for (const td_op_kernel *k = op->kernels; !kernel && k && k->backend; k++)
        if (!strcmp(k->backend, b->type.key))
            kernel = k->run;
    return kernel;
}

td_kernel td__kernel_way(const td_backend_type *b, const td_op_type *op, const char *way)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", op->name, way);
    return b->kernel(name);
}

struct found {
    const td_backend_type *b;
    const td_op_type *op;
    td_kernel kernel, half;
};

/* Every operation call asks; names are compared once per thread. */
static const struct found *found(const td_backend_type *b, const td_op_type *op)
{
    static _Thread_local struct found cache[256];
    struct found *f = &cache[((uintptr_t)op / sizeof *op ^ (uintptr_t)b / sizeof *b) % 256];
    if (f->b != b || f->op != op)
        *f = (struct found){b, op, look_up(b, op), td__kernel_way(b, op, "bf16")};
    return f;
}

td_kernel td__kernel(const td_backend_type *b, const td_op_type *op) { return found(b, op)->kernel; }

td_kernel td__half_kernel(const td_backend_type *b, const td_op_type *op) { return found(b, op)->half; }

/* ---- running ---- */

struct td_run {
    td_ctx *c;
    td__storage *scratch; /* linked by next */
};

void *td__run_scratch(td_run *r, size_t bytes)
{
    td__storage *s = td__storage_new(r->c->backend, bytes);
    if (!s) {
        td__fail_memory(r->c, bytes, "scratch");
        return NULL;
    }
    s->next = r->scratch;
    r->scratch = s;
    return s->data;
}

void td__run_fail(td_run *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    td__vfail(r->c, fmt, ap);
    va_end(ap);
}

const char *td__backend_error(const td_backend_type *b)
{
    static _Thread_local char text[256];
    const char *why = b->last_error ? b->last_error() : "";
    snprintf(text, sizeof text, "%s%s", *why ? ": " : "", why);
    return text;
}

void td__branch(td_ctx *c, int32_t where)
{
    if (c->backend->branch(where))
        td__fail(c, "the %s backend cannot change its queue%s", c->backend->type.key, td__backend_error(c->backend));
}

int32_t td__run(td_ctx *c, const char *op, td_kernel kernel, const td_view *in, td_view *out, const void *attrs)
{
    td_run r = {c, NULL};
    const char *outer = c->op;
    if (c->error)
        return TD_ERROR;
    c->op = op;
    td__trace_kernel(c, op, in, out, attrs);
    if (kernel(&r, in, out, attrs))
        td__fail(c, "the %s kernel failed", c->backend->type.key);
    c->op = outer;
    for (td__storage *s; (s = r.scratch);) {
        r.scratch = s->next;
        td__storage_release(s);
    }
    return c->error ? TD_ERROR : TD_OK;
}
