/* softmax and its logarithm along one dimension (negative counts from the end).
 *
 *   softmax(x) {td_dim_attrs} -> y;            log_softmax(x) {td_dim_attrs} -> y
 *   softmax_grad(gy, y) {td_dim_attrs} -> gx = y * (gy - sum gy * y)
 *   log_softmax_grad(gy, y) {td_dim_attrs} -> gx = gy - e^y * sum gy */
#include "host/ops/rule.h"
#include "host/ops/table.h"

static void along_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    int64_t dim = ((const td_dim_attrs *)attrs)->dim;
    if (!td__one_float_dtype(c, in, n_in, 0) || !td__want_dim(c, &in[0], &dim))
        return;
    if (n_in == 2 && !td__same_shape(&in[0], &in[1])) {
        td_fail(c, "gradient %s for output %s", TD__SHAPE(&in[0]), TD__SHAPE(&in[1]));
        return;
    }
    out[0] = in[0];
}

static void softmax_grad(td_ctx *c, const td_grad *g)
{
    g->gin[0] = td__op2(c, "softmax_grad", g->gout[0], g->out[0], g->attrs, sizeof(td_dim_attrs));
}

static void log_softmax_grad(td_ctx *c, const td_grad *g)
{
    g->gin[0] = td__op2(c, "log_softmax_grad", g->gout[0], g->out[0], g->attrs, sizeof(td_dim_attrs));
}

#define ROW(op, inputs, ...) \
    {.name = #op, .min_in = (inputs), .max_in = (inputs), .n_out = 1, .attrs_size = sizeof(td_dim_attrs), \
     .infer = along_infer, __VA_ARGS__}

const td_op_type td__ops_softmax[] = {
    ROW(softmax, 1, .save_out = 1, .grad = softmax_grad),
    ROW(log_softmax, 1, .save_out = 1, .grad = log_softmax_grad),
    ROW(softmax_grad, 2, .flags = TD_OP_NONDIFF),
    ROW(log_softmax_grad, 2, .flags = TD_OP_NONDIFF),
    {.name = NULL},
};
