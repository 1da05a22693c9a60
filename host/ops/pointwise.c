/* Pointwise operations, with NumPy's broadcasting where there is more than one input. */
#include "host/ops/rule.h"
#include "host/ops/table.h"

static void infer_binary(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)attrs;
    out[0].dtype = in[0].dtype;
    if (td__one_float_dtype(c, in, n_in, 0))
        td__broadcast(c, &in[0], &in[1], &out[0]);
}

static void infer_unary(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)attrs;
    if (td__one_float_dtype(c, in, n_in, 0))
        out[0] = in[0];
}

/* Comparisons also take integers. */
static void infer_compare(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in;
    (void)attrs;
    out[0].dtype = in[0].dtype;
    if (td__want_same_dtype(c, &in[0], &in[1]))
        td__broadcast(c, &in[0], &in[1], &out[0]);
}

static void infer_where(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in;
    (void)attrs;
    td_desc values = {0};
    out[0].dtype = in[1].dtype;
    if (td__want_same_dtype(c, &in[1], &in[2]) && td__broadcast(c, &in[1], &in[2], &values))
        td__broadcast(c, &in[0], &values, &out[0]);
}

static void infer_cast(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_cast_attrs *a = attrs;
    (void)n_in;
    out[0] = in[0];
    out[0].dtype = a->dtype;
    if (!td__dtype_size(a->dtype))
        td__fail(c, "%u is no dtype", a->dtype);
}

static void infer_dropout(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_dropout_attrs *a = attrs;
    infer_unary(c, in, 1, attrs, out);
    if (n_in == 2 && in[1].ndim != UINT32_MAX && (in[1].dtype != TD_INT64 || in[1].ndim != 1 || in[1].shape[0] != 2))
        td__fail(c, "epoch and step are int64 [2]");
    if (!(a->p >= 0 && a->p <= 1))
        td__fail(c, "p is %g, a probability is needed", a->p);
}

/* x > y and the like, as a factor. */
static td_tensor *positive(td_ctx *c, td_tensor *x) { return td_greater(c, x, td__constant(c, x, 0)); }

/* ---- gradients: g is the gradient of the output ---- */

static void set(td_ctx *c, const td_grad *g, uint32_t i, td_tensor *gradient)
{
    g->gin[i] = td__sum_to(c, gradient, &g->in_desc[i]);
}

static void grad_add(td_ctx *c, const td_grad *g)
{
    for (uint32_t i = 0; i < 2; i++)
        if (g->needs[i])
            set(c, g, i, g->gout[0]);
}

static void grad_sub(td_ctx *c, const td_grad *g)
{
    if (g->needs[0])
        set(c, g, 0, g->gout[0]);
    if (g->needs[1])
        set(c, g, 1, td_neg(c, g->gout[0]));
}

static void grad_mul(td_ctx *c, const td_grad *g)
{
    for (uint32_t i = 0; i < 2; i++)
        if (g->needs[i])
            set(c, g, i, td_mul(c, g->gout[0], g->in[1 - i]));
}

/* d(x/y) = dx/y - (x/y) dy/y */
static void grad_div(td_ctx *c, const td_grad *g)
{
    td_tensor *q = td_div(c, g->gout[0], g->in[1]);
    if (g->needs[0])
        set(c, g, 0, q);
    if (g->needs[1])
        set(c, g, 1, td_neg(c, td_mul(c, q, g->out[0])));
}

/* To the input a where a > b, half where they are equal. */
static void grad_larger(td_ctx *c, const td_grad *g, uint32_t i, td_tensor *a, td_tensor *b)
{
    td_tensor *share = td_add(c, td_greater(c, a, b), td_scale(c, td_equal(c, a, b), 0.5));
    if (g->needs[i])
        set(c, g, i, td_mul(c, g->gout[0], share));
}

static void grad_maximum(td_ctx *c, const td_grad *g)
{
    grad_larger(c, g, 0, g->in[0], g->in[1]);
    grad_larger(c, g, 1, g->in[1], g->in[0]);
}

static void grad_minimum(td_ctx *c, const td_grad *g)
{
    grad_larger(c, g, 0, g->in[1], g->in[0]);
    grad_larger(c, g, 1, g->in[0], g->in[1]);
}

static void grad_neg(td_ctx *c, const td_grad *g) { g->gin[0] = td_neg(c, g->gout[0]); }
static void grad_exp(td_ctx *c, const td_grad *g) { g->gin[0] = td_mul(c, g->gout[0], g->out[0]); }
static void grad_log(td_ctx *c, const td_grad *g) { g->gin[0] = td_div(c, g->gout[0], g->in[0]); }
static void grad_sqrt(td_ctx *c, const td_grad *g) { g->gin[0] = td_div(c, g->gout[0], td_scale(c, g->out[0], 2)); }
static void grad_square(td_ctx *c, const td_grad *g) { g->gin[0] = td_mul(c, g->gout[0], td_scale(c, g->in[0], 2)); }
static void grad_softplus(td_ctx *c, const td_grad *g) { g->gin[0] = td_mul(c, g->gout[0], td_sigmoid(c, g->in[0])); }

static void grad_abs(td_ctx *c, const td_grad *g)
{
    td_tensor *x = g->in[0], *sign = td_sub(c, positive(c, x), positive(c, td_neg(c, x)));
    g->gin[0] = td_mul(c, g->gout[0], sign);
}

/* s' = s (1 - s) */
static void grad_sigmoid(td_ctx *c, const td_grad *g)
{
    td_tensor *s = g->out[0];
    g->gin[0] = td_mul(c, td_mul(c, g->gout[0], s), td_affine(c, s, -1, 1));
}

