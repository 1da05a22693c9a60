/* Matrix products; see host/ops/matmul.c for what the operations are. */
#include "host/backend/cpu/kernels/gemm.h"
#include "host/backend/cpu/kernels/kernels.h"

static int32_t linear_f32(KERNEL_ARGUMENTS)
{
    const td_desc *w = &in[1].d;
    int64_t n = w->shape[0], k = w->shape[1], m = 1;
    for (uint32_t i = 0; i + 1 < in[0].d.ndim; i++)
        m *= in[0].d.shape[i];
    (void)attrs;
    td__product p = {.batch = 1, .m = m, .n = n, .k = k,
                     .a = in[0].data, .a_m = k, .a_k = 1, .b = in[1].data, .b_n = k, .b_k = 1,
                     .bias = in[2].data, .c = out[0].data};
    return td__gemm(r, &p);
}

static int32_t matmul_f32(KERNEL_ARGUMENTS)
{
    const td_matmul_attrs *a = attrs;
    const td_desc *x = &in[0].d, *z = &out[0].d;
    uint32_t last = x->ndim - 1;
    int64_t m = z->shape[last - 1], n = z->shape[last], k = a->trans_a ? x->shape[last - 1] : x->shape[last];
    td__product p = {.batch = x->ndim == 3 ? x->shape[0] : 1, .m = m, .n = n, .k = k,
                     .a = in[0].data, .a_batch = m * k, .a_m = a->trans_a ? 1 : k, .a_k = a->trans_a ? m : 1,
                     .b = in[1].data, .b_batch = k * n, .b_k = a->trans_b ? 1 : n, .b_n = a->trans_b ? k : 1,
                     .c = out[0].data};
    return td__gemm(r, &p);
}

FLOAT32_KERNEL(linear)
FLOAT32_KERNEL(matmul)

const td__kernel_row td__cpu_matmul[] = {
    ROW(linear),
    ROW(matmul),
    {NULL, NULL},
};
