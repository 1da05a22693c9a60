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

/* The lower l [n, n] with l l^T = (a + a^T) / 2.  0, or -1 where that is not positive definite. */
TD__INLINE int cholesky(const td_view *a, uint32_t t, int64_t n, double *l)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = (td__get(a, t, i * n + j) + td__get(a, t, j * n + i)) / 2;
            for (int64_t k = 0; k < j; k++)
                sum -= l[i * n + k] * l[j * n + k];
            if (i == j && !(sum > 0))
                return -1;
            l[i * n + j] = i == j ? sqrt(sum) : sum / l[j * n + j];
        }
    return 0;
}

/* row -= factor * other, of k elements */
static void subtract(double *row, double factor, const double *other, int64_t k)
{
    for (int64_t c = 0; c < k; c++)
        row[c] -= factor * other[c];
}

static void divide(double *row, double by, int64_t k)
{
    for (int64_t c = 0; c < k; c++)
        row[c] /= by;
}

/* l y = b from the first row on, then l^T x = y from the last. */
TD__KERNEL(solve_spd)
{
    int64_t n = out->d.shape[0], k = out->d.shape[1];
    double *l = td__run_scratch(r, (size_t)(n * n + n * k + 1) * sizeof *l), *x = l ? l + n * n : NULL;
    if (!l)
        return TD_ERROR;
    if (cholesky(&in[0], t, n, l)) {
        td__run_fail(r, "the matrix is not positive definite");
        return TD_ERROR;
    }
    for (int64_t i = 0; i < n * k; i++)
        x[i] = td__get(&in[1], t, i);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < i; j++)
            subtract(x + i * k, l[i * n + j], x + j * k, k);
        divide(x + i * k, l[i * n + i], k);
    }
    for (int64_t i = n - 1; i >= 0; i--) {
        for (int64_t j = i + 1; j < n; j++)
            subtract(x + i * k, l[j * n + i], x + j * k, k);
        divide(x + i * k, l[i * n + i], k);
    }
    for (int64_t i = 0; i < n * k; i++)
        td__put(out, t, i, x[i]);
    return TD_OK;
}

const td__kernel_row td__reference_matmul[] = {
    {"linear", linear}, {"matmul", matmul}, {"solve_spd", solve_spd}, {NULL, NULL}};
