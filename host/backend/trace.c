#include "host/backend/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/base/mem.h"
#include "host/ops/table.h"
#include "host/tensor/tensor.h"

void td__trace_begin(td__trace *t, int capturing)
{
    t->hash = 14695981039346656037u; /* FNV-1a */
    t->bytes = 0;
    t->why[0] = 0;
    t->capturing = capturing;
    t->n_effects = 0;
}

void td__trace_free(td__trace *t)
{
    free(t->effects);
    memset(t, 0, sizeof *t);
}

static void mix(td__trace *t, const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++)
        t->hash = (t->hash ^ b[i]) * 1099511628211u;
}

static void mix_desc(td__trace *t, const td_desc *d)
{
    t->bytes += (double)td_desc_numel(d) * (double)td__dtype_size(d->dtype);
    mix(t, &d->dtype, sizeof d->dtype);
    mix(t, &d->ndim, sizeof d->ndim);
    mix(t, d->shape, (d->ndim <= TD_MAX_DIMS ? d->ndim : 0) * sizeof d->shape[0]);
}

void td__trace_kernel(td_ctx *c, const char *op, const td_view *in, const td_view *out, const void *attrs)
{
    static const td_op_type conv_norm = {.max_in = 8, .n_out = 1, .attrs_size = sizeof(td_conv_norm_attrs)};
    if (!c->trace)
        return;
    const td_op_type *type = strcmp(op, TD__CONV_NORM) ? td__op_find(op) : &conv_norm;
    mix(c->trace, op, strlen(op));
    for (uint32_t i = 0; type && i < type->max_in; i++)
        if (in[i].data)
            mix_desc(c->trace, &in[i].d);
    for (uint32_t i = 0; type && i < type->n_out; i++)
        mix_desc(c->trace, &out[i].d);
    if (type && attrs)
        mix(c->trace, attrs, type->attrs_size);
}

void td__trace_write(td_ctx *c, const td_desc *d, const void *bytes, size_t n)
{
    if (!c->trace)
        return;
    mix_desc(c->trace, d);
    if (bytes)
        mix(c->trace, bytes, n);
}

int td__trace_read(td_ctx *c)
{
    td__trace *t = c->trace;
    if (!t)
        return 0;
    if (!t->why[0])
        snprintf(t->why, sizeof t->why, "%s reads a tensor on the host", c->where ? c->where : "a step");
    if (t->capturing)
        td__fail(c, "%s", t->why);
    return t->capturing ? -1 : 0;
}

void td__each_step(td_ctx *c, void (*run)(void *arg), void *arg)
{
    td__trace *t = c->trace;
    if (!t || !t->capturing) {
        run(arg);
        return;
    }
    if (td__grow(&t->effects, &t->capacity, t->n_effects + 1, sizeof *t->effects)) {
        td__fail(c, "out of memory");
        return;
    }
    t->effects[t->n_effects++] = (td__effect){run, arg};
}
