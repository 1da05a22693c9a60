/* Convolutions by their definitions (see host/ops/conv.c); channels innermost, as they lie in memory. */
#include <string.h>

#include "host/backend/reference/real.h"

/* The input position that kernel position k of output position o reads, or -1 in the padding. */
static int64_t tap(int64_t o, int64_t k, int64_t stride, int64_t padding, int64_t dilation, int64_t length)
{
    int64_t i = o * stride - padding + k * dilation;
    return i >= 0 && i < length ? i : -1;
}

TD__KERNEL(conv2d)
{
    const td_conv2d_attrs *a = attrs;
    const td_view *x = &in[0], *w = &in[1], *bias = &in[2];
    const td_desc *y = &out->d;
    int64_t ins = w->d.shape[1], outs = y->shape[1] / a->groups;
    for (int64_t n = 0; n < y->shape[0]; n++)
        for (int64_t oy = 0; oy < y->shape[2]; oy++)
            for (int64_t ox = 0; ox < y->shape[3]; ox++)
                for (int64_t o = 0; o < y->shape[1]; o++) {
                    double sum = bias->data ? td__get(bias, t, o) : 0;
                    for (int64_t ky = 0; ky < w->d.shape[2]; ky++) {
                        int64_t iy = tap(oy, ky, a->stride[0], a->padding[0], a->dilation[0], x->d.shape[2]);
                        for (int64_t kx = 0; kx < w->d.shape[3] && iy >= 0; kx++) {
                            int64_t ix = tap(ox, kx, a->stride[1], a->padding[1], a->dilation[1], x->d.shape[3]);
                            if (ix < 0)
                                continue;
                            int64_t from = td__at(&x->d, n, o / outs * ins, iy, ix),
                                    weight = td__at(&w->d, o, 0, ky, kx);
                            for (int64_t c = 0; c < ins; c++)
                                sum += td__get(x, t, from + c) * td__get(w, t, weight + c);
                        }
                    }
                    td__put(out, t, td__at(y, n, o, oy, ox), sum);
                }
    return TD_OK;
}

/* sums [H, W, C] of image n: what the gradient gy of the outputs sends to each input. */
TD__INLINE void spread(const td_view *gy, const td_view *w, const td_conv2d_attrs *a, int64_t n, const td_desc *x,
                       double *sums, uint32_t t)
{
    int64_t ins = w->d.shape[1], outs = gy->d.shape[1] / a->groups;
    for (int64_t oy = 0; oy < gy->d.shape[2]; oy++)
        for (int64_t ky = 0; ky < w->d.shape[2]; ky++) {
            int64_t iy = tap(oy, ky, a->stride[0], a->padding[0], a->dilation[0], x->shape[2]);
            for (int64_t ox = 0; ox < gy->d.shape[3] && iy >= 0; ox++)
                for (int64_t kx = 0; kx < w->d.shape[3]; kx++) {
                    int64_t ix = tap(ox, kx, a->stride[1], a->padding[1], a->dilation[1], x->shape[3]);
                    for (int64_t o = 0; o < gy->d.shape[1] && ix >= 0; o++) {
                        double g = td__get(gy, t, td__at(&gy->d, n, o, oy, ox));
                        double *to = &sums[td__at(x, 0, o / outs * ins, iy, ix)];
                        int64_t weight = td__at(&w->d, o, 0, ky, kx);
                        for (int64_t c = 0; c < ins; c++)
                            to[c] += g * td__get(w, t, weight + c);
                    }
                }
        }
}

TD__INLINE int32_t input_grad(td_run *r, const td_view *gy, const td_view *w, const td_view *bias,
                              const td_conv2d_attrs *a, td_view *gx, uint32_t t)
{
    const td_desc *x = &gx->d;
    int64_t channels = x->shape[1], size = channels * x->shape[2] * x->shape[3];
    double *sums = td__run_scratch(r, (size_t)size * sizeof *sums);
    if (!sums)
        return TD_ERROR;
    for (int64_t n = 0; n < x->shape[0]; n++) {
        for (int64_t i = 0; i < size; i++)
            sums[i] = bias ? td__get(bias, t, i % channels) : 0;
        spread(gy, w, a, n, x, sums, t);
        for (int64_t i = 0; i < size; i++)
            td__put(gx, t, n * size + i, sums[i]);
    }
    return TD_OK;
}

TD__KERNEL(conv2d_input_grad)
{
    return input_grad(r, &in[0], &in[1], NULL, &((const td_conv2d_grad_attrs *)attrs)->conv, out, t);
}

TD__KERNEL(conv_transpose2d) { return input_grad(r, &in[0], &in[1], in[2].data ? &in[2] : NULL, attrs, out, t); }

TD__KERNEL(conv2d_weight_grad)
{
    const td_conv2d_attrs *a = &((const td_conv2d_grad_attrs *)attrs)->conv;
    const td_view *x = &in[0], *gy = &in[1];
    const td_desc *w = &out->d;
    int64_t ins = w->shape[1], outs = w->shape[0] / a->groups;
    double *sums = td__run_scratch(r, (size_t)ins * sizeof *sums);
    if (!sums)
        return TD_ERROR;
    for (int64_t o = 0; o < w->shape[0]; o++)
        for (int64_t ky = 0; ky < w->shape[2]; ky++)
            for (int64_t kx = 0; kx < w->shape[3]; kx++) {
                memset(sums, 0, (size_t)ins * sizeof *sums);
                for (int64_t n = 0; n < gy->d.shape[0]; n++)
                    for (int64_t oy = 0; oy < gy->d.shape[2]; oy++) {
                        int64_t iy = tap(oy, ky, a->stride[0], a->padding[0], a->dilation[0], x->d.shape[2]);
                        for (int64_t ox = 0; ox < gy->d.shape[3] && iy >= 0; ox++) {
                            int64_t ix = tap(ox, kx, a->stride[1], a->padding[1], a->dilation[1], x->d.shape[3]);
                            if (ix < 0)
                                continue;
                            double g = td__get(gy, t, td__at(&gy->d, n, o, oy, ox));
                            int64_t from = td__at(&x->d, n, o / outs * ins, iy, ix);
                            for (int64_t c = 0; c < ins; c++)
                                sums[c] += g * td__get(x, t, from + c);
                        }
                    }
                for (int64_t c = 0; c < ins; c++)
                    td__put(out, t, td__at(w, o, c, ky, kx), sums[c]);
            }
    return TD_OK;
}

const td__kernel_row td__reference_conv[] = {
    {"conv2d", conv2d},
    {"conv_transpose2d", conv_transpose2d},
    {"conv2d_input_grad", conv2d_input_grad},
    {"conv2d_weight_grad", conv2d_weight_grad},
    {NULL, NULL},
};
