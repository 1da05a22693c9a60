/* Average pooling (see host/ops/pool.c).  Maximum pooling is the host's: it gives positions in the image, which its
 * gradient reads, where the library has positions in the window. */
#include "plugins/backends/onednn/onednn.h"

typedef struct window {
    dnnl_alg_kind_t alg;
    dnnl_dims_t kernel, strides, left, right;
} window;

static const dnnl_dims_t no_holes;

/* What a fixed window is to the library: out-of-image positions at the end make the right padding. */
static window fixed(const td_pool2d_attrs *a, const td_desc *x, const td_desc *y)
{
    window v = {.alg = a->count_include_pad ? dnnl_pooling_avg_include_padding : dnnl_pooling_avg_exclude_padding};
    for (int i = 0; i < 2; i++) {
        v.kernel[i] = a->kernel[i];
        v.strides[i] = a->stride[i];
        v.left[i] = a->padding[i];
        v.right[i] = (y->shape[2 + i] - 1) * a->stride[i] + a->kernel[i] - x->shape[2 + i] - a->padding[i];
    }
    return v;
}

/* An adaptive window where all are equal: when the length divides. */
static window adaptive(const td_desc *x, const td_desc *y)
{
    window v = {.alg = dnnl_pooling_avg_exclude_padding};
    for (int i = 0; i < 2; i++)
        v.kernel[i] = v.strides[i] = x->shape[2 + i] / y->shape[2 + i];
    return v;
}

static dnnl_status_t forward_pd(td__build *b, dnnl_primitive_desc_t *pd, const window *v, const_dnnl_memory_desc_t x, const_dnnl_memory_desc_t y)
{
    return b->status ? b->status
                     : dnnl_pooling_forward_primitive_desc_create(pd, b->engine, dnnl_forward_training, v->alg, x, y, v->strides, v->kernel,
                                                                  no_holes, v->left, v->right, NULL);
}

static dnnl_status_t forward(td__build *b, window v)
{
    b->operand[0] = td__md_tensor(b, &b->in->d);
    b->operand[1] = td__md_tensor(b, &b->out->d);
    return forward_pd(b, &b->pd, &v, b->operand[0], b->operand[1]);
}

static dnnl_status_t backward(td__build *b, window v)
{
    const_dnnl_memory_desc_t gy = b->operand[0] = td__md_tensor(b, &b->in->d);
    const_dnnl_memory_desc_t gx = b->operand[1] = td__md_tensor(b, &b->out->d);
    dnnl_status_t s = forward_pd(b, &b->hint, &v, gx, gy);
    return s ? s
             : dnnl_pooling_backward_primitive_desc_create(&b->pd, b->engine, v.alg, gx, gy, v.strides, v.kernel, no_holes, v.left, v.right,
                                                           b->hint, NULL);
}

static dnnl_status_t make_avg(td__build *b) { return forward(b, fixed(b->attrs, &b->in->d, &b->out->d)); }
static dnnl_status_t make_avg_grad(td__build *b)
{
    return backward(b, fixed(&((const td_pool2d_grad_attrs *)b->attrs)->pool, &b->out->d, &b->in->d));
}
static dnnl_status_t make_adaptive(td__build *b) { return forward(b, adaptive(&b->in->d, &b->out->d)); }
static dnnl_status_t make_adaptive_grad(td__build *b) { return backward(b, adaptive(&b->out->d, &b->in->d)); }

static const td__recipe avg_recipe = {"avg_pool2d", 1, sizeof(td_pool2d_attrs), {DNNL_ARG_SRC, DNNL_ARG_DST}, make_avg};
static const td__recipe avg_grad_recipe = {"avg_pool2d_grad", 1, sizeof(td_pool2d_grad_attrs), {DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC}, make_avg_grad};
static const td__recipe adaptive_recipe = {"adaptive_avg_pool2d", 1, sizeof(td_shape_attrs), {DNNL_ARG_SRC, DNNL_ARG_DST}, make_adaptive};
static const td__recipe adaptive_grad_recipe = {"adaptive_avg_pool2d_grad", 1, sizeof(td_shape_attrs), {DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC}, make_adaptive_grad};

/* With ceil_mode a last window may hang over the padding, and counts less there; the library counts it whole. */
static int fixed_serves(const td_pool2d_attrs *a, const td_desc *x, const td_desc *y)
{
    window v = fixed(a, x, y);
    return !(a->count_include_pad && (v.right[0] > a->padding[0] || v.right[1] > a->padding[1]));
}

static int adaptive_serves(const td_desc *x, const td_desc *y)
{
    return x->shape[2] % y->shape[2] == 0 && x->shape[3] % y->shape[3] == 0;
}

static int32_t pool(int serves, td_run *r, const td__recipe *recipe, const td_view *in, td_view *out, const void *attrs)
{
    return serves ? td__onednn_plain(r, recipe, in, out, attrs) : td__onednn_cpu(r, recipe->op, in, out, attrs);
}

static int32_t avg_pool2d(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return pool(fixed_serves(attrs, &in->d, &out->d), r, &avg_recipe, in, out, attrs);
}

static int32_t avg_pool2d_grad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_pool2d_grad_attrs *a = attrs;
    return pool(fixed_serves(&a->pool, &out->d, &in->d), r, &avg_grad_recipe, in, out, attrs);
}

static int32_t adaptive_avg_pool2d(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return pool(adaptive_serves(&in->d, &out->d), r, &adaptive_recipe, in, out, attrs);
}

static int32_t adaptive_avg_pool2d_grad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return pool(adaptive_serves(&out->d, &in->d), r, &adaptive_grad_recipe, in, out, attrs);
}

const td__onednn_row td__onednn_pool[] = {
    {"avg_pool2d", avg_pool2d},
    {"avg_pool2d_grad", avg_pool2d_grad},
    {"adaptive_avg_pool2d", adaptive_avg_pool2d},
    {"adaptive_avg_pool2d_grad", adaptive_avg_pool2d_grad},
    {NULL, NULL},
};
