/* Values drawn or constant, into tensors: now, or many tensors together in one pass over all threads. */
#ifndef TD__FILL_H
#define TD__FILL_H

#include "host/tensor/tensor.h"

/* Element i (row-major) is a function of (seed, draw, i) alone: a; uniform in [a, b); normal with mean a and
 * deviation b. */
enum { TD__FILL_CONSTANT, TD__FILL_UNIFORM, TD__FILL_NORMAL };
typedef struct td__fill {
    int how;
    double a, b;
    uint64_t seed, draw;
} td__fill;

/* Overwrites t; c fails where memory is out.  Between td__fills_begin and td__fills_end it may happen later, but before
 * any operation, read or write in c; what is filled again by then is filled once. */
void td__tensor_fill(td_ctx *c, td_tensor *t, const td__fill *f);
void td__fills_begin(td_ctx *c);
void td__fills_end(td_ctx *c);
/* What is still to be filled; for whoever touches tensors of c. */
void td__fills_catch_up(td_ctx *c);

#endif
