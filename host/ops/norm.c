/* Batch normalization (Ioffe & Szegedy 2015), with PyTorch's conventions.
 *
 *   batch_norm(x [N,C] or [N,C,H,W], weight [C]?, bias [C]?, running_mean [C]?, running_var [C]?, residual like x?)
 *       {td_batch_norm_attrs} -> y like x, mean [C], inverse_std [C]
 *     xhat = (x - mean) * inverse_std,  y = xhat * weight + bias (+ residual), and max(0, y) if relu.
 *     Training: mean and biased variance of the batch; running = (1 - momentum) * running + momentum * (mean, unbiased
 *     variance) where running statistics are given.  Else: the running statistics, as constants.
 *   batch_norm_grad(gy, x, weight?, mean, inverse_std, y if relu) {td_batch_norm_attrs} -> gx, gweight [C], gbias [C]
 *     g = gy where y > 0 (relu), else gy;  gbias = sum g;  gweight = sum g * xhat;
 *     gx = weight * inverse_std * (g - (gbias + xhat * gweight) / M) with M elements a channel in training,
 *     weight * inverse_std * g otherwise.
 *     One operation, because gx needs both sums.  The gradient of the residual is g. */
#include "host/ops/rule.h"
#include "host/ops/table.h"

enum { X, WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, RESIDUAL };

static void channels_of(const td_desc *x, td_desc *out) { *out = (td_desc){x->dtype, 1, {x->shape[1]}}; }

static int batch_norm_x_fits(td_ctx *c, const td_desc *x)
{
    if (x->ndim != 2 && x->ndim != 4) {
        td_fail(c, "the input %s must be [N, C] or [N, C, H, W]", TD__SHAPE(x));
        return 0;
    }
    return 1;
}

static int per_channel(td_ctx *c, const char *what, const td_desc *d, const td_desc *x)
{
    if (d->ndim != 1 || d->shape[0] != x->shape[1]) {
        td_fail(c, "%s %s for input %s with %lld channels", what, TD__SHAPE(d), TD__SHAPE(x), (long long)x->shape[1]);
        return 0;
    }
    return 1;
}

static void batch_norm_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    static const char *const names[] = {"input", "weight", "bias", "running_mean", "running_var"};
    const td_batch_norm_attrs *a = attrs;
    if (!td__one_float_dtype(c, in, n_in, 0) || !batch_norm_x_fits(c, &in[X]))
        return;
    for (uint32_t i = WEIGHT; i <= RUNNING_VAR; i++)
        if (td__given(in, n_in, i) && !per_channel(c, names[i], &in[i], &in[X]))
            return;
    int running = td__given(in, n_in, RUNNING_MEAN);
    if (running != td__given(in, n_in, RUNNING_VAR) || (!running && !a->training)) {
        td_fail(c, "%s",
                a->training ? "running_mean and running_var go together"
                            : "without training, running_mean and running_var are needed");
        return;
    }
    if (td__given(in, n_in, RESIDUAL) && !td__same_shape(&in[RESIDUAL], &in[X])) {
        td_fail(c, "residual %s for input %s", TD__SHAPE(&in[RESIDUAL]), TD__SHAPE(&in[X]));
        return;
    }
    if (a->training && td_desc_numel(&in[X]) <= in[X].shape[1]) {
        td_fail(c, "expected more than 1 value per channel when training, got input %s", TD__SHAPE(&in[X]));
        return;
    }
    out[0] = in[X];
    channels_of(&in[X], &out[1]);
    channels_of(&in[X], &out[2]);
}

static void batch_norm_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    static const char *const names[] = {"gradient", "input", "weight", "mean", "inverse_std", "output"};
    const td_batch_norm_attrs *a = attrs;
    if (!td__one_float_dtype(c, in, n_in, 0) || !batch_norm_x_fits(c, &in[1]))
        return;
    for (uint32_t i = 2; i <= 4; i++)
        if (td__given(in, n_in, i) && !per_channel(c, names[i], &in[i], &in[1]))
            return;
    if (!td__given(in, n_in, 3) || !td__given(in, n_in, 4) || (a->relu && !td__given(in, n_in, 5))) {
        td_fail(c, "mean and inverse_std are needed, and the output with relu");
        return;
    }
    for (uint32_t i = 0; i <= 5; i += 5)
        if (td__given(in, n_in, i) && !td__same_shape(&in[i], &in[1])) {
            td_fail(c, "%s %s for input %s", names[i], TD__SHAPE(&in[i]), TD__SHAPE(&in[1]));
            return;
        }
    out[0] = in[1];
    channels_of(&in[1], &out[1]);
    channels_of(&in[1], &out[2]);
}

static void batch_norm_grad(td_ctx *c, const td_grad *g)
{
    td_batch_norm_attrs a = *(const td_batch_norm_attrs *)g->attrs;
    td_tensor *gy = g->gout[0], *y = g->out[0];
    if (g->needs[RESIDUAL]) {
        if (a.relu)
            gy = td__op2(c, "relu_grad", y, gy, NULL, 0);
        a.relu = 0;
        g->gin[RESIDUAL] = gy;
    }
    if (!g->needs[X] && !g->needs[WEIGHT] && !g->needs[BIAS])
        return;
    td_tensor *in[6] = {gy, g->in[X], g->in[WEIGHT], g->out[1], g->out[2], a.relu ? y : NULL}, *out[3];
    td_host->apply(c, "batch_norm_grad", in, 6, &a, sizeof a, out, 3);
    for (uint32_t i = 0; i < 3; i++)
        g->gin[X + i] = g->needs[X + i] ? out[i] : NULL;
}

const td_op_type td__ops_norm[] = {
    {.name = "batch_norm", .min_in = 1, .max_in = 6, .n_out = 3, .attrs_size = sizeof(td_batch_norm_attrs),
     .mutates = 1u << RUNNING_MEAN | 1u << RUNNING_VAR, .save_in = 1u << X | 1u << WEIGHT, .save_out = 7,
     .infer = batch_norm_infer, .grad = batch_norm_grad, .half_in = 1u << X | 1u << RESIDUAL, .half_out = 1},
    {.name = "batch_norm_grad", .min_in = 2, .max_in = 6, .n_out = 3, .attrs_size = sizeof(td_batch_norm_attrs),
     .flags = TD_OP_NONDIFF, .infer = batch_norm_grad_infer, .half_in = 1u << 0 | 1u << 1 | 1u << 5, .half_out = 1},
    {.name = NULL},
};
