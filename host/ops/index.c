/* Rows by index, and copies in place. */
#include "host/ops/rule.h"
#include "host/ops/table.h"

#include <string.h>

/* index's shape, then the shape of a row of x. */
static void rows_shape(td_ctx *c, const td_desc *index, const td_desc *x, td_desc *out)
{
    if (index->ndim + x->ndim - 1 > TD_MAX_DIMS) {
        td_fail(c, "rows of %s at index %s have more than %d dimensions", TD__SHAPE(x), TD__SHAPE(index), TD_MAX_DIMS);
        return;
    }
    out->dtype = x->dtype;
    out->ndim = index->ndim + x->ndim - 1;
    memcpy(out->shape, index->shape, index->ndim * sizeof *out->shape);
    memcpy(out->shape + index->ndim, x->shape + 1, (x->ndim - 1) * sizeof *out->shape);
}

static int has_rows(td_ctx *c, const td_desc *x)
{
    if (x->ndim)
        return 1;
    td_fail(c, "a scalar has no rows");
    return 0;
}

static void infer_index_select(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in;
    (void)attrs;
    if (has_rows(c, &in[0]) && td__want_dtype(c, &in[1], 1, TD_INT64))
        rows_shape(c, &in[1], &in[0], &out[0]);
}

/* Attribute a: how many rows x had. */
static void infer_index_select_grad(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_dim_attrs *a = attrs;
    uint32_t lead = in[1].ndim;
    if (!td__one_float_dtype(c, in, n_in, 2) || !td__want_dtype(c, &in[1], 1, TD_INT64))
        return;
    if (lead > in[0].ndim || memcmp(in[0].shape, in[1].shape, lead * sizeof *in[0].shape)) {
        td_fail(c, "gradient %s of rows at index %s", TD__SHAPE(&in[0]), TD__SHAPE(&in[1]));
        return;
    }
    out[0].dtype = in[0].dtype;
    out[0].ndim = in[0].ndim - lead + 1;
    out[0].shape[0] = a->a;
    memcpy(out[0].shape + 1, in[0].shape + lead, (in[0].ndim - lead) * sizeof *in[0].shape);
}

static void infer_index_copy(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    td_desc rows = {0};
    (void)n_in;
    (void)attrs;
    (void)out;
    if (!has_rows(c, &in[0]) || !td__want_dtype(c, &in[1], 1, TD_INT64) || !td__want_same_dtype(c, &in[0], &in[2]))
        return;
    rows_shape(c, &in[1], &in[0], &rows);
    if (in[1].ndim != 1 || !td__same_shape(&rows, &in[2]))
        td_fail(c, "rows %s at index %s of %s; [K, ...] at [K] are needed", TD__SHAPE(&in[2]), TD__SHAPE(&in[1]),
                TD__SHAPE(&in[0]));
}

static void infer_copy(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in;
    (void)attrs;
    (void)out;
    if (td__want_same_dtype(c, &in[0], &in[1]) && !td__same_shape(&in[0], &in[1]))
        td_fail(c, "shapes %s and %s differ", TD__SHAPE(&in[0]), TD__SHAPE(&in[1]));
}

static void grad_index_select(td_ctx *c, const td_grad *g)
{
    td_dim_attrs rows = {0, g->in_desc[0].shape[0], 0};
    if (g->needs[0])
        g->gin[0] = td__op2(c, "index_select_grad", g->gout[0], g->in[1], &rows, sizeof rows);
}

/* x and an index of as many rows, both matrices. */
static int rows_of_indices(td_ctx *c, const td_desc *x, const td_desc *index)
{
    if (!td__want_dtype(c, index, 1, TD_INT64))
        return 0;
    if (x->ndim == 2 && index->ndim == 2 && x->shape[0] == index->shape[0])
        return 1;
    td_fail(c, "index %s into %s; [B, K] into [B, N] is needed", TD__SHAPE(index), TD__SHAPE(x));
    return 0;
}

static void infer_gather(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in;
    (void)attrs;
    if (!rows_of_indices(c, &in[0], &in[1]))
        return;
    out[0] = in[1];
    out[0].dtype = in[0].dtype;
}

