/* softmax along one dimension (see host/ops/softmax.c): a warp a line where its elements are adjacent, else a block for
 * as many lines as lie beside each other in memory. */
#include "plugins/backends/cuda/device.cuh"

#define WARPS 4 /* of a block, each with its line */
#define TILE_LINES 32
#define TILE_LANES 8

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

/* What one thread does of a line: elements begin, begin + stride, ... before end; all(x) joins the threads' parts. */
struct warp_line {
    int64_t begin, end, stride;
    template <class T, class C> __device__ T all(T x, C combine) const { return warp_all(x, combine); }
};
struct tile_line {
    int64_t begin, end, stride;
    template <class T, class C> __device__ T all(T x, C combine) const
    {
        __shared__ T held[TILE_LANES][TILE_LINES];
        __syncthreads(); /* what was joined before has been read */
        held[threadIdx.y][threadIdx.x] = x;
        __syncthreads();
        x = held[0][threadIdx.x];
        for (int lane = 1; lane < TILE_LANES; lane++)
            x = combine(x, held[lane][threadIdx.x]);
        return x;
    }
};

template <class F> __global__ void warps_kernel(line_axis x, F f)
{
    for (int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.y; i < x.blocks; i += (int64_t)gridDim.x * WARPS)
        f(warp_line{i * x.n + threadIdx.x, (i + 1) * x.n, 32});
}

/* Threads beyond the last line of a tile have no elements, but join. */
template <class F> __global__ void tiles_kernel(line_axis x, int64_t tiles, F f)
{
    for (int64_t i = blockIdx.x; i < x.blocks * tiles; i += gridDim.x) {
        const int64_t line = i % tiles * TILE_LINES + threadIdx.x, first = i / tiles * x.n * x.step + line;
        f(tile_line{first + threadIdx.y * x.step, line < x.step ? first + x.n * x.step : 0, TILE_LANES * x.step});
    }
}

static unsigned at_most(int64_t blocks) { return (unsigned)(blocks < 65535 ? blocks : 65535); }

/* Calls f(line) in all threads of every line. */
template <class F> static int32_t each_line(td_run *r, line_axis x, F f)
{
    const int64_t tiles = (x.step + TILE_LINES - 1) / TILE_LINES, warps = (x.blocks + WARPS - 1) / WARPS;
    if (x.blocks && x.step == 1)
        warps_kernel<<<at_most(warps), dim3(32, WARPS), 0, cuda_stream>>>(x, f);
    else if (x.blocks)
        tiles_kernel<<<at_most(x.blocks * tiles), dim3(TILE_LINES, TILE_LANES), 0, cuda_stream>>>(x, tiles, f);
    return cuda_launched(r);
}

/* ln of the sum of e^x, in every thread of the line. */
template <class T, class L> static __device__ T line_log_sum_exp(const T *x, const L &line)
{
    T most = (T)-INFINITY, sum = 0;
    for (int64_t i = line.begin; i < line.end; i += line.stride)
        most = largest_op()(most, x[i]);
    most = line.all(most, largest_op());
    for (int64_t i = line.begin; i < line.end; i += line.stride)
        sum += exp(x[i] - most);
    return most + log(line.all(sum, plus_op()));
}

template <class T, bool LOG> static int32_t forward(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const T *x = data_of<T>(*in);
    T *y = data_of<T>(*out);
    return each_line(r, axis_of(&in->d, attrs), [=] __device__(const auto &line) {
        const T whole = line_log_sum_exp(x, line);
        for (int64_t i = line.begin; i < line.end; i += line.stride)
            y[i] = LOG ? x[i] - whole : exp(x[i] - whole);
    });
}

template <class T, bool LOG> static int32_t backward(td_run *r, const td_view *in, td_view *out, const void *attrs)
{
    const T *gy = data_of<T>(in[0]), *y = data_of<T>(in[1]);
    T *gx = data_of<T>(*out);
    return each_line(r, axis_of(&in->d, attrs), [=] __device__(const auto &line) {
        T sum = 0;
        for (int64_t i = line.begin; i < line.end; i += line.stride)
            sum += LOG ? gy[i] : gy[i] * y[i];
        sum = line.all(sum, plus_op());
        for (int64_t i = line.begin; i < line.end; i += line.stride)
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
