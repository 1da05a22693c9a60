/* Calls of in-place operations that are collected and run as one kernel: an optimizer's, over all parameters. */
#ifndef TD__TOGETHER_H
#define TD__TOGETHER_H

#include "host/tensor/tensor.h"

/* How a tensor's memory takes part in calls that wait (td__storage.waited_for). */
#define TD__READ 1
#define TD__WRITTEN 2

/* Where c->together points, calls of an operation with TD_OP_TOGETHER wait, if the backend has a kernel for many.  They
 * run before anything meets them: another such operation, a call that reads what they write or writes what they touch,
 * the host reading or writing that.  So results are those of calls that run at once, one after the other. */
typedef struct td__together {
    const td_op_type *op; /* that was called last */
    td_kernel kernel;     /* its kernel for many, or NULL */
    td_view *in;          /* op->max_in for each call that waits */
    td_tensor **held;     /* the same, owned; NULL where absent */
    char *attrs;          /* op->attrs_size each */
    size_t n;             /* calls that wait */
    size_t in_room, held_room, attrs_room;
} td__together;

/* From here on calls of c are collected in t, which begins as zeros; ended by td__together_end. */
void td__together_begin(td_ctx *c, td__together *t);
/* Runs what waits, if anything does. */
void td__together_run(td_ctx *c);
void td__together_end(td_ctx *c);
void td__together_free(td__together *t); /* nothing waits */

/* Takes a call whose inputs fit: 1.  0: it is to be run now, and what it meets has run. */
int td__together_take(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const void *attrs);
/* t is about to be read, or to be written. */
void td__together_meet(td_ctx *c, const td_tensor *t, int write);

/* Whether op writes its input i. */
static inline int td__writes(const td_op_type *op, uint32_t i)
{
    return (op->flags & TD_OP_INPLACE && i == 0) || op->mutates >> i & 1;
}

#endif
