/* Two-dimensional convolution (cross-correlation, as PyTorch's) and its transpose.
 *
 *   conv2d(x [N,C,H,W], w [O,C/g,kh,kw], bias [O]?) {td_conv2d_attrs; output_padding unused} -> [N,O,oh,ow]
 *   conv_transpose2d(x [N,C,H,W], w [C,O/g,kh,kw], bias [O]?) {td_conv2d_attrs} -> [N,O,oh,ow]
 * and for gradients (not differentiable again):
 *   conv2d_input_grad(gy [N,O,oh,ow], w [O,C/g,kh,kw]) {td_conv2d_grad_attrs; size = H, W} -> gx [N,C,H,W]
 *       gx[n,c,iy,ix] = sum over o, ky, kx with oy*stride - padding + ky*dilation = iy of gy[n,o,oy,ox] w[o,c,ky,kx]
 *   conv2d_weight_grad(x [N,C,H,W], gy [N,O,oh,ow]) {td_conv2d_grad_attrs; size = kh, kw} -> gw [O,C/g,kh,kw]
 *       gw[o,c,ky,kx] = sum over n, oy, ox of gy[n,o,oy,ox] x[n,c,oy*stride - padding + ky*dilation, ...]
 * where o runs over the outputs of c's group.  conv_transpose2d is conv2d_input_grad plus the bias, its gradients
 * are conv2d and conv2d_weight_grad; the gradient of a bias is sum over N, H and W. */
#include "host/ops/rule.h"
#include "host/ops/table.h"

#define SPATIAL (TD_DIM(0) | TD_DIM(2) | TD_DIM(3))

/* Length of the output on one axis; may be < 1. */
static int64_t conv_length(const td_conv2d_attrs *a, int axis, int64_t in, int64_t kernel)
{
    int64_t span = in + 2 * a->padding[axis] - a->dilation[axis] * (kernel - 1) - 1;
    return span < 0 ? 0 : span / a->stride[axis] + 1;
}

/* Sane numbers, small enough for sums and products of lengths not to overflow. */
static int conv_attrs_fine(td_ctx *c, const td_conv2d_attrs *a)
{
    for (int i = 0; i < 2; i++)
        if (a->stride[i] < 1 || a->padding[i] < 0 || a->dilation[i] < 1 || a->groups < 1 || a->stride[i] > INT32_MAX ||
            a->padding[i] > INT32_MAX || a->dilation[i] > INT32_MAX || a->groups > INT32_MAX) {
            td_fail(c,
                    "stride %lld, padding %lld, dilation %lld, groups %lld: they must be from 1, 0, 1, 1 to 2147483647",
                    (long long)a->stride[i], (long long)a->padding[i], (long long)a->dilation[i], (long long)a->groups);
            return 0;
        }
    return 1;
}

/* Ranks, and that w serves the channels of x: by its second dimension, or, transposed, by its first. */
static int conv_operands_fit(td_ctx *c, const td_desc *x, const td_desc *w, const td_conv2d_attrs *a, int transposed)
{
    if (x->ndim != 4 || w->ndim != 4) {
        td_fail(c, "input %s and weight %s must have 4 dimensions", TD__SHAPE(x), TD__SHAPE(w));
        return 0;
    }
    int64_t served = transposed ? w->shape[0] : w->shape[1] * a->groups;
    if (x->shape[1] != served || w->shape[0] % a->groups) {
        td_fail(c, "input %s has %lld channels, weight %s with groups=%lld is for %lld", TD__SHAPE(x),
                (long long)x->shape[1], TD__SHAPE(w), (long long)a->groups, (long long)served);
        return 0;
    }
    return 1;
}

static int bias_fits(td_ctx *c, const td_desc *in, uint32_t n_in, int64_t channels)
{
    if (td__given(in, n_in, 2) && (in[2].ndim != 1 || in[2].shape[0] != channels)) {
        td_fail(c, "bias %s for %lld output channels of weight %s", TD__SHAPE(&in[2]), (long long)channels,
                TD__SHAPE(&in[1]));
        return 0;
    }
    return 1;
}

static void set4(td_desc *out, uint32_t dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
    *out = (td_desc){dtype, 4, {n, c, h, w}};
}

static void conv2d_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_conv2d_attrs *a = attrs;
    const td_desc *x = &in[0], *w = &in[1];
    if (!td__one_float_dtype(c, in, n_in, 0) || !conv_attrs_fine(c, a) || !conv_operands_fit(c, x, w, a, 0) ||
        !bias_fits(c, in, n_in, w->shape[0]))
        return;
    int64_t oh = conv_length(a, 0, x->shape[2], w->shape[2]), ow = conv_length(a, 1, x->shape[3], w->shape[3]);
    if (oh < 1 || ow < 1) {
        td_fail(c, "the kernel of weight %s is larger than the padded input %s", TD__SHAPE(w), TD__SHAPE(x));
        return;
    }
    set4(out, x->dtype, x->shape[0], w->shape[0], oh, ow);
}

static void conv_transpose2d_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_conv2d_attrs *a = attrs;
    const td_desc *x = &in[0], *w = &in[1];
    if (!td__one_float_dtype(c, in, n_in, 0) || !conv_attrs_fine(c, a) || !conv_operands_fit(c, x, w, a, 1) ||
        !bias_fits(c, in, n_in, w->shape[1] * a->groups))
        return;
    int64_t size[2];
    for (int i = 0; i < 2; i++) {
        size[i] = (x->shape[2 + i] - 1) * a->stride[i] - 2 * a->padding[i] + a->dilation[i] * (w->shape[2 + i] - 1) +
                  a->output_padding[i] + 1;
        if (a->output_padding[i] < 0 || a->output_padding[i] >= a->stride[i]) {
            td_fail(c, "output_padding %lld must be at least 0 and smaller than the stride %lld",
                    (long long)a->output_padding[i], (long long)a->stride[i]);
            return;
        }
    }
    if (size[0] < 1 || size[1] < 1) {
        td_fail(c, "nothing is left of input %s with weight %s and this padding", TD__SHAPE(x), TD__SHAPE(w));
        return;
    }
    set4(out, x->dtype, x->shape[0], w->shape[1] * a->groups, size[0], size[1]);
}

