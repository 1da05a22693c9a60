/* Convolutions (see host/ops/conv.c): activations channels-last as they are, weights in the layout the library likes. */
#include "plugins/backends/onednn/onednn.h"

/* A convolution x -> y with weights w, whichever of them is computed. */
typedef struct window {
    dnnl_dims_t strides, dilates, left, right;
} window;

static window window_of(const td_conv2d_attrs *a)
{
    window v;
    for (int i = 0; i < 2; i++) {
        v.strides[i] = a->stride[i];
        v.dilates[i] = a->dilation[i] - 1; /* the library counts the holes */
        v.left[i] = v.right[i] = a->padding[i];
    }
    return v;
}

/* Weights [O, I/groups, kh, kw] as [groups, O/groups, I/groups, kh, kw]; with `swap` those of a transposed convolution,
 * [I, O/groups, kh, kw].  `any`: in a layout of the library's choice. */
static const_dnnl_memory_desc_t weights_md(td__build *b, const td_desc *w, int64_t groups, int swap, int any)
{
    int64_t s[TD_MAX_DIMS];
    td__dense_strides(w, s);
    const int64_t first = w->shape[0] / groups, o = swap ? 1 : 0;
    const int64_t per_group[2] = {first, w->shape[1]}, steps[2] = {s[0], s[1]};
    const int64_t dims[] = {groups, per_group[o], per_group[1 - o], w->shape[2], w->shape[3]};
    const int64_t strides[] = {first * s[0], steps[o], steps[1 - o], s[2], s[3]};
    int skip = groups == 1;
    return td__md(b, 5 - skip, dims + skip, any ? NULL : strides + skip);
}

static dnnl_status_t forward_pd(td__build *b, dnnl_primitive_desc_t *pd, const_dnnl_memory_desc_t x, const_dnnl_memory_desc_t w,
                                const_dnnl_memory_desc_t bias, const_dnnl_memory_desc_t y, const window *v)
{
    return dnnl_convolution_forward_primitive_desc_create(pd, b->engine, dnnl_forward_training, dnnl_convolution_direct, x, w, bias, y,
                                                          v->strides, v->dilates, v->left, v->right, NULL);
}

static dnnl_status_t make_conv2d(td__build *b)
{
    const td_conv2d_attrs *a = b->attrs;
    window v = window_of(a);
    b->operand[0] = td__md_tensor(b, &b->in[0].d);
    b->operand[1] = weights_md(b, &b->in[1].d, a->groups, 0, 0);
    b->operand[2] = td__md_view(b, &b->in[2]);
    b->operand[3] = td__md_tensor(b, &b->out->d);
    const_dnnl_memory_desc_t w = weights_md(b, &b->in[1].d, a->groups, 0, 1);
    return b->status ? b->status : forward_pd(b, &b->pd, b->operand[0], w, b->operand[2], b->operand[3], &v);
}

static dnnl_status_t make_input_grad(td__build *b)
{
    const td_conv2d_attrs *a = &((const td_conv2d_grad_attrs *)b->attrs)->conv;
    window v = window_of(a);
    const_dnnl_memory_desc_t gy = b->operand[0] = td__md_tensor(b, &b->in[0].d);
    b->operand[1] = weights_md(b, &b->in[1].d, a->groups, 0, 0);
    const_dnnl_memory_desc_t gx = b->operand[2] = td__md_tensor(b, &b->out->d);
    const_dnnl_memory_desc_t w = weights_md(b, &b->in[1].d, a->groups, 0, 1);
    dnnl_status_t s = b->status ? b->status : forward_pd(b, &b->hint, gx, w, NULL, gy, &v);
    return s ? s
             : dnnl_convolution_backward_data_primitive_desc_create(&b->pd, b->engine, dnnl_convolution_direct, gx, w, gy, v.strides,
                                                                    v.dilates, v.left, v.right, b->hint, NULL);
}

static dnnl_status_t make_weight_grad(td__build *b)
{
    const td_conv2d_attrs *a = &((const td_conv2d_grad_attrs *)b->attrs)->conv;
    window v = window_of(a);
    const_dnnl_memory_desc_t x = b->operand[0] = td__md_tensor(b, &b->in[0].d);
    const_dnnl_memory_desc_t gy = b->operand[1] = td__md_tensor(b, &b->in[1].d);
    b->operand[2] = weights_md(b, &b->out->d, a->groups, 0, 0);
    const_dnnl_memory_desc_t w = weights_md(b, &b->out->d, a->groups, 0, 1);
    dnnl_status_t s = b->status ? b->status : forward_pd(b, &b->hint, x, w, NULL, gy, &v);
    return s ? s
             : dnnl_convolution_backward_weights_primitive_desc_create(&b->pd, b->engine, dnnl_convolution_direct, x, w, NULL, gy, v.strides,
                                                                       v.dilates, v.left, v.right, b->hint, NULL);
}

static dnnl_status_t make_conv_transpose2d(td__build *b)
{
    const td_conv2d_attrs *a = b->attrs;
    window v = window_of(a);
    for (int i = 0; i < 2; i++)
        v.right[i] -= a->output_padding[i];
    b->operand[0] = td__md_tensor(b, &b->in[0].d);
    b->operand[1] = weights_md(b, &b->in[1].d, a->groups, 1, 0);
    b->operand[2] = td__md_view(b, &b->in[2]);
    b->operand[3] = td__md_tensor(b, &b->out->d);
    const_dnnl_memory_desc_t w = weights_md(b, &b->in[1].d, a->groups, 1, 1);
    return b->status ? b->status
                     : dnnl_deconvolution_forward_primitive_desc_create(&b->pd, b->engine, dnnl_forward_training, dnnl_deconvolution_direct,
                                                                        b->operand[0], w, b->operand[2], b->operand[3], v.strides,
                                                                        v.dilates, v.left, v.right, NULL);
}

static const td__recipe conv2d_recipe = {"conv2d", 3, sizeof(td_conv2d_attrs), {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST}, make_conv2d};
static const td__recipe input_grad_recipe = {"conv2d_input_grad", 2, sizeof(td_conv2d_grad_attrs), {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC}, make_input_grad};
static const td__recipe weight_grad_recipe = {"conv2d_weight_grad", 2, sizeof(td_conv2d_grad_attrs), {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS}, make_weight_grad};
static const td__recipe transpose_recipe = {"conv_transpose2d", 3, sizeof(td_conv2d_attrs), {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST}, make_conv_transpose2d};

TD__ONEDNN_KERNEL(conv2d, &conv2d_recipe)
TD__ONEDNN_KERNEL(conv2d_input_grad, &input_grad_recipe)
TD__ONEDNN_KERNEL(conv2d_weight_grad, &weight_grad_recipe)
TD__ONEDNN_KERNEL(conv_transpose2d, &transpose_recipe)

const td__onednn_row td__onednn_conv[] = {
    {"conv2d", conv2d},
    {"conv2d_input_grad", conv2d_input_grad},
    {"conv2d_weight_grad", conv2d_weight_grad},
    {"conv_transpose2d", conv_transpose2d},
    {NULL, NULL},
};
