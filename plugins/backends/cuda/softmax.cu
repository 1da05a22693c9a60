/* softmax along one dimension (see host/ops/softmax.c), a warp a line. */
#include "plugins/backends/cuda/device.cuh"

#define LINES 4 /* warps in a block */

/* The dimension in memory: n elements, `step` apart, in each of `blocks` blocks. */
struct line_axis {
    int64_t n, step, blocks;
};

static line_axis axis_of(const td_desc *d, const void *attrs)
{
    int64_t dim = ((const td_dim_attrs *)attrs)->dim, strides[TD_MAX_DIMS] = {0};
    dim += dim < 0 ? d->ndim : 0;
    strides_of(*d, strides);
    line_axis x = {d->shape[dim], strides[dim], 0};
    const int64_t block = x.n * x.step;
    x.blocks = block ? td_desc_numel(d) / block : 0;
    return x;
}

/* Calls f(first element, lane) with a whole warp for every line. */
template <class F> __global__ void lines_kernel(line_axis x, F f)
{
    const int64_t lines = x.blocks * x.step;
    for (int64_t line = (int64_t)blockIdx.x * LINES + threadIdx.y; line < lines; line += (int64_t)gridDim.x * LINES)
        f(line / x.step * x.n * x.step + line % x.step, (int)threadIdx.x);
}

template <class F> static int32_t each_line(td_run *r, line_axis x, F f)
{
    const int64_t blocks = (x.blocks * x.step + LINES - 1) / LINES;
    if (blocks)
        lines_kernel<<<(unsigned)(blocks < 65535 ? blocks : 65535), dim3(32, LINES), 0, cuda_stream>>>(x, f);
    return cuda_launched(r);
}

/* ln of the sum of e^x, in every lane. */
template <class T> static __device__ T line_log_sum_exp(const T *x, line_axis a, int64_t first, int lane)
{
    T most = (T)-INFINITY, sum = 0;
    for (int64_t i = lane; i < a.n; i += 32)
        most = largest_op()(most, x[first + i * a.step]);
    most = warp_all(most, largest_op());
    for (int64_t i = lane; i < a.n; i += 32)
        sum += exp(x[first + i * a.step] - most);
    return most + log(warp_all(sum, plus_op()));
}

template <class T, bool LOG> static int32_t forward(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const line_axis a = axis_of(&in->d, attrs);
    const T *x = data_of<T>(*in);
    T *y = data_of<T>(*out);
    return each_line(r, a, [=] __device__(int64_t first, int lane) {
        const T whole = line_log_sum_exp(x, a, first, lane);
        for (int64_t i = first + lane * a.step; i < first + a.n * a.step; i += 32 * a.step)
            y[i] = LOG ? x[i] - whole : exp(x[i] - whole);
    });
}

template <class T, bool LOG> static int32_t backward(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const line_axis a = axis_of(&in->d, attrs);
    const T *gy = data_of<T>(in[0]), *y = data_of<T>(in[1]);
    T *gx = data_of<T>(*out);
    return each_line(r, a, [=] __device__(int64_t first, int lane) {
        T sum = 0;
        for (int64_t i = first + lane * a.step; i < first + a.n * a.step; i += 32 * a.step)
            sum += LOG ? gy[i] : gy[i] * y[i];
        sum = warp_all(sum, plus_op());
        for (int64_t i = first + lane * a.step; i < first + a.n * a.step; i += 32 * a.step)
            gx[i] = LOG ? gy[i] - exp(y[i]) * sum : y[i] * (gy[i] - sum);
    });
}

CUDA_KERNEL(softmax) { return forward<T, false>(r, in, out, attrs); }
CUDA_KERNEL(log_softmax) { return forward<T, true>(r, in, out, attrs); }
CUDA_KERNEL(softmax_grad) { return backward<T, false>(r, in, out, attrs); }
CUDA_KERNEL(log_softmax_grad) { return backward<T, true>(r, in, out, attrs); }

const cuda_row cuda_softmax[] = {
    {"softmax", softmax},
    {"log_softmax", log_softmax},
    {"softmax_grad", softmax_grad},
    {"log_softmax_grad", log_softmax_grad},
    {NULL, NULL},
};
