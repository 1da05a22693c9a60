/* Reductions over a set of dimensions, and the position of the largest along one. */
#include "host/ops/rule.h"
#include "host/ops/table.h"

/* The dimensions meant by attributes: none named means all. */
static uint32_t dims_of(const td_dims_attrs *a, uint32_t ndim) { return a->dims ? a->dims : (1u << ndim) - 1; }

static void infer_reduce(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_dims_attrs *a = attrs;
    uint32_t dims = dims_of(a, in[0].ndim), n = 0;
    if (!td__one_float_dtype(c, in, n_in, 0))
        return;
    if (dims >> in[0].ndim) {
        td_fail(c, "dimensions up to %d of %s", 31 - __builtin_clz(dims), TD__SHAPE(&in[0]));
        return;
    }
    for (uint32_t i = 0; i < in[0].ndim; i++) {
        if (!(dims >> i & 1))
            out[0].shape[n++] = in[0].shape[i];
        else if (a->keepdim)
            out[0].shape[n++] = 1;
    }
    out[0].ndim = n;
    out[0].dtype = in[0].dtype;
}

static void infer_amax(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    infer_reduce(c, in, n_in, attrs, out);
    if (!c->error && td_desc_numel(&in[0]) == 0)
        td_fail(c, "%s has no largest element", TD__SHAPE(&in[0]));
}

static void infer_argmax(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_dim_attrs *a = attrs;
    int64_t dim = a->dim;
    if (!td__one_float_dtype(c, in, n_in, 0) || !td__want_dim(c, &in[0], &dim))
        return;
    if (in[0].shape[dim] == 0) {
        td_fail(c, "dimension %lld of %s is empty", (long long)dim, TD__SHAPE(&in[0]));
        return;
    }
    for (int64_t i = 0, n = 0; i < (int64_t)in[0].ndim; i++)
        if (i != dim)
            out[0].shape[n++] = in[0].shape[i];
    out[0].ndim = in[0].ndim - 1;
    out[0].dtype = TD_INT64;
}

/* A reduced tensor with its dropped dimensions back, as length 1. */
static td_tensor *keep(td_ctx *c, const td_grad *g, td_tensor *t)
{
    const td_dims_attrs *a = g->attrs;
    td_desc d = g->in_desc[0];
    uint32_t dims = dims_of(a, d.ndim);
    for (uint32_t i = 0; i < d.ndim; i++)
        if (dims >> i & 1)
            d.shape[i] = 1;
    return a->keepdim ? t : td_reshape(c, t, d.ndim, d.shape);
}

static td_tensor *spread(td_ctx *c, const td_grad *g, td_tensor *t)
{
    return td_expand(c, keep(c, g, t), g->in_desc[0].ndim, g->in_desc[0].shape);
}

static void grad_sum(td_ctx *c, const td_grad *g) { g->gin[0] = spread(c, g, g->gout[0]); }

static void grad_mean(td_ctx *c, const td_grad *g)
{
    double count = (double)td_desc_numel(&g->in_desc[0]) / (double)td_desc_numel(&g->out_desc[0]);
    g->gin[0] = spread(c, g, td_scale(c, g->gout[0], 1 / count));
}

/* Shared evenly between equal maxima (torch.amax). */
static void grad_amax(td_ctx *c, const td_grad *g)
{
    const td_dims_attrs *a = g->attrs;
    td_tensor *is_max = td_equal(c, g->in[0], keep(c, g, g->out[0]));
    td_tensor *share = td_div(c, g->gout[0], td_sum(c, is_max, a->dims, a->keepdim));
    g->gin[0] = td_mul(c, is_max, keep(c, g, share));
}

#define REDUCE(name, saves, infer, grad) {name, 1, 1, 1, sizeof(td_dims_attrs), 0, 0, saves, saves, infer, grad, NULL, 0, 0}

const td_op_type td__ops_reduce[] = {
    REDUCE("sum", 0, infer_reduce, grad_sum),
    REDUCE("mean", 0, infer_reduce, grad_mean),
    REDUCE("amax", 1, infer_amax, grad_amax),
    {"argmax", 1, 1, 1, sizeof(td_dim_attrs), TD_OP_NONDIFF, 0, 0, 0, infer_argmax, NULL, NULL, 0, 0},
    {.name = NULL},
};
