#include <string.h>

#include "host/backend/reference/real.h"

/* A walk over the elements of one row: operand 0 in `rows` (whose leading dimensions are index's), operand 1 in
 * `table`. */
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
    td__run_fail(r, "index %lld at position %lld; there are %lld rows", (long long)row, (long long)position,
                 (long long)n);
    return 0;
}

static int64_t row_numel(const td_desc *table)
{
    int64_t strides[TD_MAX_DIMS];
    td__strides(table, strides);
    return strides[0];
}

/* Runs the statement for each pair of an element of `rows`, at i, and the element of `table`, at j, that index
 * names. */
#define EACH_ELEMENT(statement)                                                               \
    for (int64_t k = 0; k < td_desc_numel(&index->d); k++) {                                  \
        int64_t index_at, row;                                                                \
        td__nest nest;                                                                        \
        row_at(&index->d, &rows->d, k, &index_at, &row);                                      \
        int64_t entry = ((const int64_t *)index->data)[index_at];                             \
        if (!in_range(r, k, entry, table->d.shape[0]))                                        \
            return TD_ERROR;                                                                  \
        row_walk(&nest, &rows->d, index->d.ndim, &table->d);                                  \
        do                                                                                    \
            for (int64_t e = 0; e < nest.n; e++) {                                            \
                int64_t i = row + nest.offset[0] + e * nest.step[0];                          \
                int64_t j = entry * row_numel(&table->d) + nest.offset[1] + e * nest.step[1]; \
                statement;                                                                    \
            }                                                                                 \
        while (td__nest_next(&nest));                                                         \
    }

static int32_t index_select_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_view *table = &in[0], *index = &in[1], *rows = &out[0];
    (void)attrs;
    FOR_BITS(table->d.dtype, T, EACH_ELEMENT(((T *)rows->data)[i] = ((const T *)table->data)[j]))
    return TD_OK;
}

TD__KERNEL(index_select_grad)
{
    const td_view *rows = &in[0], *index = &in[1];
    td_view *table = &out[0];
    memset(table->data, 0, (size_t)td_desc_numel(&table->d) * td__dtype_size(table->d.dtype));
    EACH_ELEMENT(td__put(table, t, j, td__get(table, t, j) + td__get(rows, t, i)))
    return TD_OK;
}

/* Runs the statement for each element i of the index and the element j of [B, n] that it names. */
#define EACH_OF_ROW(index, n, statement)                                                      \
    for (int64_t i = 0, k = (index)->d.shape[1]; i < td_desc_numel(&(index)->d); i++) {       \
        int64_t entry = ((const int64_t *)(index)->data)[i], j = i / k * (n) + entry;         \
        if (!in_range(r, i, entry, n))                                                        \
            return TD_ERROR;                                                                  \
        statement;                                                                            \
    }

TD__KERNEL(gather)
{
    EACH_OF_ROW(&in[1], in[0].d.shape[1], td__put(&out[0], t, i, td__get(&in[0], t, j)))
    return TD_OK;
}

TD__KERNEL(scatter_add)
{
    memset(out[0].data, 0, (size_t)td_desc_numel(&out[0].d) * td__dtype_size(out[0].d.dtype));
    EACH_OF_ROW(&in[1], out[0].d.shape[1],
                td__put(&out[0], t, j, td__get(&out[0], t, j) + td__get(&in[0], t, i)))
    return TD_OK;
}

TD__KERNEL(gather_matmul)
{
    const td_view *x = &in[0], *table = &in[1], *index = &in[2];
    int64_t k = index->d.shape[1], d = table->d.shape[1];
    for (int64_t i = 0; i < td_desc_numel(&index->d); i++) {
        int64_t row = ((const int64_t *)index->data)[i];
        double sum = 0;
        if (!in_range(r, i, row, table->d.shape[0]))
            return TD_ERROR;
        for (int64_t e = 0; e < d; e++)
            sum += td__get(x, t, i / k * d + e) * td__get(table, t, row * d + e);
        td__put(&out[0], t, i, sum);
    }
    return TD_OK;
}

TD__KERNEL(scatter_matmul)
{
    const td_view *factors = &in[0], *table = &in[1], *index = &in[2];
    const int64_t *rows = index->data;
    int64_t k = index->d.shape[1], d = table->d.shape[1];
    for (int64_t i = 0; i < td_desc_numel(&index->d); i++)
        if (!in_range(r, i, rows[i], table->d.shape[0]))
            return TD_ERROR;
    for (int64_t o = 0; o < td_desc_numel(&out[0].d); o++) {
        double sum = 0;
        for (int64_t i = o / d * k; i < (o / d + 1) * k; i++)
            sum += td__get(factors, t, i) * td__get(table, t, rows[i] * d + o % d);
        td__put(&out[0], t, o, sum);
    }
    return TD_OK;
}

static int32_t index_copy_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_view *table = &in[0], *index = &in[1], *rows = &in[2];
    (void)out;
    (void)attrs;
    FOR_BITS(table->d.dtype, T, EACH_ELEMENT(((T *)table->data)[j] = ((const T *)rows->data)[i]))
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
    {"index_select_grad", index_select_grad},
    {"gather", gather},
    {"scatter_add", scatter_add},
    {"gather_matmul", gather_matmul},
    {"scatter_matmul", scatter_matmul},
    {"index_copy", index_copy_kernel},
    {"copy", copy_kernel},
    {NULL, NULL},
};
