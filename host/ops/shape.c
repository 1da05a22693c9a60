/* Shapes: reshape, permute, expand, slice, cat, pad.  All in logical order; memory order is the kernels' business. */
#include "host/ops/shape.h"
#include "host/ops/rule.h"
#include "host/ops/table.h"

#include <string.h>

static int rank_fits(td_ctx *c, const td_shape_attrs *a)
{
    if (a->ndim <= TD_MAX_DIMS)
        return 1;
    td_fail(c, "%u dimensions; at most %d are supported", a->ndim, TD_MAX_DIMS);
    return 0;
}

static td_desc asked(const td_desc *in, const td_shape_attrs *a)
{
    td_desc d = {in->dtype, a->ndim, {0}};
    memcpy(d.shape, a->v, a->ndim * sizeof *a->v);
    return d;
}

/* One length may be -1: what is left for it. */
static void infer_reshape(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_shape_attrs *a = attrs;
    int64_t total = td_desc_numel(&in[0]), known = 1;
    int unknown = -1, bad = 0;
    (void)n_in;
    if (!rank_fits(c, a))
        return;
    out[0] = asked(&in[0], a);
    for (uint32_t i = 0; i < a->ndim && !bad; i++) {
        if (a->v[i] == -1 && unknown < 0)
            unknown = (int)i;
        else
            bad = a->v[i] < 0 || __builtin_mul_overflow(known, a->v[i], &known);
    }
    if (!bad && unknown >= 0) {
        bad = known == 0 || total % known;
        out[0].shape[unknown] = bad ? 0 : total / known;
    } else if (!bad) {
        bad = known != total;
    }
    if (bad) {
        td_desc want = asked(&in[0], a);
        td_fail(c, "%s cannot become %s", TD__SHAPE(&in[0]), TD__SHAPE(&want));
    }
}

static void infer_permute(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_shape_attrs *a = attrs;
    uint32_t seen = 0;
    (void)n_in;
    if (!rank_fits(c, a))
        return;
    out[0] = in[0];
    for (uint32_t i = 0; i < a->ndim && i < in[0].ndim; i++) {
        int64_t from = a->v[i];
        if (from < 0 || from >= (int64_t)in[0].ndim)
            break;
        out[0].shape[i] = in[0].shape[from];
        seen |= 1u << from;
    }
    if (a->ndim != in[0].ndim || seen != (1u << a->ndim) - 1) {
        td_desc order = asked(&in[0], a);
        td_fail(c, "%s is no order of the dimensions of %s", TD__SHAPE(&order), TD__SHAPE(&in[0]));
    }
}

/* New dimensions come first; -1 keeps a length (torch.Tensor.expand). */
static void infer_expand(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_shape_attrs *a = attrs;
    (void)n_in;
    if (!rank_fits(c, a))
        return;
    out[0] = asked(&in[0], a);
    int64_t total = 1;
    int bad = a->ndim < in[0].ndim;
    for (uint32_t i = 0; i < a->ndim && !bad; i++) {
        uint32_t lead = a->ndim - in[0].ndim;
        int64_t from = i < lead ? 1 : in[0].shape[i - lead];
        if (a->v[i] == -1 && i >= lead)
            out[0].shape[i] = from;
        bad = out[0].shape[i] < 0 || (from != 1 && from != out[0].shape[i]) ||
              __builtin_mul_overflow(total, out[0].shape[i], &total);
    }
    if (bad)
        td_fail(c, "%s does not expand to %s", TD__SHAPE(&in[0]), TD__SHAPE(&out[0]));
}

void td__slice_range(const td_slice_attrs *a, int64_t length, int64_t *start, int64_t *count)
{
    int64_t from = a->start < 0 ? a->start + length : a->start, to = a->end < 0 ? a->end + length : a->end;
    from = from < 0 ? 0 : from > length ? length : from;
    to = to < from ? from : to > length ? length : to;
    *start = from;
    *count = to > from ? 1 + (to - from - 1) / a->step : 0;
}

static int slice_fits(td_ctx *c, const td_slice_attrs *a)
{
    if (a->step >= 1)
        return 1;
    td_fail(c, "step %lld; at least 1 is needed", (long long)a->step);
    return 0;
}

static void infer_slice(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_slice_attrs *a = attrs;
    int64_t dim = a->dim, start;
    (void)n_in;
    if (!td__want_dim(c, &in[0], &dim) || !slice_fits(c, a))
        return;
    out[0] = in[0];
    td__slice_range(a, in[0].shape[dim], &start, &out[0].shape[dim]);
}

