#include <string.h>

#include "host/backend/reference/reference.h"

/* A walk over the elements of one row: operand 0 in `rows` (whose leading dimensions are index's), operand 1 in `table`. */
static void row_walk(td__nest *nest, const td_desc *rows, uint32_t lead, const td_desc *table)
{
    int64_t strides[2][TD_MAX_DIMS] = {{0}}, own[TD_MAX_DIMS];
    td_desc row = {table->dtype, table->ndim - 1, {0}};
    memcpy(row.shape, table->shape + 1, row.ndim * sizeof *row.shape);
    td__strides(rows, own);
    memcpy(strides[0], own + lead, row.ndim * sizeof *own);
    td__strides(table, own);
    memcpy(strides[1], own + 1, row.ndim * sizeof *own);
    td__nest_begin(nest, &row, 2, (const int64_t (*)[TD_MAX_DIMS])strides);
}

/* Where index element i (index is row-major in count, but may lie channels-last) and its row of `rows` begin. */
static void row_at(const td_desc *index, const td_desc *rows, int64_t i, int64_t *index_at, int64_t *row)
{
    int64_t is[TD_MAX_DIMS], rs[TD_MAX_DIMS];
    td__strides(index, is);
    td__strides(rows, rs);
    *index_at = *row = 0;
    for (uint32_t d = index->ndim; d-- > 0; i /= index->shape[d]) {
        *index_at += i % index->shape[d] * is[d];
        *row += i % index->shape[d] * rs[d];
    }
}

static int in_range(td_run *r, int64_t position, int64_t row, int64_t n)
{
    if (row >= 0 && row < n)
        return 1;
    td__run_fail(r, "index %lld at position %lld; there are %lld rows", (long long)row, (long long)position, (long long)n);
    return 0;
}

/* Combines each row of `rows` with the row of `table` that index names, in order. */
#define EACH_ROW(T, statement)                                                                                         \
    for (int64_t i = 0; i < td_desc_numel(&index->d); i++) {                                                           \
        int64_t index_at, row;                                                                                         \
        td__nest nest;                                                                                                 \
        row_at(&index->d, &rows->d, i, &index_at, &row);                                                               \
        int64_t entry = ((const int64_t *)index->data)[index_at];                                                      \
        if (!in_range(r, i, entry, table->d.shape[0]))                                                                 \
            return TD_ERROR;                                                                                           \
        row_walk(&nest, &rows->d, index->d.ndim, &table->d);                                                           \
        do                                                                                                             \
            for (int64_t j = 0; j < nest.n; j++) {                                                                     \
                T *in_rows = (T *)rows->data + row + nest.offset[0] + j * nest.step[0];                                \
                T *in_table = (T *)table->data + entry * row_size + nest.offset[1] + j * nest.step[1];                 \
                statement;                                                                                             \
            }                                                                                                          \
        while (td__nest_next(&nest));                                                                                  \
    }

static int64_t row_numel(const td_desc *table)
{
    int64_t strides[TD_MAX_DIMS];
    td__strides(table, strides);
    return strides[0];
}

static int32_t index_select_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_view *table = &in[0], *index = &in[1], *rows = &out[0];
    int64_t row_size = row_numel(&table->d);
    (void)attrs;
    FOR_BITS(table->d.dtype, T, EACH_ROW(T, *in_rows = *in_table))
    return TD_OK;
}

static int32_t index_select_grad_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_view *rows = &in[0], *index = &in[1], *table = &out[0];
    int64_t row_size = row_numel(&table->d);
    (void)attrs;
    memset(table->data, 0, (size_t)td_desc_numel(&table->d) * td__dtype_size(table->d.dtype));
    FOR_FLOAT(r, table->d.dtype, T, EACH_ROW(T, *in_table += *in_rows))
    return TD_OK;
}

static int32_t index_copy_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_view *table = &in[0], *index = &in[1], *rows = &in[2];
    int64_t row_size = row_numel(&table->d);
    (void)out;
    (void)attrs;
    FOR_BITS(table->d.dtype, T, EACH_ROW(T, *in_table = *in_rows))
    return TD_OK;
}

static int32_t copy_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    (void)r;
    (void)out;
    (void)attrs;
    memmove(in[0].data, in[1].data, (size_t)td_desc_numel(&in[0].d) * td__dtype_size(in[0].d.dtype));
    return TD_OK;
}

const td__kernel_row td__reference_index[] = {
    {"index_select", index_select_kernel},
    {"index_select_grad", index_select_grad_kernel},
    {"index_copy", index_copy_kernel},
    {"copy", copy_kernel},
    {NULL, NULL},
};
