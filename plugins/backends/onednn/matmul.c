/* Matrix products (see host/ops/matmul.c). */
#include "plugins/backends/onednn/onednn.h"

/* The last two dimensions of a tensor of rank 2 or 3, perhaps swapped. */
static const_dnnl_memory_desc_t matrix_md(td__build *b, const td_desc *d, int transposed)
{
    int64_t dims[3], strides[3];
    uint32_t n = d->ndim;
    td__dense_strides(d, strides);
    for (uint32_t i = 0; i < n; i++)
        dims[i] = d->shape[i];
    if (transposed) {
        dims[n - 2] = d->shape[n - 1];
        dims[n - 1] = d->shape[n - 2];
        strides[n - 1] = d->shape[n - 1];
        strides[n - 2] = 1;
    }
    return td__md(b, (int)n, dims, strides);
}

static td_desc as_rows(const td_desc *d)
{
    int64_t last = d->shape[d->ndim - 1];
    return (td_desc){d->dtype, 2, {td_desc_numel(d) / last, last}};
}

static dnnl_status_t product(td__build *b, const_dnnl_memory_desc_t x, const_dnnl_memory_desc_t y, const_dnnl_memory_desc_t bias,
                             const_dnnl_memory_desc_t z)
{
    return b->status ? b->status : dnnl_matmul_primitive_desc_create(&b->pd, b->engine, x, y, bias, z, NULL);
}

static dnnl_status_t make_linear(td__build *b)
{
    td_desc x = as_rows(&b->in[0].d), y = as_rows(&b->out->d), bias = {TD_FLOAT32, 2, {1, y.shape[1]}};
    b->operand[0] = matrix_md(b, &x, 0);
    b->operand[1] = matrix_md(b, &b->in[1].d, 1);
    b->operand[2] = b->in[2].data ? matrix_md(b, &bias, 0) : NULL;
    b->operand[3] = matrix_md(b, &y, 0);
    return product(b, b->operand[0], b->operand[1], b->operand[2], b->operand[3]);
}

static dnnl_status_t make_matmul(td__build *b)
{
    const td_matmul_attrs *a = b->attrs;
    b->operand[0] = matrix_md(b, &b->in[0].d, a->trans_a);
    b->operand[1] = matrix_md(b, &b->in[1].d, a->trans_b);
    b->operand[2] = matrix_md(b, &b->out->d, 0);
    return product(b, b->operand[0], b->operand[1], NULL, b->operand[2]);
}

static const td__recipe linear_recipe = {"linear", 3, 0, {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST}, make_linear};
static const td__recipe matmul_recipe = {"matmul", 2, sizeof(td_matmul_attrs), {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}, make_matmul};

TD__ONEDNN_KERNEL(linear, &linear_recipe)
TD__ONEDNN_KERNEL(matmul, &matmul_recipe)

const td__onednn_row td__onednn_matmul[] = {{"linear", linear}, {"matmul", matmul}, {NULL, NULL}};
