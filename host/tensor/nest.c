#include "host/tensor/nest.h"

#include <string.h>

#include "host/tensor/tensor.h"

void td__broadcast_strides(const td_desc *d, const td_desc *to, int64_t strides[TD_MAX_DIMS])
{
    int64_t own[TD_MAX_DIMS];
    uint32_t lead = to->ndim - d->ndim;
    td__strides(d, own);
    for (uint32_t i = 0; i < to->ndim; i++)
        strides[i] = i < lead || d->shape[i - lead] == 1 ? 0 : own[i - lead];
}

/* Whether the last dimension so far and the next inner one are one run of memory for every operand. */
static int runs_on(const td__nest *nest, uint32_t last, int64_t size, const int64_t (*strides)[TD_MAX_DIMS],
                   uint32_t dim)
{
    for (uint32_t k = 0; k < nest->n_operands; k++)
        if (nest->stride[k][last] != strides[k][dim] * size)
            return 0;
    return 1;
}

void td__nest_begin(td__nest *nest, const td_desc *shape, uint32_t n_operands, const int64_t (*strides)[TD_MAX_DIMS])
{
    uint32_t order[TD_MAX_DIMS], n = 0;
    memset(nest, 0, sizeof *nest);
    nest->n_operands = n_operands;
    td__physical_order(shape->ndim, order);
    for (uint32_t i = 0; i < shape->ndim; i++) {
        int64_t size = shape->shape[order[i]];
        if (size == 1)
            continue;
        int merge = n && runs_on(nest, n - 1, size, strides, order[i]);
        uint32_t at = merge ? n - 1 : n++;
        nest->size[at] = merge ? nest->size[at] * size : size;
        for (uint32_t k = 0; k < n_operands; k++)
            nest->stride[k][at] = strides[k][order[i]];
    }
    nest->n = n ? nest->size[n - 1] : 1;
    for (uint32_t k = 0; n && k < n_operands; k++)
        nest->step[k] = nest->stride[k][n - 1];
    nest->n_outer = n ? n - 1 : 0;
    for (uint32_t i = 0; i < nest->n_outer; i++)
        if (nest->size[i] == 0)
            nest->n = 0;
}

int td__nest_next(td__nest *nest)
{
    for (uint32_t d = nest->n_outer; nest->n && d-- > 0;) {
        int more = ++nest->index[d] < nest->size[d];
        for (uint32_t k = 0; k < nest->n_operands; k++)
            nest->offset[k] += more ? nest->stride[k][d] : -nest->stride[k][d] * (nest->size[d] - 1);
        if (more)
            return 1;
        nest->index[d] = 0;
    }
    return 0;
}

void td__nest_seek(td__nest *nest, int64_t row)
{
    for (uint32_t d = nest->n_outer; d-- > 0; row /= nest->size[d]) {
        int64_t index = row % nest->size[d];
        for (uint32_t k = 0; k < nest->n_operands; k++)
            nest->offset[k] += nest->stride[k][d] * (index - nest->index[d]);
        nest->index[d] = index;
    }
}

void td__nest_broadcast(td__nest *nest, const td_desc *out, uint32_t n_in, const td_desc *const *in)
{
    int64_t strides[TD__NEST_MAX][TD_MAX_DIMS];
    td__strides(out, strides[0]);
    for (uint32_t i = 0; i < n_in; i++)
        td__broadcast_strides(in[i], out, strides[i + 1]);
    td__nest_begin(nest, out, n_in + 1, (const int64_t (*)[TD_MAX_DIMS])strides);
}
