/* Matrix products.
 *
 *   linear(x [..., in], weight [out, in], bias [out]?) -> [..., out]; x of any rank but 0 and 4 (channels-last)
 *   matmul(x, y) {td_matmul_attrs} -> [m, n] or [b, m, n]
 *   solve_spd(a [n, n], b [n, k]) -> a^-1 b, where a is made symmetric, (a + a^T) / 2, and must be positive definite
 *
 * The gradients of the first two are matmul, sum and reshape; there are no operations of their own. */
#include "host/ops/rule.h"
#include "host/ops/table.h"

static void linear_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_desc *x = &in[0], *w = &in[1];
    (void)attrs;
    if (!td__one_float_dtype(c, in, n_in, 0))
        return;
    if (x->ndim == 0 || x->ndim == 4) {
        td_fail(c, "the input %s may have any number of dimensions but 0 and 4 (flatten or reshape it)", TD__SHAPE(x));
        return;
    }
    if (w->ndim != 2 || x->shape[x->ndim - 1] != w->shape[1]) {
        td_fail(c, "input %s and weight %s do not fit: [..., in] and [out, in] are needed", TD__SHAPE(x), TD__SHAPE(w));
        return;
    }
    if (td__given(in, n_in, 2) && (in[2].ndim != 1 || in[2].shape[0] != w->shape[0])) {
        td_fail(c, "bias %s does not fit weight %s", TD__SHAPE(&in[2]), TD__SHAPE(w));
        return;
    }
    out[0] = *x;
    out[0].shape[x->ndim - 1] = w->shape[0];
}

/* [..., n] -> [all rows, n], sharing memory. */
static td_tensor *as_matrix(td_ctx *c, td_tensor *t)
{
    int64_t shape[2] = {-1, td_dim(t, -1)};
    return td_ndim(t) == 2 ? t : td_reshape(c, t, 2, shape);
}

static void linear_grad(td_ctx *c, const td_grad *g)
{
    td_tensor *gy = as_matrix(c, g->gout[0]);
    if (g->needs[0])
        g->gin[0] = td_reshape(c, td_matmul(c, gy, g->in[1], 0, 0), g->in_desc[0].ndim, g->in_desc[0].shape);
    if (g->needs[1])
        g->gin[1] = td_matmul(c, gy, as_matrix(c, g->in[0]), 1, 0);
    if (g->needs[2])
        g->gin[2] = td_sum(c, gy, TD_DIM(0), 0);
}

static void matmul_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_matmul_attrs *a = attrs;
    const td_desc *x = &in[0], *y = &in[1];
    if (!td__one_float_dtype(c, in, n_in, 0))
        return;
    uint32_t r = x->ndim;
    if (r != y->ndim || r < 2 || r > 3 || (r == 3 && x->shape[0] != y->shape[0]) ||
        x->shape[r - 1 - !!a->trans_a] != y->shape[r - 2 + !!a->trans_b]) {
        td_fail(c, "%s%s and %s%s do not fit: [.., m, k] and [.., k, n] of 2 or 3 dimensions are needed", TD__SHAPE(x),
                a->trans_a ? " transposed" : "", TD__SHAPE(y), a->trans_b ? " transposed" : "");
        return;
    }
    out[0] = *x;
    out[0].shape[r - 2] = x->shape[r - 2 + !!a->trans_a];
    out[0].shape[r - 1] = y->shape[r - 1 - !!a->trans_b];
}

/* C = A' B' with A', B' the operands as used: dA' = G B'^T, dB' = A'^T G; transposed again where the operand was. */
static void matmul_grad(td_ctx *c, const td_grad *g)
{
    const td_matmul_attrs *a = g->attrs;
    td_tensor *x = g->in[0], *y = g->in[1], *gy = g->gout[0];
    if (g->needs[0])
        g->gin[0] = a->trans_a ? td_matmul(c, y, gy, a->trans_b, 1) : td_matmul(c, gy, y, 0, !a->trans_b);
    if (g->needs[1])
        g->gin[1] = a->trans_b ? td_matmul(c, gy, x, 1, a->trans_a) : td_matmul(c, x, gy, !a->trans_a, 0);
}

static void solve_spd_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_desc *a = &in[0], *b = &in[1];
    (void)attrs;
    if (!td__one_float_dtype(c, in, n_in, 0))
        return;
    if (a->ndim != 2 || b->ndim != 2 || a->shape[0] != a->shape[1] || a->shape[0] != b->shape[0]) {
        td_fail(c, "%s and %s do not fit: [n, n] and [n, k] are needed", TD__SHAPE(a), TD__SHAPE(b));
        return;
    }
    out[0] = *b;
}

/* x = a^-1 b: db = a^-1 g, da = -db x^T, made symmetric as a is. */
static void solve_spd_grad(td_ctx *c, const td_grad *g)
{
    td_tensor *gb = td_solve_spd(c, g->in[0], g->gout[0]);
    if (g->needs[1])
        g->gin[1] = gb;
    if (g->needs[0]) {
        td_tensor *outer = td_matmul(c, gb, g->out[0], 0, 1);
        g->gin[0] = td_scale(c, td_add(c, outer, td_transpose(c, outer)), -0.5);
    }
}

const td_op_type td__ops_matmul[] = {
    {.name = "linear", .min_in = 2, .max_in = 3, .n_out = 1, .flags = TD_OP_AUTOCAST, .half_in = 3, .half_out = 1,
     .save_in = 3, .infer = linear_infer, .grad = linear_grad},
    {.name = "matmul", .min_in = 2, .max_in = 2, .n_out = 1, .attrs_size = sizeof(td_matmul_attrs),
     .flags = TD_OP_AUTOCAST, .half_in = 3, .half_out = 1, .save_in = 3, .infer = matmul_infer, .grad = matmul_grad},
    {.name = "solve_spd", .min_in = 2, .max_in = 2, .n_out = 1, .save_in = 1, .save_out = 1, .infer = solve_spd_infer,
     .grad = solve_spd_grad},
    {.name = NULL},
};
