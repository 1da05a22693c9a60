/* Activation functions and softmax (see host/ops/pointwise.c, softmax.c).  ReLU is the host's: the library's turns NaN
 * into 0. */
#include "plugins/backends/onednn/onednn.h"

static dnnl_status_t make_eltwise(td__build *b, dnnl_alg_kind_t alg)
{
    const_dnnl_memory_desc_t x = b->operand[0] = b->operand[1] = td__md_tensor(b, &b->in->d);
    return b->status ? b->status
                     : dnnl_eltwise_forward_primitive_desc_create(&b->pd, b->engine, dnnl_forward_inference, alg, x, x, 0, 0, NULL);
}

static dnnl_status_t make_sigmoid(td__build *b) { return make_eltwise(b, dnnl_eltwise_logistic); }
static dnnl_status_t make_tanh(td__build *b) { return make_eltwise(b, dnnl_eltwise_tanh); }

static dnnl_status_t make_relu_grad(td__build *b)
{
    const dnnl_alg_kind_t alg = dnnl_eltwise_relu_use_dst_for_bwd;
    const_dnnl_memory_desc_t y = b->operand[0] = b->operand[1] = b->operand[2] = td__md_tensor(b, &b->in->d);
    dnnl_status_t s = b->status ? b->status : dnnl_eltwise_forward_primitive_desc_create(&b->hint, b->engine, dnnl_forward_training, alg, y, y, 0, 0, NULL);
    return s ? s : dnnl_eltwise_backward_primitive_desc_create(&b->pd, b->engine, alg, y, y, y, 0, 0, b->hint, NULL);
}

static int axis_of(const td__build *b)
{
    int64_t dim = ((const td_dim_attrs *)b->attrs)->dim;
    return (int)(dim < 0 ? dim + b->in->d.ndim : dim);
}

static dnnl_status_t softmax_pd(td__build *b, dnnl_primitive_desc_t *pd, dnnl_alg_kind_t alg, const_dnnl_memory_desc_t x)
{
    return b->status ? b->status
                     : dnnl_softmax_forward_primitive_desc_create(pd, b->engine, dnnl_forward_training, alg, x, x, axis_of(b), NULL);
}

static dnnl_status_t make_forward(td__build *b, dnnl_alg_kind_t alg)
{
    b->operand[0] = b->operand[1] = td__md_tensor(b, &b->in->d);
    return softmax_pd(b, &b->pd, alg, b->operand[0]);
}

static dnnl_status_t make_backward(td__build *b, dnnl_alg_kind_t alg)
{
    const_dnnl_memory_desc_t y = b->operand[0] = b->operand[1] = b->operand[2] = td__md_tensor(b, &b->in->d);
    dnnl_status_t s = softmax_pd(b, &b->hint, alg, y);
    return s ? s : dnnl_softmax_backward_primitive_desc_create(&b->pd, b->engine, alg, y, y, y, axis_of(b), b->hint, NULL);
}

static dnnl_status_t make_softmax(td__build *b) { return make_forward(b, dnnl_softmax_accurate); }
static dnnl_status_t make_log_softmax(td__build *b) { return make_forward(b, dnnl_softmax_log); }
static dnnl_status_t make_softmax_grad(td__build *b) { return make_backward(b, dnnl_softmax_accurate); }
static dnnl_status_t make_log_softmax_grad(td__build *b) { return make_backward(b, dnnl_softmax_log); }

#define UNARY(op) \
    static const td__recipe op##_recipe = {#op, 1, 0, {DNNL_ARG_SRC, DNNL_ARG_DST}, make_##op}; \
    TD__ONEDNN_KERNEL(run_##op, &op##_recipe)
UNARY(sigmoid)
UNARY(tanh)
#undef UNARY

const td__recipe td__onednn_relu_grad = {"relu_grad", 2, 0, {DNNL_ARG_DST, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC}, make_relu_grad};

/* Here the operands have one shape; operands to be broadcast are the host's. */
static int32_t relu_grad(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    int same = in[0].d.ndim == in[1].d.ndim;
    for (uint32_t i = 0; same && i < in[0].d.ndim; i++)
        same = in[0].d.shape[i] == in[1].d.shape[i];
    return same ? td__onednn_plain(r, &td__onednn_relu_grad, in, out, attrs) : td__onednn_cpu(r, "relu_grad", in, out, attrs);
}

#define SOFTMAX(op) \
    static const td__recipe op##_recipe = {#op, 1, sizeof(td_dim_attrs), {DNNL_ARG_SRC, DNNL_ARG_DST}, make_##op}; \
    static const td__recipe op##_grad_recipe = {#op "_grad", 2, sizeof(td_dim_attrs), {DNNL_ARG_DIFF_DST, DNNL_ARG_DST, DNNL_ARG_DIFF_SRC}, make_##op##_grad}; \
    TD__ONEDNN_KERNEL(op, &op##_recipe) \
    TD__ONEDNN_KERNEL(op##_grad, &op##_grad_recipe)
SOFTMAX(softmax)
SOFTMAX(log_softmax)

const td__onednn_row td__onednn_pointwise[] = {
    {"relu_grad", relu_grad},
    {"sigmoid", run_sigmoid},
    {"tanh", run_tanh},
    {"softmax", softmax},
    {"log_softmax", log_softmax},
    {"softmax_grad", softmax_grad},
    {"log_softmax_grad", log_softmax_grad},
    {NULL, NULL},
};
