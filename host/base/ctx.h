/* The context: what one thread of work carries.  Public as an opaque td_ctx. */
#ifndef TD__CTX_H
#define TD__CTX_H

#include <stdarg.h>
#include <td/td.h>

struct td__backend;
struct td__frame;
struct td__tape;
struct td__fills;
struct td__together;

struct td_ctx {
    const char *error;   /* first failure, owned; NULL while all is well */
    const char *where;   /* what is running now, for messages ("student layer1.0.conv1"); borrowed, may be NULL */
    const char *op;      /* the operation at work, for messages; borrowed, may be NULL */
    int out_of_memory;   /* the failure is one of the backend's memory */
    int bf16;            /* activations are bfloat16 (td_op_type.half_in) */
    const td_backend_type *backend; /* where new tensors live; NULL in contexts that make none (loader threads) */
    struct td__frame *frame;        /* innermost frame; see tensor/frame.h */
    struct td__tape *tape;          /* records while grad is set; see autograd/tape.h */
    struct td__fills *fills;        /* initial values still to be written; see tensor/fill.h */
    int blank;                      /* initial values that would be drawn are zeros: only shapes matter */
    int grad;
    uint32_t param_dtype;           /* dtype of parameters built in this context: TD_FLOAT32 or TD_FLOAT64 */
    uint64_t seed, epoch, step;     /* keys of randomness during a step */
    uint64_t draws;                 /* how many random uses this step had so far (dropout) */
    /* While a stage's steps may be captured (train/graph.h), what changes from step to step lies on the backend: */
    td_tensor *clock;               /* int64 [2]: epoch and step; else NULL */
    td_tensor *schedule;            /* float64 [2]: learning rate and number of the update at work; else NULL */
    struct td__together *together;  /* collects calls that one kernel can do (autograd/together.h); NULL: none does */
    struct td__trace *trace;        /* what is done to the backend is noted here; NULL: nowhere */
};

/* A context on the given backend (NULL: none), with an outermost frame.  NULL: out of memory. */
td_ctx *td__ctx_new(const td_backend_type *backend);
void td__ctx_free(td_ctx *c);

/* The first failure stays.  `where` and `op` are prepended when set. */
void td__fail(td_ctx *c, const char *fmt, ...) TD_PRINTF(2, 3);
void td__vfail(td_ctx *c, const char *fmt, va_list ap);
/* The backend has no `bytes` more for what fmt says; its own reason is added. */
void td__fail_memory(td_ctx *c, size_t bytes, const char *fmt, ...) TD_PRINTF(3, 4);
/* Forgets the failure; the caller has reported it. */
void td__ctx_clear(td_ctx *c);

#endif
