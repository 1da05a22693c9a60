/* What a step does to its backend, as a number: two steps that did the same can be one graph. */
#ifndef TD__TRACE_H
#define TD__TRACE_H

#include "host/base/ctx.h"

/* What host code does besides, once a step. */
typedef struct td__effect {
    void (*run)(void *arg);
    void *arg;
} td__effect;

typedef struct td__trace {
    uint64_t hash;       /* of all kernels, their shapes and attributes, and of what was written, in order */
    double bytes;        /* of what the kernels read and write */
    char why[160];       /* what keeps the step from being captured: who read a tensor; "" */
    int capturing;       /* nothing is done now, only noted by the backend */
    td__effect *effects; /* while capturing: what every replay does, too */
    size_t n_effects, capacity;
} td__trace;

void td__trace_begin(td__trace *t, int capturing);
void td__trace_free(td__trace *t);

/* Called where it happens; nothing without c->trace. */
void td__trace_kernel(td_ctx *c, const char *op, const td_view *in, const td_view *out, const void *attrs);
void td__trace_write(td_ctx *c, const td_desc *d, const void *bytes, size_t n);
/* 0, or c fails: nothing can be read while a step is captured. */
int td__trace_read(td_ctx *c);

/* run(arg) now and with every replay; while a step is captured with the replay only. */
void td__each_step(td_ctx *c, void (*run)(void *arg), void *arg);

#endif
