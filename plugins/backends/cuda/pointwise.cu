/* Pointwise operations with broadcasting, and dropout. */
#include "plugins/backends/cuda/device.cuh"

#include <td/philox.h>

/* One input: x; a and b are the scalar attributes. */
#define UNARY(op, expression) UNARY_OF(CUDA_KERNEL, T, op, expression)
#define UNARY_HALF(op, expression) UNARY_OF(CUDA_KERNELS, S, op, expression) /* also in bfloat16 */
#define UNARY_OF(KERNEL, S, op, expression)                                                                            \
    KERNEL(op##_kernel)                                                                                                \
    {                                                                                                                  \
        const td_scalar_attrs *s = (const td_scalar_attrs *)attrs;                                                     \
        const T a = s ? (T)s->a : 0, b = s ? (T)s->b : 0;                                                              \
        return map<T>(r, td_desc_numel(&out->d), data_of<S>(out[0]), data_of<const S>(in[0]),                          \
                      [=] __device__(T x) -> T {                                                                       \
                          (void)a, (void)b;                                                                            \
                          return expression;                                                                           \
                      });                                                                                              \
    }

UNARY_HALF(neg, -x)
UNARY(exp, exp(x))
UNARY(log, log(x))
UNARY(sqrt, sqrt(x))
UNARY(abs, fabs(x))
UNARY(square, x *x)
UNARY_HALF(sigmoid, 1 / (1 + exp(-x)))
UNARY_HALF(tanh, tanh(x))
UNARY(softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
UNARY_HALF(relu, x < 0 ? (T)0 : x) /* keeps NaN */
UNARY(affine, a *x + b)
UNARY(pow, pow(x, a))
UNARY_HALF(clamp, x < a ? a : (x > b ? b : x))
UNARY_HALF(leaky_relu, x < 0 ? a * x : x)

/* out = f(x, y) with the inputs broadcast. */
template <class T, class S, class F> static int32_t binary(td_run *r, const td_view *in, td_view *out, F f)
{
    const walk<3> w = walk_broadcast<2>(in, *out);
    const S *x = data_of<S>(in[0]), *y = data_of<S>(in[1]);
    S *z = data_of<S>(*out);
    const int64_t n = td_desc_numel(&out->d);
    if (td_desc_numel(&in[0].d) == n && td_desc_numel(&in[1].d) == n)
        return map2<T>(r, n, z, x, y, f);
    return each(r, n, [=] __device__(int64_t i) {
        int64_t at[3];
        w.at(i, at);
        z[at[0]] = f((T)x[at[1]], (T)y[at[2]]);
    });
}

#define BINARY(op, expression) BINARY_OF(CUDA_KERNEL, T, op, expression)
#define BINARY_HALF(op, expression) BINARY_OF(CUDA_KERNELS, S, op, expression)
#define BINARY_OF(KERNEL, S, op, expression)                                    \
    struct op##_fn {                                                            \
        template <class T> __device__ T operator()(T x, T y) const { return expression; } \
    };                                                                          \
    KERNEL(op##_kernel) { return binary<T, S>(r, in, out, op##_fn()); }

BINARY_HALF(add, x + y)
BINARY_HALF(sub, x - y)
BINARY_HALF(mul, x *y)
BINARY(div, x / y)
BINARY(maximum, x > y || isnan(x) ? x : y)
BINARY(minimum, x < y || isnan(x) ? x : y)
BINARY_HALF(relu_grad, x > 0 ? y : (T)0)

/* Comparisons also take integers. */
template <class F> static int32_t compare(td_run *r, const td_view *in, td_view *out, F f)
{
    switch (out->d.dtype) {
    case TD_FLOAT32: return binary<float, float>(r, in, out, f);
    case TD_FLOAT64: return binary<double, double>(r, in, out, f);
    case TD_INT64: return binary<int64_t, int64_t>(r, in, out, f);
    case TD_INT32: return binary<int32_t, int32_t>(r, in, out, f);
    case TD_UINT8:
    case TD_BOOL: return binary<uint8_t, uint8_t>(r, in, out, f);
    default: td_host->run_fail(r, "the cuda backend does not compare dtype %u", out->d.dtype); return TD_ERROR;
    }
}

struct greater_fn { template <class T> __device__ T operator()(T x, T y) const { return (T)(x > y); } };
struct equal_fn { template <class T> __device__ T operator()(T x, T y) const { return (T)(x == y); } };

static int32_t greater_kernel(td_run *r, const td_view *in, td_view *out, const void *)
{
    return compare(r, in, out, greater_fn());
}

static int32_t equal_kernel(td_run *r, const td_view *in, td_view *out, const void *)
{
    return compare(r, in, out, equal_fn());
}

static __device__ bool nonzero(const void *mask, uint32_t dtype, int64_t i)
{
    switch (dtype) {
    case TD_FLOAT32: return ((const float *)mask)[i] != 0;
    case TD_FLOAT64: return ((const double *)mask)[i] != 0;
    case TD_INT64: return ((const int64_t *)mask)[i] != 0;
    case TD_INT32: return ((const int32_t *)mask)[i] != 0;
    case TD_UINT8:
    case TD_BOOL: return ((const uint8_t *)mask)[i] != 0;
    default: return (((const uint16_t *)mask)[i] & 0x7fff) != 0; /* half floats: -0 is zero, too */
    }
}

template <class T> static int32_t where_of(td_run *r, const td_view *in, td_view *out)
{
    walk<4> w = walk_broadcast<3>(in, *out);
    const void *mask = in[0].data;
    uint32_t mask_type = in[0].d.dtype;
    const T *x = data_of<T>(in[1]), *y = data_of<T>(in[2]);
    T *z = data_of<T>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        int64_t at[4];
        w.at(i, at);
        z[at[0]] = nonzero(mask, mask_type, at[1]) ? x[at[2]] : y[at[3]];
    });
}