/* Whether a convolution of x with a kh x kw kernel gives gy's height and width. */
static int conv_sizes_agree(td_ctx *c, const td_conv2d_attrs *a, const int64_t x[2], const int64_t kernel[2],
                            const td_desc *gy)
{
    for (int i = 0; i < 2; i++)
        if (conv_length(a, i, x[i], kernel[i]) != gy->shape[2 + i]) {
            td_fail(c, "an input of %lldx%lld and a kernel of %lldx%lld do not give %s", (long long)x[0],
                    (long long)x[1], (long long)kernel[0], (long long)kernel[1], TD__SHAPE(gy));
            return 0;
        }
    return 1;
}

static void conv2d_input_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_conv2d_grad_attrs *a = attrs;
    const td_desc *gy = &in[0], *w = &in[1];
    if (!td__one_float_dtype(c, in, n_in, 0) || !conv_attrs_fine(c, &a->conv) ||
        !conv_operands_fit(c, gy, w, &a->conv, 1) || !conv_sizes_agree(c, &a->conv, a->size, &w->shape[2], gy))
        return;
    set4(out, gy->dtype, gy->shape[0], w->shape[1] * a->conv.groups, a->size[0], a->size[1]);
}

static void conv2d_weight_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_conv2d_grad_attrs *a = attrs;
    const td_desc *x = &in[0], *gy = &in[1];
    if (!td__one_float_dtype(c, in, n_in, 0) || !conv_attrs_fine(c, &a->conv))
        return;
    if (x->ndim != 4 || gy->ndim != 4 || x->shape[0] != gy->shape[0] || x->shape[1] % a->conv.groups ||
        gy->shape[1] % a->conv.groups) {
        td_fail(c, "input %s and gradient %s do not fit with groups=%lld", TD__SHAPE(x), TD__SHAPE(gy),
                (long long)a->conv.groups);
        return;
    }
    if (conv_sizes_agree(c, &a->conv, &x->shape[2], a->size, gy))
        set4(out, x->dtype, gy->shape[1], x->shape[1] / a->conv.groups, a->size[0], a->size[1]);
}

static td_tensor *input_grad(td_ctx *c, td_tensor *gy, td_tensor *w, const td_conv2d_attrs *conv, const td_desc *x)
{
    td_conv2d_grad_attrs a = {*conv, {x->shape[2], x->shape[3]}};
    return td__op2(c, "conv2d_input_grad", gy, w, &a, sizeof a);
}

static td_tensor *weight_grad(td_ctx *c, td_tensor *x, td_tensor *gy, const td_conv2d_attrs *conv, const td_desc *w)
{
    td_conv2d_grad_attrs a = {*conv, {w->shape[2], w->shape[3]}};
    return td__op2(c, "conv2d_weight_grad", x, gy, &a, sizeof a);
}

static void conv2d_grad(td_ctx *c, const td_grad *g)
{
    if (g->needs[0])
        g->gin[0] = input_grad(c, g->gout[0], g->in[1], g->attrs, &g->in_desc[0]);
    if (g->needs[1])
        g->gin[1] = weight_grad(c, g->in[0], g->gout[0], g->attrs, &g->in_desc[1]);
    if (g->needs[2])
        g->gin[2] = td_sum(c, g->gout[0], SPATIAL, 0);
}

static void conv_transpose2d_grad(td_ctx *c, const td_grad *g)
{
    if (g->needs[0])
        g->gin[0] = td_conv2d(c, g->gout[0], g->in[1], NULL, g->attrs);
    if (g->needs[1])
        g->gin[1] = weight_grad(c, g->gout[0], g->in[0], g->attrs, &g->in_desc[1]);
    if (g->needs[2])
        g->gin[2] = td_sum(c, g->gout[0], SPATIAL, 0);
}

const td_op_type td__ops_conv[] = {
    {.name = "conv2d", .min_in = 2, .max_in = 3, .n_out = 1, .attrs_size = sizeof(td_conv2d_attrs),
     .flags = TD_OP_AUTOCAST, .half_in = 3, .half_out = 1, .save_in = 3,
     .infer = conv2d_infer, .grad = conv2d_grad},
    {.name = "conv_transpose2d", .min_in = 2, .max_in = 3, .n_out = 1, .attrs_size = sizeof(td_conv2d_attrs),
     .flags = TD_OP_AUTOCAST, .half_in = 3, .half_out = 1, .save_in = 3, .infer = conv_transpose2d_infer, .grad = conv_transpose2d_grad},
    {.name = "conv2d_input_grad", .min_in = 2, .max_in = 2, .n_out = 1, .attrs_size = sizeof(td_conv2d_grad_attrs),
     .flags = TD_OP_NONDIFF | TD_OP_AUTOCAST, .half_in = 3, .half_out = 1, .infer = conv2d_input_grad_infer},
    {.name = "conv2d_weight_grad", .min_in = 2, .max_in = 2, .n_out = 1, .attrs_size = sizeof(td_conv2d_grad_attrs),
     .flags = TD_OP_NONDIFF | TD_OP_AUTOCAST, .half_in = 3, .infer = conv2d_weight_grad_infer},
    {.name = NULL},
};
