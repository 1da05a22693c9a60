/* What an optimizer does to parameters and gradients, in place, with torch.optim's arithmetic.
 *
 *   With `schedule`, float64 [2], the learning rate and the step, counted from 1, are read from it and not from the
 *   attributes (lr; step, first).
 *   sgd_step(param, grad, momentum_buffer?, schedule?) {td_sgd_attrs}
 *     d = grad + weight_decay * param
 *     buffer = first ? d : momentum * buffer + (1 - dampening) * d;  d = nesterov ? d + momentum * buffer : buffer
 *     param -= lr * d                                   (without a buffer: no momentum)
 *   adam_step(param, grad, exp_avg, exp_avg_sq, schedule?) {td_adam_attrs}
 *     decoupled (AdamW): param *= 1 - lr * weight_decay; else grad += weight_decay * param
 *     m = beta1 * m + (1 - beta1) * grad;  v = beta2 * v + (1 - beta2) * grad^2;  amsgrad: v' = max = max(max, v)
 *     param -= lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)
 *
 * and clipping by the norm of all gradients as one vector (torch.nn.utils.clip_grad_norm_); its square is a float64 []:
 *   add_square_sum(x, total): total += sum x^2, summed in double
 *   clip_by_norm(x, total) {td_scalar_attrs}: x *= min(1, a / (sqrt(total) + 1e-6)); NaN where the total is */
#include "host/ops/rule.h"
#include "host/ops/table.h"

/* Inputs [0, schedule) are like the parameter, the last one is as it must be. */
static int like_param(td_ctx *c, const td_desc *in, uint32_t n_in, uint32_t schedule)
{
    if (td__given(in, n_in, schedule) &&
        (in[schedule].dtype != TD_FLOAT64 || in[schedule].ndim != 1 || in[schedule].shape[0] != 2)) {
        td_fail(c, "a schedule is float64 [2], not %s", TD__SHAPE(&in[schedule]));
        return 0;
    }
    n_in = n_in < schedule ? n_in : schedule;
    if (!td__one_float_dtype(c, in, n_in, 0))
        return 0;
    for (uint32_t i = 1; i < n_in; i++)
        if (td__given(in, n_in, i) && !td__same_shape(&in[0], &in[i])) {
            td_fail(c, "parameter %s, %s %s", TD__SHAPE(&in[0]), i == 1 ? "gradient" : "state", TD__SHAPE(&in[i]));
            return 0;
        }
    return 1;
}

static void sgd_step_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_sgd_attrs *a = attrs;
    (void)out;
    if (like_param(c, in, n_in, 3) && a->momentum != 0 && !td__given(in, n_in, 2))
        td_fail(c, "momentum %g needs a momentum_buffer", a->momentum);
}

static void adam_step_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)attrs;
    (void)out;
    like_param(c, in, n_in, 4);
}

static void square_sum_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in;
    (void)attrs;
    (void)out;
    if (td__one_float_dtype(c, in, 1, 0) && (in[1].dtype != TD_FLOAT64 || in[1].ndim != 0))
        td_fail(c, "a sum of squares is a float64 scalar, not %s", TD__SHAPE(&in[1]));
}

const td_op_type td__ops_optim[] = {
    {.name = "sgd_step", .min_in = 2, .max_in = 4, .n_out = 0, .attrs_size = sizeof(td_sgd_attrs),
     .flags = TD_OP_INPLACE | TD_OP_TOGETHER, .mutates = 1u << 0 | 1u << 2, .infer = sgd_step_infer},
    {.name = "adam_step", .min_in = 4, .max_in = 5, .n_out = 0, .attrs_size = sizeof(td_adam_attrs),
     .flags = TD_OP_INPLACE | TD_OP_TOGETHER, .mutates = 1u << 0 | 1u << 2 | 1u << 3, .infer = adam_step_infer},
    {.name = "add_square_sum", .min_in = 2, .max_in = 2, .n_out = 0, .attrs_size = 0, .flags = TD_OP_NONDIFF,
     .mutates = 1u << 1, .infer = square_sum_infer},
    {.name = "clip_by_norm", .min_in = 2, .max_in = 2, .n_out = 0, .attrs_size = sizeof(td_scalar_attrs),
     .flags = TD_OP_INPLACE | TD_OP_TOGETHER, .infer = square_sum_infer},
    {.name = NULL},
};
