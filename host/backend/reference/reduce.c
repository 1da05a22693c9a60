#include <math.h>

#include "host/backend/reference/real.h"

/* Strides of the output along the input's dimensions: 0 along those reduced. */
static void output_strides(const td_view *in, const td_view *out, uint32_t dims, int keepdim,
                           int64_t strides[TD_MAX_DIMS])
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
TD__INLINE int32_t reduce(td_run *r, const td_view *in, td_view *out, const td_dims_attrs *a, uint32_t t,
                          combine_fn combine, double start, double scale)
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
    do {
        for (int64_t i = 0; i < nest.n; i++) {
            double *y = &so_far[nest.offset[0] + i * nest.step[0]];
            *y = combine(*y, td__get(in, t, nest.offset[1] + i * nest.step[1]));
        }
    } while (td__nest_next(&nest));
    for (int64_t i = 0; i < n; i++)
        td__put(out, t, i, so_far[i] * scale);
    return TD_OK;
}

TD__KERNEL(sum) { return reduce(r, in, out, attrs, t, combine_sum, 0, 1); }
TD__KERNEL(mean)
{
    return reduce(r, in, out, attrs, t, combine_sum, 0, (double)td_desc_numel(&out->d) / (double)td_desc_numel(&in->d));
}
TD__KERNEL(amax) { return reduce(r, in, out, attrs, t, combine_max, -INFINITY, 1); }

/* NaN counts as the largest, as in PyTorch. */
TD__INLINE int64_t first_max(const td_view *in, uint32_t t, int64_t first, int64_t step, int64_t n)
{
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++) {
        double x = td__get(in, t, first + j * step), most = td__get(in, t, first + best * step);
        if (!isnan(most) && (x > most || isnan(x)))
            best = j;
    }
    return best;
}

TD__KERNEL(argmax)
{
    const td_dim_attrs *a = attrs;
    uint32_t dim = (uint32_t)(a->dim < 0 ? a->dim + in->d.ndim : a->dim);
    int64_t strides[2][TD_MAX_DIMS];
    td_desc first = in->d; /* the walk goes over the first element along dim */
    td__nest nest;
    first.shape[dim] = 1;
    output_strides(in, out, 1u << dim, 0, strides[0]);
    td__strides(&in->d, strides[1]);
    td__nest_begin(&nest, &first, 2, (const int64_t (*)[TD_MAX_DIMS])strides);
    do
        for (int64_t i = 0; i < nest.n; i++)
            ((int64_t *)out->data)[nest.offset[0] + i * nest.step[0]] =
                first_max(in, t, nest.offset[1] + i * nest.step[1], strides[1][dim], in->d.shape[dim]);
    while (td__nest_next(&nest));
    return TD_OK;
}

const td__kernel_row td__reference_reduce[] = {
    {"sum", sum}, {"mean", mean}, {"amax", amax}, {"argmax", argmax}, {NULL, NULL},
};
