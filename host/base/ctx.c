#include "host/base/ctx.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/base/mem.h"
#include "host/tensor/fill.h"

static const char out_of_memory[] = "out of memory";

td_ctx *td__ctx_new(const td_backend_type *backend)
{
    td_ctx *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->backend = backend;
    c->param_dtype = TD_FLOAT32;
    td__frame_push(c);
    if (!c->error)
        return c;
    td__ctx_free(c);
    return NULL;
}

void td__ctx_free(td_ctx *c)
{
    if (!c)
        return;
    td__fills_end(c);
    td__tape_free(c);
    while (c->frame)
        td__frame_pop(c, td_none());
    td__ctx_clear(c);
    free(c);
}

void td__vfail(td_ctx *c, const char *fmt, va_list ap)
{
    char *text = NULL, *whole = NULL;
    if (c->error)
        return;
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    if (text && (c->where || c->op))
        whole = td__printf("%s%s%s%s%s", c->where ? c->where : "", c->where ? ": " : "", c->op ? c->op : "",
                           c->op ? ": " : "", text);
    if (whole) {
        free(text);
        text = whole;
    }
    c->error = text ? text : out_of_memory;
}

void td__fail(td_ctx *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    td__vfail(c, fmt, ap);
    va_end(ap);
}

void td__fail_memory(td_ctx *c, size_t bytes, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (c->error)
        return;
    td__fail(c, "out of memory for %s: %zu bytes%s", what, bytes, c->backend ? td__backend_error(c->backend) : "");
    c->out_of_memory = 1;
}

void td__ctx_clear(td_ctx *c)
{
    if (c->error != out_of_memory)
        free((char *)(uintptr_t)c->error);
    c->error = NULL;
    c->out_of_memory = 0;
}
