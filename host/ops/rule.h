/* Small help for the shape and gradient rules of the op table. */
#ifndef TD__OPS_RULE_H
#define TD__OPS_RULE_H

#include "host/tensor/tensor.h"

/* Whether input i was given. */
static inline int td__given(const td_desc *in, uint32_t n_in, uint32_t i)
{
    return i < n_in && in[i].ndim != UINT32_MAX;
}

/* The shape as text, in the caller's block. */
#define TD__SHAPE(d) td__shape_text((d), (char[160]){0}, 160)

/* Fails unless all given inputs, but those whose bit is set in `except`, have one floating dtype.  1: they do. */
int td__one_float_dtype(td_ctx *c, const td_desc *in, uint32_t n_in, uint32_t except);

/* Each fails and returns 0 where the inputs do not fit. */
int td__want_dtype(td_ctx *c, const td_desc *d, uint32_t input, uint32_t dtype);
int td__want_same_dtype(td_ctx *c, const td_desc *a, const td_desc *b);
/* A dimension counted from either end, made non-negative. */
int td__want_dim(td_ctx *c, const td_desc *d, int64_t *dim);
/* The shape a and b broadcast to, aligned at their last logical dimensions (NumPy's rule); out keeps its dtype. */
int td__broadcast(td_ctx *c, const td_desc *a, const td_desc *b, td_desc *out);

/* The gradient of a tensor d that was broadcast: g summed over what was repeated. */
td_tensor *td__sum_to(td_ctx *c, td_tensor *g, const td_desc *d);
/* A scalar constant of x's dtype. */
static inline td_tensor *td__constant(td_ctx *c, const td_tensor *x, double value)
{
    return td_scalar(c, td_desc_of(x)->dtype, value);
}

#endif
