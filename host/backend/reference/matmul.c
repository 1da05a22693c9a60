#include "host/backend/reference/real.h"

TD__KERNEL(linear)
{
    const td_view *x = &in[0], *w = &in[1], *bias = &in[2];
    int64_t outs = w->d.shape[0], ins = w->d.shape[1], rows = td_desc_numel(&out->d) / (outs ? outs : 1);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t o = 0; o < outs; o++) {
            double sum = bias->data ? td__get(bias, t, o) : 0;
            for (int64_t k = 0; k < ins; k++)
                sum += td__get(x, t, i * ins + k) * td__get(w, t, o * ins + k);
            td__put(out, t, i * outs + o, sum);
        }
    return TD_OK;
}

TD__KERNEL(matmul)
{
    const td_matmul_attrs *a = attrs;
    const td_view *x = &in[0], *y = &in[1];
    uint32_t rank = out->d.ndim;
    int64_t batch = rank == 3 ? out->d.shape[0] : 1, m = out->d.shape[rank - 2], n = out->d.shape[rank - 1];
    int64_t depth = x->d.shape[a->trans_a ? rank - 2 : rank - 1];
    /* Steps in memory from one row, and from one column, of an operand as used to the next. */
    int64_t x_row = a->trans_a ? 1 : depth, x_col = a->trans_a ? m : 1;
    int64_t y_row = a->trans_b ? 1 : n, y_col = a->trans_b ? depth : 1;
    for (int64_t b = 0; b < batch; b++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t k = 0; k < depth; k++)
                    sum += td__get(x, t, b * m * depth + i * x_row + k * x_col) *
                           td__get(y, t, b * depth * n + k * y_row + j * y_col);
                td__put(out, t, (b * m + i) * n + j, sum);
            }
    return TD_OK;
}

const td__kernel_row td__reference_matmul[] = {{"linear", linear}, {"matmul", matmul}, {NULL, NULL}};
