#include "host/autograd/together.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/trace.h"
#include "host/base/mem.h"

void td__together_begin(td_ctx *c, td__together *t) { c->together = t; }

void td__together_end(td_ctx *c)
{
    td__together_run(c);
    c->together = NULL;
}

void td__together_free(td__together *t)
{
    free(t->in);
    free(t->held);
    free(t->attrs);
    memset(t, 0, sizeof *t);
}

void td__together_run(td_ctx *c)
{
    td__together *t = c->together;
    if (!t->n)
        return;
    const td_many many = {(uint32_t)t->n, t->op->max_in, t->attrs};
    char name[64];
    snprintf(name, sizeof name, "%s.many", t->op->name);
    td__run(c, name, t->kernel, t->in, NULL, &many);
    for (size_t i = 0; i < t->n * t->op->max_in; i++)
        if (t->held[i]) {
            t->held[i]->storage->waited_for = 0;
            td__release(t->held[i]);
        }
    t->n = 0;
}

void td__together_meet(td_ctx *c, const td_tensor *t, int write)
{
    if (c->together && t->storage && t->storage->waited_for & (write ? TD__READ | TD__WRITTEN : TD__WRITTEN))
        td__together_run(c);
}

static int room(td_ctx *c, td__together *t, const td_op_type *op)
{
    const size_t inputs = (t->n + 1) * op->max_in, attrs = (t->n + 1) * op->attrs_size;
    if (!td__grow(&t->in, &t->in_room, inputs, sizeof *t->in) &&
        !td__grow(&t->held, &t->held_room, inputs, sizeof *t->held) && !td__grow(&t->attrs, &t->attrs_room, attrs, 1))
        return 0;
    td__fail(c, "out of memory");
    return -1;
}

int td__together_take(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const void *attrs)
{
    td__together *t = c->together;
    for (uint32_t i = 0; i < n_in; i++)
        if (in[i])
            td__together_meet(c, in[i], td__writes(op, i));
    if (!(op->flags & TD_OP_TOGETHER))
        return 0;
    if (t->n && (op != t->op || in[0]->d.dtype != t->in->d.dtype))
        td__together_run(c);
    if (op != t->op)
        t->kernel = td__kernel_way(c->backend, op, "many");
    t->op = op;
    if (!t->kernel || room(c, t, op))
        return 0;
    td_view *view = t->in + t->n * op->max_in;
    td_tensor **held = t->held + t->n * op->max_in;
    for (uint32_t i = 0; i < op->max_in; i++) {
        held[i] = i < n_in ? td__retain(in[i]) : NULL;
        view[i] = held[i] ? td__view(held[i]) : (td_view){{0}, NULL};
        if (held[i])
            held[i]->storage->waited_for |= td__writes(op, i) ? TD__WRITTEN : TD__READ;
    }
    memcpy(t->attrs + t->n * op->attrs_size, attrs, op->attrs_size);
    td__trace_kernel(c, op->name, view, NULL, attrs);
    t->n++;
    return 1;
}