/* tanh' = 1 - tanh^2 */
static void grad_tanh(td_ctx *c, const td_grad *g)
{
    g->gin[0] = td_mul(c, g->gout[0], td_affine(c, td_square(c, g->out[0]), -1, 1));
}

static void grad_relu(td_ctx *c, const td_grad *g)
{
    g->gin[0] = td__op2(c, "relu_grad", g->out[0], g->gout[0], NULL, 0);
}

static void grad_affine(td_ctx *c, const td_grad *g)
{
    const td_scalar_attrs *a = g->attrs;
    g->gin[0] = td_scale(c, g->gout[0], a->a);
}

static void grad_pow(td_ctx *c, const td_grad *g)
{
    const td_scalar_attrs *a = g->attrs;
    g->gin[0] = td_mul(c, g->gout[0], td_scale(c, td_pow(c, g->in[0], a->a - 1), a->a));
}

/* 1 inside the bounds and on them. */
static void grad_clamp(td_ctx *c, const td_grad *g)
{
    const td_scalar_attrs *a = g->attrs;
    td_tensor *x = g->in[0];
    td_tensor *outside =
        td_add(c, td_greater(c, x, td__constant(c, x, a->b)), td_greater(c, td__constant(c, x, a->a), x));
    g->gin[0] = td_mul(c, g->gout[0], td_affine(c, outside, -1, 1));
}

static void grad_leaky_relu(td_ctx *c, const td_grad *g)
{
    const td_scalar_attrs *a = g->attrs;
    g->gin[0] = td_mul(c, g->gout[0], td_affine(c, positive(c, g->in[0]), 1 - a->a, a->a));
}

static void grad_where(td_ctx *c, const td_grad *g)
{
    td_tensor *mask = g->in[0], *zero = td__constant(c, g->gout[0], 0);
    if (g->needs[1])
        set(c, g, 1, td_where(c, mask, g->gout[0], zero));
    if (g->needs[2])
        set(c, g, 2, td_where(c, mask, zero, g->gout[0]));
}

/* Dropout is linear with factors that its attributes fix. */
static void grad_dropout(td_ctx *c, const td_grad *g)
{
    const td_dropout_attrs *a = g->attrs;
    g->gin[0] = td__op2(c, "dropout", g->gout[0], g->in[1], a, sizeof *a);
}

static void grad_cast(td_ctx *c, const td_grad *g)
{
    if (td__is_float(g->in_desc[0].dtype))
        g->gin[0] = td_cast(c, g->gout[0], g->in_desc[0].dtype);
}

/* `half`: 1 where bfloat16 stays bfloat16 (td_op_type.half_in): what networks do to activations.  affine is not, for the
 * sake of the gradients that subtract from 1. */
#define BINARY(name, save_in, save_out, grad, half) \
    {name, 2, 2, 1, 0, 0, 0, save_in, save_out, infer_binary, grad, NULL, 3 * (half), half}
#define UNARY(name, save_in, save_out, grad, half) \
    {name, 1, 1, 1, 0, 0, 0, save_in, save_out, infer_unary, grad, NULL, half, half}
#define SCALAR(name, save_in, grad, half) \
    {name, 1, 1, 1, sizeof(td_scalar_attrs), 0, 0, save_in, 0, infer_unary, grad, NULL, half, half}

const td_op_type td__ops_pointwise[] = {
    BINARY("add", 0, 0, grad_add, 1),
    BINARY("sub", 0, 0, grad_sub, 1),
    BINARY("mul", 3, 0, grad_mul, 1),
    BINARY("div", 2, 1, grad_div, 0),
    BINARY("maximum", 3, 0, grad_maximum, 0),
    BINARY("minimum", 3, 0, grad_minimum, 0),
    {"greater", 2, 2, 1, 0, TD_OP_NONDIFF, 0, 0, 0, infer_compare, NULL, NULL, 0, 0},
    {"equal", 2, 2, 1, 0, TD_OP_NONDIFF, 0, 0, 0, infer_compare, NULL, NULL, 0, 0},
    UNARY("neg", 0, 0, grad_neg, 1),
    UNARY("exp", 0, 1, grad_exp, 0),
    UNARY("log", 1, 0, grad_log, 0),
    UNARY("sqrt", 0, 1, grad_sqrt, 0),
    UNARY("abs", 1, 0, grad_abs, 0),
    UNARY("square", 1, 0, grad_square, 0),
    UNARY("sigmoid", 0, 1, grad_sigmoid, 1),
    UNARY("tanh", 0, 1, grad_tanh, 1),
    UNARY("softplus", 1, 0, grad_softplus, 0),
    UNARY("relu", 0, 1, grad_relu, 1),
    /* (relu's output, gradient) -> gradient where the output is positive, else 0 */
    {"relu_grad", 2, 2, 1, 0, TD_OP_NONDIFF, 0, 0, 0, infer_binary, NULL, NULL, 3, 1},
    SCALAR("affine", 0, grad_affine, 0),
    SCALAR("pow", 1, grad_pow, 0),
    SCALAR("clamp", 1, grad_clamp, 1),
    SCALAR("leaky_relu", 1, grad_leaky_relu, 1),
    {"where", 3, 3, 1, 0, 0, 0, 1, 0, infer_where, grad_where, NULL, 0, 0},
    {"dropout", 1, 2, 1, sizeof(td_dropout_attrs), 0, 0, 2, 0, infer_dropout, grad_dropout, NULL, 1, 1},
    {"cast", 1, 1, 1, sizeof(td_cast_attrs), TD_OP_VIEW | TD_OP_MOVES, 0, 0, 0, infer_cast, grad_cast, NULL, 1, 0},
    {.name = NULL},
};
