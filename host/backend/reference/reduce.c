#include <math.h>

#include "host/backend/reference/reference.h"

/* Strides of the output along the input's dimensions: 0 along those reduced. */
static void output_strides(const td_view *in, const td_view *out, uint32_t dims, int keepdim, int64_t strides[TD_MAX_DIMS])
{
    int64_t own[TD_MAX_DIMS];
    td__strides(&out->d, own);
    for (uint32_t i = 0, n = 0; i < in->d.ndim; i++) {
        int reduced = dims >> i & 1;
        strides[i] = reduced ? 0 : own[n];
        n += !reduced || keepdim;
    }
}

typedef double (*combine_fn)(double so_far, double x);
static double combine_sum(double so_far, double x) { return so_far + x; }
static double combine_max(double so_far, double x) { return x > so_far || isnan(x) ? x : so_far; }

/* out = scale * (the inputs combined, from start on). */
static int32_t reduce(td_run *r, const td_view *in, td_view *out, const td_dims_attrs *a, combine_fn combine, double start,
                      double scale)
{
    int64_t strides[2][TD_MAX_DIMS], n = td_desc_numel(&out->d);
    uint32_t dims = a->dims ? a->dims : (1u << in->d.ndim) - 1;
    td__nest nest;
    double *so_far = td__run_scratch(r, (size_t)n * sizeof *so_far);
    if (!so_far)
        return TD_ERROR;
    for (int64_t i = 0; i < n; i++)
        so_far[i] = start;
    output_strides(in, out, dims, (int)a->keepdim, strides[0]);
    td__strides(&in->d, strides[1]);
    td__nest_begin(&nest, &in->d, 2, (const int64_t (*)[TD_MAX_DIMS])strides);
    FOR_FLOAT(r, in->d.dtype, T, {
        do {
            const T *x = (const T *)in->data + nest.offset[1];
            double *y = so_far + nest.offset[0];
            for (int64_t i = 0; i < nest.n; i++)
                y[i * nest.step[0]] = combine(y[i * nest.step[0]], (double)x[i * nest.step[1]]);
        } while (td__nest_next(&nest));
        for (int64_t i = 0; i < n; i++)
            ((T *)out->data)[i] = (T)(so_far[i] * scale);
    })
    return TD_OK;
}

static int32_t sum_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return reduce(r, in, out, attrs, combine_sum, 0, 1);
}

static int32_t mean_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return reduce(r, in, out, attrs, combine_sum, 0, (double)td_desc_numel(&out->d) / (double)td_desc_numel(&in->d));
}

static int32_t amax_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    return reduce(r, in, out, attrs, combine_max, -INFINITY, 1);
}

/* NaN counts as the largest, as in PyTorch. */
static int32_t argmax_kernel(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const td_dim_attrs *a = attrs;
    uint32_t dim = (uint32_t)(a->dim < 0 ? a->dim + in->d.ndim : a->dim);
    int64_t strides[2][TD_MAX_DIMS], along, length = in->d.shape[dim];
    td_desc first = in->d; /* the walk goes over the first element along dim */
    td__nest nest;
    first.shape[dim] = 1;
    output_strides(in, out, 1u << dim, 0, strides[0]);
    td__strides(&in->d, strides[1]);
    along = strides[1][dim];
    td__nest_begin(&nest, &first, 2, (const int64_t (*)[TD_MAX_DIMS])strides);
    FOR_FLOAT(r, in->d.dtype, T, {
        do {
            for (int64_t i = 0; i < nest.n; i++) {
                const T *x = (const T *)in->data + nest.offset[1] + i * nest.step[1];
                int64_t best = 0;
                for (int64_t j = 1; j < length && !isnan(x[best * along]); j++)
                    if (x[j * along] > x[best * along] || isnan(x[j * along]))
                        best = j;
                ((int64_t *)out->data)[nest.offset[0] + i * nest.step[0]] = best;
            }
        } while (td__nest_next(&nest));
    })
    return TD_OK;
}

const td__kernel_row td__reference_reduce[] = {
    {"sum", sum_kernel}, {"mean", mean_kernel}, {"amax", amax_kernel}, {"argmax", argmax_kernel}, {NULL, NULL},
};
