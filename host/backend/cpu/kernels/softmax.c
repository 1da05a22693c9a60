/* softmax and its logarithm along one dimension; see host/ops/softmax.c. */
#include "host/backend/cpu/kernels/lines.h"

#include <math.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/exp.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/backend/cpu/kernels/sums.h"
#include "host/backend/cpu/slots.h"
#include "host/tensor/tensor.h"

float td__largest(const float *x, int64_t n)
{
    float most = -INFINITY;
    int64_t i = 0;
    if (n >= LANES) {
        vec m = load(x);
        for (i = LANES; i + LANES <= n; i += LANES) {
            vec v = load(x + i);
            m = pick(v > m, v, m);
        }
        for (int l = 0; l < LANES; l++)
            most = m[l] > most ? m[l] : most;
    }
    for (; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

double td__exp_sum(const float *restrict x, float shift, float *restrict e, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += SUM_CHUNK) {
        int64_t end = min(i + SUM_CHUNK, n);
        for (int64_t j = i; j < end; j++)
            e[j] = fast_exp(x[j] - shift);
        sum += (double)td__sum(e + i, end - i);
    }
    return sum;
}

/* ---- one line of n elements; b is the second input of a gradient ---- */

typedef void line_fn(const float *restrict x, const float *restrict b, float *restrict y, int64_t n);

static void softmax_line(const float *restrict x, const float *restrict b, float *restrict y, int64_t n)
{
    (void)b;
    float scale = (float)(1 / td__exp_sum(x, td__largest(x, n), y, n));
    for (int64_t i = 0; i < n; i++)
        y[i] *= scale;
}

static void log_softmax_line(const float *restrict x, const float *restrict b, float *restrict y, int64_t n)
{
    (void)b;
    float most = td__largest(x, n), log_sum = (float)log(td__exp_sum(x, most, y, n));
    for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] - most) - log_sum;
}

static void softmax_grad_line(const float *restrict g, const float *restrict s, float *restrict y, int64_t n)
{
    double dot = 0;
    for (int64_t i = 0; i < n; i += SUM_CHUNK) {
        int64_t end = min(i + SUM_CHUNK, n);
        for (int64_t j = i; j < end; j++)
            y[j] = g[j] * s[j];
        dot += (double)td__sum(y + i, end - i);
    }
    for (int64_t i = 0; i < n; i++)
        y[i] = s[i] * (g[i] - (float)dot);
}

static void log_softmax_grad_line(const float *restrict g, const float *restrict s, float *restrict y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += SUM_CHUNK)
        sum += (double)td__sum(g + i, min(SUM_CHUNK, n - i));
    for (int64_t i = 0; i < n; i++)
        y[i] = g[i] - fast_exp(s[i]) * (float)sum;
}

/* ---- all lines ---- */

struct lines {
    line_fn *fn;
    const float *a, *b;
    float *y;
    int64_t n, step; /* of a line */
    td__slots slots; /* for lines that are not contiguous: three */
};

static void run_lines(void *arg, int64_t begin, int64_t end)
{
    struct lines *l = arg;
    int64_t n = l->n, step = l->step;
    if (step == 1) {
        for (int64_t i = begin * n; i < end * n; i += n)
            l->fn(l->a + i, l->b ? l->b + i : NULL, l->y + i, n);
        return;
    }
    float *a = td__slot_take(&l->slots), *b = a + n, *y = b + n;
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i / step * step * n + i % step;
        for (int64_t j = 0; j < n; j++) {
            a[j] = l->a[first + j * step];
            b[j] = l->b ? l->b[first + j * step] : 0;
        }
        l->fn(a, b, y, n);
        for (int64_t j = 0; j < n; j++)
            l->y[first + j * step] = y[j];
    }
    td__slot_give(&l->slots, a);
}

static int32_t each_line(td_run *r, const td_view *in, td_view *out, const td_dim_attrs *a, line_fn *fn)
{
    const td_desc *d = &out[0].d;
    int64_t dim = a->dim < 0 ? a->dim + d->ndim : a->dim, strides[TD_MAX_DIMS], all = td_desc_numel(d);
    td__strides(d, strides);
    struct lines l = {
        .fn = fn, .a = in[0].data, .b = in[1].data, .y = out[0].data, .n = d->shape[dim], .step = strides[dim]};
    if (!all)
        return TD_OK;
    if (l.step != 1 && td__slots_make(&l.slots, r, (size_t)(3 * l.n) * sizeof(float)))
        return TD_ERROR;
    td__parallel_range(all / l.n, max(GRAIN / 4 / l.n, 1), 1, run_lines, &l);
    return TD_OK;
}

#define KERNEL(op)                                                                                                     \
    static int32_t op##_f32(KERNEL_ARGUMENTS)                                                                          \
    {                                                                                                                  \
        return each_line(r, in, out, attrs, op##_line);                                                                \
    }                                                                                                                  \
    FLOAT32_KERNEL(op)
KERNEL(softmax)
KERNEL(log_softmax)
KERNEL(softmax_grad)
KERNEL(log_softmax_grad)

const td__kernel_row td__cpu_softmax[] = {
    ROW(softmax), ROW(log_softmax), ROW(softmax_grad), ROW(log_softmax_grad), {NULL, NULL},
};