static int32_t where_kernel(td_run *r, const td_view *in, td_view *out, const void *)
{
    return for_bits(out->d.dtype, [&](auto bits) { return where_of<decltype(bits)>(r, in, out); });
}

/* The draw of the reference backend, four elements a block of bits, in memory order. */
CUDA_KERNELS(dropout_kernel)
{
    const td_dropout_attrs a = *(const td_dropout_attrs *)attrs;
    const int64_t *at = data_of<int64_t>(in[1]); /* epoch and step, or NULL */
    const uint64_t below = (uint64_t)(a.p * 4294967296.0); /* 32 random bits below this: dropped */
    const double scale = a.p < 1 ? 1 / (1 - a.p) : 0;
    const int64_t n = td_desc_numel(&out->d);
    const S *x = data_of<S>(in[0]);
    S *y = data_of<S>(*out);
    return each(r, (n + 3) / 4, [=] __device__(int64_t block) {
        uint32_t draw[4];
        const uint64_t seed = at ? td_step_seed(a.seed, at[0], at[1]) : a.seed;
        td_stream_words(td_stream_of(seed, a.counter, TD_USE_DROPOUT), (uint64_t)block, draw);
        for (int k = 0; k < 4 && block * 4 + k < n; k++)
            y[block * 4 + k] = draw[k] < below ? (T)0 : (T)((T)x[block * 4 + k] * scale);
    });
}

template <class T, class S> static int32_t add_bias_of(td_run *r, td_view *out, const td_view *bias)
{
    const T *b = data_of<T>(*bias);
    S *y = data_of<S>(*out);
    const int64_t channels = bias->d.shape[0];
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) { y[i] = y[i] + b[i % channels]; });
}

int32_t cuda_add_bias(td_run *r, td_view *out, const td_view *bias)
{
    return out->d.dtype == TD_FLOAT64    ? add_bias_of<double, double>(r, out, bias)
           : out->d.dtype == TD_BFLOAT16 ? add_bias_of<float, bf16>(r, out, bias)
                                         : add_bias_of<float, float>(r, out, bias);
}

#define ROW(name) {#name, name##_kernel}
#define ROWS(name) ROW(name), {#name ".bf16", name##_kernel_half}
const cuda_row cuda_pointwise[] = {
    ROWS(add),    ROWS(sub),  ROWS(mul),      ROW(div),     ROW(maximum),    ROW(minimum), ROW(greater),
    ROW(equal),   ROWS(neg),  ROW(exp),       ROW(log),     ROW(sqrt),       ROW(abs),     ROW(square),
    ROWS(sigmoid), ROWS(tanh), ROW(softplus), ROWS(relu),   ROWS(relu_grad), ROW(affine),  ROW(pow),
    ROWS(clamp),  ROWS(leaky_relu), ROW(where), ROWS(dropout), {NULL, NULL},
};
