/* softmax along one dimension (see host/ops/softmax.c). */
#include "host/backend/reference/real.h"

/* The dimension in memory: n elements, `step` apart, in each of `blocks` blocks. */
struct axis { int64_t n, step, blocks; };

static struct axis axis_of(const td_desc *d, const td_dim_attrs *a)
{
    int64_t dim = a->dim < 0 ? a->dim + d->ndim : a->dim, strides[TD_MAX_DIMS];
    td__strides(d, strides);
    struct axis x = {d->shape[dim], strides[dim], 0};
    int64_t block = x.n * x.step;
    x.blocks = block ? td_desc_numel(d) / block : 0;
    return x;
}

/* Runs the statement that follows for the first element of every line along the axis. */
#define EACH_LINE(x) \
    for (int64_t block = 0; block < (x).blocks; block++) \
        for (int64_t first = block * (x).n * (x).step, past = first + (x).step; first < past; first++)

TD__KERNEL(softmax)
{
    struct axis x = axis_of(&in->d, attrs);
    EACH_LINE(x) {
        double whole = td__log_sum_exp(in, t, first, x.n, x.step, 1);
        for (int64_t i = first; i < first + x.n * x.step; i += x.step)
            td__put(out, t, i, exp(td__get(in, t, i) - whole));
    }
    return TD_OK;
}

TD__KERNEL(log_softmax)
{
    struct axis x = axis_of(&in->d, attrs);
    EACH_LINE(x) {
        double whole = td__log_sum_exp(in, t, first, x.n, x.step, 1);
        for (int64_t i = first; i < first + x.n * x.step; i += x.step)
            td__put(out, t, i, td__get(in, t, i) - whole);
    }
    return TD_OK;
}

TD__KERNEL(softmax_grad)
{
    const td_view *gy = &in[0], *y = &in[1];
    struct axis x = axis_of(&in->d, attrs);
    EACH_LINE(x) {
        double dot = 0;
        for (int64_t i = first; i < first + x.n * x.step; i += x.step)
            dot += td__get(gy, t, i) * td__get(y, t, i);
        for (int64_t i = first; i < first + x.n * x.step; i += x.step)
            td__put(out, t, i, td__get(y, t, i) * (td__get(gy, t, i) - dot));
    }
    return TD_OK;
}

TD__KERNEL(log_softmax_grad)
{
    const td_view *gy = &in[0], *y = &in[1];
    struct axis x = axis_of(&in->d, attrs);
    EACH_LINE(x) {
        double sum = 0;
        for (int64_t i = first; i < first + x.n * x.step; i += x.step)
            sum += td__get(gy, t, i);
        for (int64_t i = first; i < first + x.n * x.step; i += x.step)
            td__put(out, t, i, td__get(gy, t, i) - exp(td__get(y, t, i)) * sum);
    }
    return TD_OK;
}

const td__kernel_row td__reference_softmax[] = {
    {"softmax", softmax},
    {"log_softmax", log_softmax},
    {"softmax_grad", softmax_grad},
    {"log_softmax_grad", log_softmax_grad},
    {NULL, NULL},
};
