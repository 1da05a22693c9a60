/* Batch normalization (see host/ops/norm.c).  The library gives mean and biased variance; running statistics and
 * 1 / sqrt(variance + eps), which the host's gradient rule keeps, follow from them here.  With a residual to add it is the
 * host's: the library's sum with a ReLU turns NaN into 0, which would hide that a run diverged. */
#include "plugins/backends/onednn/onednn.h"

#include <math.h>
#include <string.h>

enum { X, WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, RESIDUAL };

static unsigned flags_of(const td_view *weight, const td_view *bias, const td_batch_norm_attrs *a)
{
    return (weight->data ? dnnl_use_scale : 0u) | (bias->data ? dnnl_use_shift : 0u) | (a->training ? 0u : dnnl_use_global_stats) |
           (a->relu ? dnnl_fuse_norm_relu : 0u);
}

static dnnl_status_t make_forward(td__build *b)
{
    const td_batch_norm_attrs *a = b->attrs;
    const td_desc channels = {TD_FLOAT32, 1, {b->in->d.shape[1]}};
    unsigned flags = flags_of(&b->in[WEIGHT], &b->in[BIAS], a);
    const_dnnl_memory_desc_t x = b->operand[0] = b->operand[1] = td__md_tensor(b, &b->in->d);
    b->operand[2] = b->operand[3] = td__md_tensor(b, &channels);
    b->operand[4] = td__md_view(b, &b->in[WEIGHT]);
    b->operand[5] = td__md_view(b, &b->in[BIAS]);
    dnnl_status_t s = b->status;
    if (!s)
        s = dnnl_batch_normalization_forward_primitive_desc_create(&b->pd, b->engine, a->training ? dnnl_forward_training : dnnl_forward_inference,
                                                                   x, x, (float)a->eps, flags, NULL);
    if (!s && a->training && a->relu)
        b->operand[6] = dnnl_primitive_desc_query_md(b->pd, dnnl_query_workspace_md, 0);
    return s;
}

static dnnl_status_t make_backward(td__build *b)
{
    const td_batch_norm_attrs *a = b->attrs;
    const td_desc channels = {TD_FLOAT32, 1, {b->in->d.shape[1]}};
    const unsigned flags = dnnl_use_scale | dnnl_use_shift | (a->training ? 0u : dnnl_use_global_stats);
    const_dnnl_memory_desc_t x = b->operand[0] = b->operand[1] = b->operand[2] = td__md_tensor(b, &b->in->d);
    const_dnnl_memory_desc_t c = td__md_tensor(b, &channels);
    for (int i = 3; i <= 8; i++)
        b->operand[i] = i < 8 || TD__NORM_GRAD_TAKES_SHIFT ? c : NULL;
    dnnl_status_t s = b->status;
    if (!s)
        s = dnnl_batch_normalization_forward_primitive_desc_create(&b->hint, b->engine, dnnl_forward_training, x, x, (float)a->eps, flags, NULL);
    return s ? s
             : dnnl_batch_normalization_backward_primitive_desc_create(&b->pd, b->engine, dnnl_backward, x, x, x, (float)a->eps, flags,
                                                                       b->hint, NULL);
}

static const td__recipe forward_recipe = {
    "batch_norm", 5, sizeof(td_batch_norm_attrs),
    {DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE, DNNL_ARG_SCALE, DNNL_ARG_SHIFT, DNNL_ARG_WORKSPACE},
    make_forward};
static const td__recipe backward_recipe = {
    "batch_norm_grad", 1, sizeof(td_batch_norm_attrs),
    {DNNL_ARG_DIFF_DST, DNNL_ARG_SRC, DNNL_ARG_DIFF_SRC, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE, DNNL_ARG_SCALE, DNNL_ARG_DIFF_SCALE,
     DNNL_ARG_DIFF_SHIFT, DNNL_ARG_SHIFT},
    make_backward};

/* As PyTorch's: (1 - momentum) * running + momentum * value, of the unbiased variance. */
static void update_running(const td_view *in, const td_batch_norm_attrs *a, const float *mean, const float *var)
{
    int64_t channels = in->d.shape[1], n = td_desc_numel(&in->d) / channels;
    float *running_mean = in[RUNNING_MEAN].data, *running_var = in[RUNNING_VAR].data;
    double unbiased = (double)n / (double)(n - 1);
    for (int64_t c = 0; c < channels; c++) {
        running_mean[c] = (float)((1 - a->momentum) * (double)running_mean[c] + a->momentum * (double)mean[c]);
        running_var[c] = (float)((1 - a->momentum) * (double)running_var[c] + a->momentum * (double)var[c] * unbiased);
    }
}

static int32_t batch_norm(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_batch_norm_attrs *a = attrs;
    const int64_t channels = in->d.shape[1];
    float *mean = out[1].data, *inverse_std = out[2].data;
    if (!td__onednn_serves(in, 6) || in[RESIDUAL].data)
        return td__onednn_cpu(r, "batch_norm", in, out, attrs);
    float *var = a->training ? td_host->run_scratch(r, (size_t)channels * sizeof *var) : in[RUNNING_VAR].data;
    if (!var)
        return TD_ERROR;
    if (!a->training)
        memcpy(mean, in[RUNNING_MEAN].data, (size_t)channels * sizeof *mean);
    void *const data[] = {in[X].data, out->data, mean, var, in[WEIGHT].data, in[BIAS].data, NULL};
    if (td__plan_run(r, &forward_recipe, in, out, attrs, data))
        return TD_ERROR;
    for (int64_t c = 0; c < channels; c++)
        inverse_std[c] = (float)(1 / sqrt((double)var[c] + a->eps));
    if (a->training && in[RUNNING_MEAN].data)
        update_running(in, a, mean, var);
    return TD_OK;
}

static int32_t batch_norm_grad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_batch_norm_attrs *a = attrs;
    const td_view *gy = &in[0], *x = &in[1], *weight = &in[2], *y = &in[5];
    const int64_t channels = x->d.shape[1];
    const float *inverse_std = in[4].data;
    if (!td__onednn_serves(in, 6))
        return td__onednn_cpu(r, "batch_norm_grad", in, out, attrs);
    float *var = td_host->run_scratch(r, 2 * (size_t)channels * sizeof *var), *ones = var + channels;
    if (!var)
        return TD_ERROR;
    for (int64_t c = 0; c < channels; c++) {
        var[c] = (float)(1 / ((double)inverse_std[c] * (double)inverse_std[c]) - a->eps);
        ones[c] = 1;
    }
    void *g = gy->data;
    if (a->relu) { /* the gradient of what went into the ReLU, where the result then goes */
        void *const masked[] = {y->data, gy->data, g = out->data};
        if (td__plan_run(r, &td__onednn_relu_grad, in, out, NULL, masked))
            return TD_ERROR;
    }
    void *const data[] = {g, x->data, out->data, in[3].data, var, weight->data ? weight->data : ones, out[1].data, out[2].data, ones};
    return td__plan_run(r, &backward_recipe, x, out, attrs, data);
}

const td__onednn_row td__onednn_norm[] = {{"batch_norm", batch_norm}, {"batch_norm_grad", batch_norm_grad}, {NULL, NULL}};
