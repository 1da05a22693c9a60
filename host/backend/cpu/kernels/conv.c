/* The convolution operations; see host/ops/conv.c for what they are. */
#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/correlate.h"
#include "host/backend/cpu/kernels/depthwise.h"
#include "host/backend/cpu/kernels/gemm.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/backend/cpu/kernels/wgrad.h"

/* A convolution from x to y, whichever of the two is computed. */
struct conv {
    int64_t images, height, width, rows, columns;
    int64_t channels, out_channels; /* of a group, in x and in y */
    const td_conv2d_attrs *a;
    int64_t kh, kw;
};

static struct conv conv_of(const td_desc *x, const td_desc *y, int64_t kh, int64_t kw, const td_conv2d_attrs *a)
{
    return (struct conv){.images = x->shape[0], .height = x->shape[2], .width = x->shape[3],
                         .rows = y->shape[2], .columns = y->shape[3],
                         .channels = x->shape[1] / a->groups, .out_channels = y->shape[1] / a->groups,
                         .a = a, .kh = kh, .kw = kw};
}

static int is_depthwise(const struct conv *v)
{
    return v->channels == 1 && v->out_channels == 1 && v->a->groups > 1;
}

static td__depthwise_conv depthwise_of(const struct conv *v)
{
    td__depthwise_conv d = {.images = v->images, .channels = v->a->groups, .height = v->height, .width = v->width,
                            .rows = v->rows, .columns = v->columns, .kernel = {v->kh, v->kw}};
    for (int i = 0; i < 2; i++) {
        d.stride[i] = v->a->stride[i];
        d.padding[i] = v->a->padding[i];
        d.dilation[i] = v->a->dilation[i];
    }
    return d;
}

/* Every pixel on its own: a matrix product. */
static int is_pointwise(const struct conv *v)
{
    const td_conv2d_attrs *a = v->a;
    return v->kh == 1 && v->kw == 1 && a->groups == 1 && a->stride[0] == 1 && a->stride[1] == 1 && !a->padding[0] &&
           !a->padding[1];
}

/* finish NULL: none. */
static int forward(td_run *r, const struct conv *v, const float *x, const float *w, const float *bias, float *y,
                   const td__finish *finish)
{
    const td_conv2d_attrs *a = v->a;
    if (is_depthwise(v)) {
        td__depthwise_conv d = depthwise_of(v);
        if (td__depthwise(r, &d, x, w, bias, y))
            return -1;
        td__finish_all(finish);
        return 0;
    }
    if (is_pointwise(v)) {
        td__product p = {.batch = 1, .m = v->images * v->height * v->width, .n = v->out_channels, .k = v->channels,
                         .a = x, .a_m = v->channels, .a_k = 1, .b = w, .b_k = 1, .b_n = v->channels, .bias = bias,
                         .c = y};
        if (td__gemm(r, &p))
            return -1;
        td__finish_all(finish);
        return 0;
    }
    int64_t *taps = td__run_scratch(r, (size_t)(2 * (v->kh + v->kw)) * sizeof *taps);
    if (!taps)
        return -1;
    int64_t *ty = taps, *wy = ty + v->kh, *tx = wy + v->kh, *wx = tx + v->kw;
    for (int64_t k = 0; k < v->kh; k++) {
        ty[k] = k * a->dilation[0] - a->padding[0];
        wy[k] = k * v->kw * v->channels;
    }
    for (int64_t k = 0; k < v->kw; k++) {
        tx[k] = k * a->dilation[1] - a->padding[1];
        wx[k] = k * v->channels;
    }
    int64_t filter = v->kh * v->kw * v->channels, pixel = a->groups * v->out_channels;
    td__correlation c = {
        .images = v->images, .groups = a->groups,
        .source = x, .height = v->height, .width = v->width, .channels = v->channels,
        .source_pixel = a->groups * v->channels,
        .ny = v->kh, .nx = v->kw, .sy = a->stride[0], .sx = a->stride[1], .ty = ty, .tx = tx,
        .weight = w, .wy = wy, .wx = wx,
        .weight_group = v->out_channels * filter, .weight_o = filter, .weight_c = 1,
        .bias = bias,
        .result = y, .rows = v->rows, .columns = v->columns, .out_channels = v->out_channels,
        .result_image = v->rows * v->columns * pixel, .result_row = v->columns * pixel, .result_pixel = pixel,
        .finish = a->groups == 1 ? finish : NULL,
    };
    if (td__correlate(r, &c))
        return -1;
    td__finish_all(a->groups == 1 ? NULL : finish);
    return 0;
}

/* Of one axis and the places congruent to `phase` modulo the stride: source = place / stride + t for each tap that
 * divides, ascending in t.  Returns how many. */
static int64_t phase_taps(const struct conv *v, int axis, int64_t phase, int64_t kernel, int64_t weight_step,
                          int64_t *t, int64_t *w)
{
    int64_t n = 0, stride = v->a->stride[axis];
    for (int64_t k = kernel - 1; k >= 0; k--) {
        int64_t at = phase + v->a->padding[axis] - k * v->a->dilation[axis];
        if (at % stride)
            continue;
        t[n] = at / stride;
        w[n++] = k * weight_step;
    }
    return n;
}

