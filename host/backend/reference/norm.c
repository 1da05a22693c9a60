/* Batch normalization (see host/ops/norm.c for the formulas).  A tensor is rows of channels, [M, C] in memory. */
#include <math.h>

#include "host/backend/reference/real.h"

/* Mean and biased variance of one channel, in two passes. */
TD__INLINE void statistics(const td_view *x, uint32_t t, int64_t rows, int64_t channels, int64_t c, double *mean,
                           double *var)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < rows; i++)
        sum += td__get(x, t, i * channels + c);
    *mean = sum / (double)rows;
    for (int64_t i = 0; i < rows; i++) {
        double d = td__get(x, t, i * channels + c) - *mean;
        squares += d * d;
    }
    *var = squares / (double)rows;
}

TD__INLINE void update(td_view *running, uint32_t t, int64_t c, double momentum, double value)
{
    td__put(running, t, c, (1 - momentum) * td__get(running, t, c) + momentum * value);
}

TD__KERNEL(batch_norm)
{
    const td_batch_norm_attrs *a = attrs;
    const td_view *x = &in[0], *weight = &in[1], *bias = &in[2], *residual = &in[5];
    td_view running_mean = in[3], running_var = in[4];
    int64_t channels = x->d.shape[1], rows = td_desc_numel(&x->d) / (channels ? channels : 1);
    for (int64_t c = 0; c < channels; c++) {
        double mean, var;
        if (a->training) {
            statistics(x, t, rows, channels, c, &mean, &var);
            if (running_mean.data) {
                update(&running_mean, t, c, a->momentum, mean);
                update(&running_var, t, c, a->momentum, var * (double)rows / (double)(rows - 1));
            }
        } else {
            mean = td__get(&running_mean, t, c);
            var = td__get(&running_var, t, c);
        }
        double inverse_std = 1 / sqrt(var + a->eps);
        double scale = weight->data ? td__get(weight, t, c) : 1, shift = bias->data ? td__get(bias, t, c) : 0;
        td__put(&out[1], t, c, mean);
        td__put(&out[2], t, c, inverse_std);
        for (int64_t i = 0; i < rows; i++) {
            /* Rounded after each step, so that the fused result has the bits of the separate operations. */
            double y = td__rounded(t, (td__get(x, t, i * channels + c) - mean) * inverse_std * scale + shift);
            if (residual->data)
                y = td__rounded(t, y + td__get(residual, t, i * channels + c));
            td__put(&out[0], t, i * channels + c, a->relu && y <= 0 ? 0 : y);
        }
    }
    return TD_OK;
}

TD__KERNEL(batch_norm_grad)
{
    const td_batch_norm_attrs *a = attrs;
    const td_view *gy = &in[0], *x = &in[1], *weight = &in[2], *y = &in[5];
    int64_t channels = x->d.shape[1], rows = td_desc_numel(&x->d) / (channels ? channels : 1);
    for (int64_t c = 0; c < channels; c++) {
        double mean = td__get(&in[3], t, c), inverse_std = td__get(&in[4], t, c);
        double scale = (weight->data ? td__get(weight, t, c) : 1) * inverse_std, sum = 0, dot = 0;
        for (int64_t i = c; i < rows * channels; i += channels) {
            double g = a->relu && !(td__get(y, t, i) > 0) ? 0 : td__get(gy, t, i);
            sum += g;
            dot += g * (td__get(x, t, i) - mean) * inverse_std;
        }
        td__put(&out[1], t, c, dot);
        td__put(&out[2], t, c, sum);
        for (int64_t i = c; i < rows * channels; i += channels) {
            double g = a->relu && !(td__get(y, t, i) > 0) ? 0 : td__get(gy, t, i);
            if (a->training)
                g -= (sum + (td__get(x, t, i) - mean) * inverse_std * dot) / (double)rows;
            td__put(&out[0], t, i, scale * g);
        }
    }
    return TD_OK;
}

const td__kernel_row td__reference_norm[] = {
    {"batch_norm", batch_norm},
    {"batch_norm_grad", batch_norm_grad},
    {NULL, NULL},
};
