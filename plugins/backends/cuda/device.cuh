/* What kernel files share: launches over elements, walks over strided memory, dispatch by type. */
#ifndef TD_CUDA_DEVICE_CUH
#define TD_CUDA_DEVICE_CUH

#include <cuda_bf16.h>
#include <math.h>

#include "plugins/backends/cuda/cuda.h"

/* Defines the kernel `op` by its body, which has r, in, out, attrs, and the type T of the first input. */
#define CUDA_KERNEL(op)                                                                                             \
    template <class T> static int32_t op##_of(td_run *r, const td_view *in, td_view *out, const void *attrs);       \
    static int32_t op(td_run *r, const td_view *in, td_view *out, const void *attrs)                                \
    {                                                                                                               \
        if (in[0].d.dtype == TD_FLOAT64)                                                                            \
            return op##_of<double>(r, in, out, attrs);                                                              \
        if (in[0].d.dtype == TD_FLOAT32)                                                                            \
            return op##_of<float>(r, in, out, attrs);                                                               \
        td_host->run_fail(r, "the cuda backend does not compute in dtype %u", in[0].d.dtype);                       \
        return TD_ERROR;                                                                                            \
    }                                                                                                               \
    template <class T>                                                                                              \
    static int32_t op##_of([[maybe_unused]] td_run *r, [[maybe_unused]] const td_view *in,                          \
                           [[maybe_unused]] td_view *out, [[maybe_unused]] const void *attrs)

/* The same where there is also a kernel of op.bf16, called op##_half: the tensors that are bfloat16 there hold S, what is
 * computed, and all other tensors, is T. */
#define CUDA_KERNELS(op)                                                                                            \
    template <class T, class S> static int32_t op##_in(td_run *r, const td_view *in, td_view *out, const void *attrs); \
    CUDA_KERNEL(op) { return op##_in<T, T>(r, in, out, attrs); }                                                    \
    static int32_t op##_half(td_run *r, const td_view *in, td_view *out, const void *attrs)                         \
    {                                                                                                               \
        return op##_in<float, bf16>(r, in, out, attrs);                                                             \
    }                                                                                                               \
    template <class T, class S>                                                                                     \
    static int32_t op##_in([[maybe_unused]] td_run *r, [[maybe_unused]] const td_view *in,                          \
                           [[maybe_unused]] td_view *out, [[maybe_unused]] const void *attrs)

/* bfloat16 in memory, float32 in arithmetic. */
struct bf16 {
    __nv_bfloat16 bits;
    bf16() = default;
    __device__ bf16(float x) : bits(__float2bfloat16_rn(x)) {}
    __device__ operator float() const { return __bfloat162float(bits); }
};

/* The elements of a view, in memory order. */
template <class T> static T *data_of(const td_view &v) { return static_cast<T *>(v.data); }

/* ---- one function call an element ---- */

#define CUDA_BLOCK 256

template <class F> __global__ void each_kernel(int64_t n, F f)
{
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (int64_t)gridDim.x * blockDim.x)
        f(i);
}

static inline unsigned blocks_for(int64_t n)
{
    int64_t blocks = (n + CUDA_BLOCK - 1) / CUDA_BLOCK;
    return (unsigned)(blocks < 65535 ? blocks : 65535);
}

/* Queues f(i) for i in [0, n). */
template <class F> static int32_t each(td_run *r, int64_t n, F f)
{
    if (n)
        each_kernel<<<blocks_for(n), CUDA_BLOCK, 0, cuda_stream>>>(n, f);
    return cuda_launched(r);
}

/* W adjacent elements, which one instruction loads or stores: 16 bytes, or one element. */
template <class S, int W> struct alignas(W * sizeof(S)) pack {
    S v[W];
    static const int width = W;
    __device__ static pack at(const S *p, int64_t i) { return *(const pack *)(p + i); }
    __device__ void put(S *p, int64_t i) const { *(pack *)(p + i) = *this; }
};
template <class S> using wide = pack<S, 16 / sizeof(S)>;

/* y[i] = f(x[i]) for i in [0, n), in packs; y may be x. */
template <class T, class S, class R, class F> static int32_t map(td_run *r, int64_t n, R *y, const S *x, F f)
{
    const int W = sizeof(S) < sizeof(R) ? wide<R>::width : wide<S>::width;
    return each(r, (n + W - 1) / W, [=] __device__(int64_t k) {
        const int64_t i = k * W;
        if (i + W <= n) {
            const pack<S, W> from = pack<S, W>::at(x, i);
            pack<R, W> to;
            for (int j = 0; j < W; j++)
                to.v[j] = f((T)from.v[j]);
            to.put(y, i);
        } else {
            for (int64_t j = i; j < n; j++)
                y[j] = f((T)x[j]);
        }
    });
}

/* z[i] = f(x[i], y[i]) likewise. */
template <class T, class S, class F> static int32_t map2(td_run *r, int64_t n, S *z, const S *x, const S *y, F f)
{
    const int W = wide<S>::width;
    return each(r, (n + W - 1) / W, [=] __device__(int64_t k) {
        const int64_t i = k * W;
        if (i + W <= n) {
            const wide<S> a = wide<S>::at(x, i), b = wide<S>::at(y, i);
            wide<S> to;
            for (int j = 0; j < W; j++)
                to.v[j] = f((T)a.v[j], (T)b.v[j]);
            to.put(z, i);
        } else {
            for (int64_t j = i; j < n; j++)
                z[j] = f((T)x[j], (T)y[j]);
        }
    });
}