/* The input gradient: for each phase of the stride a correlation of gy with the taps that reach it. */
static int backward(td_run *r, const struct conv *v, const float *gy, const float *w, const float *bias, float *gx)
{
    const td_conv2d_attrs *a = v->a;
    if (is_depthwise(v)) {
        td__depthwise_conv d = depthwise_of(v);
        return td__depthwise_input_grad(r, &d, gy, w, bias, gx);
    }
    if (is_pointwise(v)) {
        td__product p = {.batch = 1, .m = v->images * v->height * v->width, .n = v->channels, .k = v->out_channels,
                         .a = gy, .a_m = v->out_channels, .a_k = 1, .b = w, .b_k = v->channels, .b_n = 1, .bias = bias,
                         .c = gx};
        return td__gemm(r, &p);
    }
    int64_t *taps = td__run_scratch(r, (size_t)(2 * (v->kh + v->kw)) * sizeof *taps);
    if (!taps)
        return -1;
    int64_t *ty = taps, *wy = ty + v->kh, *tx = wy + v->kh, *wx = tx + v->kw;
    int64_t filter = v->kh * v->kw * v->channels, pixel = a->groups * v->channels, row = v->width * pixel;
    td__correlation c = {
        .images = v->images, .groups = a->groups,
        .source = gy, .height = v->rows, .width = v->columns, .channels = v->out_channels,
        .source_pixel = a->groups * v->out_channels,
        .sy = 1, .sx = 1, .ty = ty, .tx = tx,
        .weight = w, .wy = wy, .wx = wx,
        .weight_group = v->out_channels * filter, .weight_o = 1, .weight_c = filter,
        .bias = bias, .out_channels = v->channels,
        .result_image = v->height * row, .result_row = a->stride[0] * row, .result_pixel = a->stride[1] * pixel,
    };
    for (int64_t y = 0; y < min(a->stride[0], v->height); y++)
        for (int64_t x = 0; x < min(a->stride[1], v->width); x++) {
            c.ny = phase_taps(v, 0, y, v->kh, v->kw * v->channels, ty, wy);
            c.nx = phase_taps(v, 1, x, v->kw, v->channels, tx, wx);
            c.rows = ceil_div(v->height - y, a->stride[0]);
            c.columns = ceil_div(v->width - x, a->stride[1]);
            c.result = gx + y * row + x * pixel;
            if (td__correlate(r, &c))
                return -1;
        }
    return 0;
}

static int32_t conv2d_f32(KERNEL_ARGUMENTS)
{
    struct conv v = conv_of(&in[0].d, &out[0].d, in[1].d.shape[2], in[1].d.shape[3], attrs);
    return forward(r, &v, in[0].data, in[1].data, in[2].data, out[0].data, NULL);
}

/* See td_conv_norm_attrs. */
static int32_t conv2d_norm_f32(KERNEL_ARGUMENTS)
{
    const td_conv_norm_attrs *a = attrs;
    struct conv v = conv_of(&in[0].d, &out[0].d, in[1].d.shape[2], in[1].d.shape[3], &a->conv);
    td__finish norm;
    return td__norm_finish(r, &out[0], in + 3, a->eps, a->relu, &norm) ||
           forward(r, &v, in[0].data, in[1].data, in[2].data, out[0].data, &norm);
}

static int32_t conv_transpose2d_f32(KERNEL_ARGUMENTS)
{
    struct conv v = conv_of(&out[0].d, &in[0].d, in[1].d.shape[2], in[1].d.shape[3], attrs);
    return backward(r, &v, in[0].data, in[1].data, in[2].data, out[0].data);
}

static int32_t conv2d_input_grad_f32(KERNEL_ARGUMENTS)
{
    const td_conv2d_grad_attrs *a = attrs;
    struct conv v = conv_of(&out[0].d, &in[0].d, in[1].d.shape[2], in[1].d.shape[3], &a->conv);
    return backward(r, &v, in[0].data, in[1].data, NULL, out[0].data);
}

static int32_t conv2d_weight_grad_f32(KERNEL_ARGUMENTS)
{
    const td_conv2d_attrs *a = &((const td_conv2d_grad_attrs *)attrs)->conv;
    struct conv v = conv_of(&in[0].d, &in[1].d, out[0].d.shape[2], out[0].d.shape[3], a);
    if (is_depthwise(&v)) {
        td__depthwise_conv d = depthwise_of(&v);
        return td__depthwise_weight_grad(r, &d, in[0].data, in[1].data, out[0].data);
    }
    td__weight_grad g = {
        .images = v.images, .conv_groups = a->groups,
        .x = in[0].data, .height = v.height, .width = v.width, .channels = v.channels,
        .x_pixel = a->groups * v.channels,
        .dy = in[1].data, .rows = v.rows, .columns = v.columns, .out_channels = v.out_channels,
        .dy_pixel = a->groups * v.out_channels,
        .kh = v.kh, .kw = v.kw, .sy = a->stride[0], .sx = a->stride[1], .pad_y = a->padding[0], .pad_x = a->padding[1],
        .dilation_y = a->dilation[0], .dilation_x = a->dilation[1],
        .dw = out[0].data,
    };
    return td__weight_gradient(r, &g);
}

FLOAT32_KERNEL(conv2d)
FLOAT32_KERNEL(conv_transpose2d)
FLOAT32_KERNEL(conv2d_input_grad)
FLOAT32_KERNEL(conv2d_weight_grad)

const td__kernel_row td__cpu_conv[] = {
    ROW(conv2d),
    ROW(conv_transpose2d),
    ROW(conv2d_input_grad),
    ROW(conv2d_weight_grad),
    {TD__CONV_NORM, conv2d_norm_f32},
    {NULL, NULL},
};