/* Attribute a: the length of the rows that come out. */
static void infer_scatter_add(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    if (!td__one_float_dtype(c, in, n_in, 2) || !rows_of_indices(c, &in[0], &in[1]))
        return;
    if (in[0].shape[1] != in[1].shape[1]) {
        td_fail(c, "elements %s at index %s", TD__SHAPE(&in[0]), TD__SHAPE(&in[1]));
        return;
    }
    out[0] = in[0];
    out[0].shape[1] = ((const td_dim_attrs *)attrs)->a;
}

/* x [B, x_length], a table [N, D] and an index [B, K] of its rows. */
static int rows_of_table(td_ctx *c, const td_desc *in, uint32_t n_in, int64_t x_length)
{
    if (!td__one_float_dtype(c, in, n_in, 4) || !td__want_dtype(c, &in[2], 2, TD_INT64))
        return 0;
    if (in[0].ndim == 2 && in[1].ndim == 2 && in[2].ndim == 2 && in[0].shape[0] == in[2].shape[0] &&
        in[0].shape[1] == x_length)
        return 1;
    td_fail(c, "%s, the table %s and index %s do not fit", TD__SHAPE(&in[0]), TD__SHAPE(&in[1]), TD__SHAPE(&in[2]));
    return 0;
}

static void infer_gather_matmul(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)attrs;
    if (!rows_of_table(c, in, n_in, in[1].shape[1]))
        return;
    out[0] = in[2];
    out[0].dtype = in[0].dtype;
}

static void infer_scatter_matmul(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)attrs;
    if (!rows_of_table(c, in, n_in, in[2].shape[1]))
        return;
    out[0] = in[0];
    out[0].shape[1] = in[1].shape[1];
}

/* Of factors [B, K] for the rows of a table of n, and [B, D] that the rows are paired with. */
static td_tensor *table_gradient(td_ctx *c, td_tensor *factors, td_tensor *index, int64_t n, td_tensor *x)
{
    return td_matmul(c, td_scatter_add(c, factors, index, n), x, 1, 0);
}

static void grad_gather_matmul(td_ctx *c, const td_grad *g)
{
    if (g->needs[0])
        g->gin[0] = td_scatter_matmul(c, g->gout[0], g->in[1], g->in[2]);
    if (g->needs[1])
        g->gin[1] = table_gradient(c, g->gout[0], g->in[2], g->in_desc[1].shape[0], g->in[0]);
}

static void grad_scatter_matmul(td_ctx *c, const td_grad *g)
{
    if (g->needs[0])
        g->gin[0] = td_gather_matmul(c, g->gout[0], g->in[1], g->in[2]);
    if (g->needs[1])
        g->gin[1] = table_gradient(c, g->in[0], g->in[2], g->in_desc[1].shape[0], g->gout[0]);
}

static void grad_gather(td_ctx *c, const td_grad *g)
{
    if (g->needs[0])
        g->gin[0] = td_scatter_add(c, g->gout[0], g->in[1], g->in_desc[0].shape[1]);
}

static void grad_scatter_add(td_ctx *c, const td_grad *g)
{
    if (g->needs[0])
        g->gin[0] = td_gather(c, g->gout[0], g->in[1]);
}

const td_op_type td__ops_index[] = {
    {"index_select", 2, 2, 1, 0, 0, 0, 2, 0, infer_index_select, grad_index_select, NULL, 0, 0},
    /* zeros, and each row of the gradient added where index says, in order */
    {"index_select_grad", 2, 2, 1, sizeof(td_dim_attrs), TD_OP_NONDIFF, 0, 0, 0, infer_index_select_grad, NULL, NULL, 0,
     0},
    {"gather", 2, 2, 1, 0, 0, 0, 2, 0, infer_gather, grad_gather, NULL, 0, 0},
    {"scatter_add", 2, 2, 1, sizeof(td_dim_attrs), 0, 0, 2, 0, infer_scatter_add, grad_scatter_add, NULL, 0, 0},
    {"gather_matmul", 3, 3, 1, 0, 0, 0, 7, 0, infer_gather_matmul, grad_gather_matmul, NULL, 0, 0},
    {"scatter_matmul", 3, 3, 1, 0, 0, 0, 7, 0, infer_scatter_matmul, grad_scatter_matmul, NULL, 0, 0},
    {"index_copy", 3, 3, 0, 0, TD_OP_INPLACE, 1, 0, 0, infer_index_copy, NULL, NULL, 0, 0},
    {"copy", 2, 2, 0, 0, TD_OP_INPLACE, 1, 0, 0, infer_copy, NULL, NULL, 0, 0},
    {.name = NULL},
};