static inline int32_t zero(td_run *r, const td_view &v, size_t element)
{
    cudaMemsetAsync(v.data, 0, (size_t)td_desc_numel(&v.d) * element, cuda_stream);
    return cuda_launched(r);
}

/* ---- strides and walks (memory is channels-last at rank 4, else row-major) ---- */

static inline void order_of(uint32_t ndim, uint32_t order[TD_MAX_DIMS])
{
    static const uint32_t channels_last[4] = {0, 2, 3, 1};
    for (uint32_t i = 0; i < ndim; i++)
        order[i] = ndim == 4 ? channels_last[i] : i;
}

static inline void strides_of(const td_desc &d, int64_t strides[TD_MAX_DIMS])
{
    uint32_t order[TD_MAX_DIMS];
    int64_t step = 1;
    order_of(d.ndim, order);
    for (uint32_t i = d.ndim; i-- > 0;) {
        strides[order[i]] = step;
        step *= d.shape[order[i]];
    }
}

/* Strides of d as broadcast to `to`: 0 where d is repeated. */
static inline void broadcast_strides(const td_desc &d, const td_desc &to, int64_t strides[TD_MAX_DIMS])
{
    int64_t own[TD_MAX_DIMS];
    uint32_t lead = to.ndim - d.ndim;
    strides_of(d, own);
    for (uint32_t i = 0; i < to.ndim; i++)
        strides[i] = i < lead || d.shape[i - lead] == 1 ? 0 : own[i - lead];
}

/* K operands walked in the memory order of one shape; passed to kernels by value.  Dimensions that are adjacent in
 * all operands are one. */
template <int K> struct walk {
    int n;
    int64_t size[TD_MAX_DIMS], stride[K][TD_MAX_DIMS]; /* outermost first */

    void add(int64_t length, const int64_t (&step)[K])
    {
        bool runs_on = n > 0;
        for (int k = 0; k < K && runs_on; k++)
            runs_on = stride[k][n - 1] == step[k] * length;
        int at = runs_on ? n - 1 : n++;
        size[at] = runs_on ? size[at] * length : length;
        for (int k = 0; k < K; k++)
            stride[k][at] = step[k];
    }

    /* Offsets of element i. */
    __device__ void at(int64_t i, int64_t (&offset)[K]) const
    {
        for (int k = 0; k < K; k++)
            offset[k] = 0;
        for (int d = n - 1; d >= 0; d--) {
            int64_t index = i;
            if (d) {
                index = i % size[d];
                i /= size[d];
            }
            for (int k = 0; k < K; k++)
                offset[k] += index * stride[k][d];
        }
    }
};

template <int K> static walk<K> walk_over(const td_desc &shape, const int64_t (&strides)[K][TD_MAX_DIMS])
{
    walk<K> w = {};
    uint32_t order[TD_MAX_DIMS];
    order_of(shape.ndim, order);
    for (uint32_t i = 0; i < shape.ndim; i++) {
        int64_t step[K];
        for (int k = 0; k < K; k++)
            step[k] = strides[k][order[i]];
        if (shape.shape[order[i]] != 1)
            w.add(shape.shape[order[i]], step);
    }
    return w;
}

/* out = operand 0, and the inputs broadcast to it. */
template <int K> static walk<K + 1> walk_broadcast(const td_view *in, const td_view &out)
{
    int64_t strides[K + 1][TD_MAX_DIMS];
    strides_of(out.d, strides[0]);
    for (int k = 0; k < K; k++)
        broadcast_strides(in[k].d, out.d, strides[k + 1]);
    return walk_over<K + 1>(out.d, strides);
}

/* ---- data of any type ---- */

static inline int dtype_size(uint32_t dtype)
{
    static const int sizes[] = {4, 8, 2, 2, 8, 4, 1, 1};
    return sizes[dtype];
}

/* Calls f with an unsigned integer as wide as the dtype. */
template <class F> static int32_t for_bits(uint32_t dtype, F f)
{
    switch (dtype_size(dtype)) {
    case 8: return f(uint64_t());
    case 4: return f(uint32_t());
    case 2: return f(uint16_t());
    default: return f(uint8_t());
    }
}

/* ---- faults ---- */

static __device__ inline void raise_fault(cuda_fault *f, int32_t kind, int64_t value, int64_t limit)
{
    volatile cuda_fault *to = f;
    to->value = value;
    to->limit = limit;
    __threadfence_system();
    to->kind = kind;
}

/* ---- warps ---- */

template <class T, class C> static __device__ T warp_all(T x, C combine)
{
    for (int apart = 16; apart; apart /= 2)
        x = combine(x, __shfl_xor_sync(0xffffffffu, x, apart));
    return x;
}

struct plus_op { template <class T> __device__ T operator()(T a, T b) const { return a + b; } };
struct largest_op { template <class T> __device__ T operator()(T a, T b) const { return a > b ? a : b; } };

#endif
