/* Small help for the shape and gradient rules of the op table. */
#ifndef TD__OPS_RULE_H
#define TD__OPS_RULE_H

#include "host/tensor/tensor.h"

/* Whether input i was given. */
static inline int td__given(const td_desc *in, uint32_t n_in, uint32_t i) { return i < n_in && in[i].ndim != UINT32_MAX; }

/* The shape as text, in the caller's block. */
#define TD__SHAPE(d) td__shape_text((d), (char[160]){0}, 160)

static inline int td__is_float(uint32_t dtype) { return dtype <= TD_FLOAT16; }

static inline int td__same_shape(const td_desc *a, const td_desc *b)
{
    uint32_t i = 0;
    while (i < a->ndim && a->ndim == b->ndim && a->shape[i] == b->shape[i])
        i++;
    return i == a->ndim && a->ndim == b->ndim;
}

/* Fails unless all given inputs, but those whose bit is set in `except`, have one floating dtype.  1: they do. */
int td__one_float_dtype(td_ctx *c, const char *op, const td_desc *in, uint32_t n_in, uint32_t except);

/* out = in[0], after td__one_float_dtype. */
void td__infer_same(td_ctx *c, const char *op, const td_desc *in, uint32_t n_in, td_desc *out);

#endif