static void infer_slice_grad(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_slice_grad_attrs *a = attrs;
    int64_t dim = a->slice.dim, start, count;
    if (!td__one_float_dtype(c, in, n_in, 0) || !td__want_dim(c, &in[0], &dim) || !slice_fits(c, &a->slice))
        return;
    out[0] = in[0];
    out[0].shape[dim] = a->length;
    td__slice_range(&a->slice, a->length, &start, &count);
    if (count != in[0].shape[dim])
        td_fail(c, "the gradient %s of a slice of %lld", TD__SHAPE(&in[0]), (long long)count);
}

static void infer_cat(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_dim_attrs *a = attrs;
    int64_t dim = a->dim;
    (void)n_in;
    if (!td__want_same_dtype(c, &in[0], &in[1]) || !td__want_dim(c, &in[0], &dim))
        return;
    out[0] = in[0];
    if (in[0].ndim == in[1].ndim)
        out[0].shape[dim] = in[1].shape[dim];
    if (!td__same_shape(&out[0], &in[1]))
        td_fail(c, "shapes %s and %s differ outside dimension %lld", TD__SHAPE(&in[0]), TD__SHAPE(&in[1]),
                (long long)dim);
    out[0].shape[dim] += in[0].shape[dim];
}

static void infer_pad(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_pad_attrs *a = attrs;
    int64_t dim = a->dim;
    (void)n_in;
    if (!td__want_dim(c, &in[0], &dim))
        return;
    out[0] = in[0];
    if (a->before < 0 || a->after < 0 || __builtin_add_overflow(in[0].shape[dim], a->before, &out[0].shape[dim]) ||
        __builtin_add_overflow(out[0].shape[dim], a->after, &out[0].shape[dim]))
        td_fail(c, "%lld before and %lld after; at least 0 are needed", (long long)a->before, (long long)a->after);
}

/* ---- gradients ---- */

static void grad_reshape(td_ctx *c, const td_grad *g)
{
    g->gin[0] = td_reshape(c, g->gout[0], g->in_desc[0].ndim, g->in_desc[0].shape);
}

static void grad_permute(td_ctx *c, const td_grad *g)
{
    const td_shape_attrs *a = g->attrs;
    int64_t back[TD_MAX_DIMS];
    for (uint32_t i = 0; i < a->ndim; i++)
        back[a->v[i]] = i;
    g->gin[0] = td_permute(c, g->gout[0], a->ndim, back);
}

static void grad_expand(td_ctx *c, const td_grad *g) { g->gin[0] = td__sum_to(c, g->gout[0], &g->in_desc[0]); }

static void grad_slice(td_ctx *c, const td_grad *g)
{
    const td_slice_attrs *a = g->attrs;
    int64_t dim = a->dim < 0 ? a->dim + g->in_desc[0].ndim : a->dim;
    td_slice_grad_attrs back = {*a, g->in_desc[0].shape[dim]};
    g->gin[0] = td__op1(c, "slice_grad", g->gout[0], &back, sizeof back);
}

static void grad_cat(td_ctx *c, const td_grad *g)
{
    const td_dim_attrs *a = g->attrs;
    int64_t dim = a->dim < 0 ? a->dim + g->in_desc[0].ndim : a->dim;
    int64_t first = g->in_desc[0].shape[dim], all = g->out_desc[0].shape[dim];
    if (g->needs[0])
        g->gin[0] = td_slice(c, g->gout[0], dim, 0, first, 1);
    if (g->needs[1])
        g->gin[1] = td_slice(c, g->gout[0], dim, first, all, 1);
}

static void grad_pad(td_ctx *c, const td_grad *g)
{
    const td_pad_attrs *a = g->attrs;
    int64_t dim = a->dim < 0 ? a->dim + g->in_desc[0].ndim : a->dim;
    g->gin[0] = td_slice(c, g->gout[0], dim, a->before, a->before + g->in_desc[0].shape[dim], 1);
}

#define ROW(name, n_in, attrs, flags, infer, grad) \
    {name, n_in, n_in, 1, sizeof(attrs), (flags) | TD_OP_MOVES, 0, 0, 0, infer, grad, NULL, (1u << (n_in)) - 1, 1}

const td_op_type td__ops_shape[] = {
    ROW("reshape", 1, td_shape_attrs, TD_OP_VIEW, infer_reshape, grad_reshape),
    ROW("permute", 1, td_shape_attrs, 0, infer_permute, grad_permute),
    ROW("expand", 1, td_shape_attrs, TD_OP_VIEW, infer_expand, grad_expand),
    ROW("slice", 1, td_slice_attrs, 0, infer_slice, grad_slice),
    /* a slice's gradient: zeros, and the gradient where the slice was */
    ROW("slice_grad", 1, td_slice_grad_attrs, TD_OP_NONDIFF, infer_slice_grad, NULL),
    ROW("cat", 2, td_dim_attrs, 0, infer_cat, grad_cat),
    ROW("pad", 1, td_pad_attrs, 0, infer_pad, grad_pad),
    {.name = NULL},
};
