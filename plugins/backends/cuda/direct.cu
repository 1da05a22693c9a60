/* Convolutions by their definitions (see host/ops/conv.c): in float64 for gradient checks, as cuDNN has them in no
 * channels-last layout, and in float32 and bfloat16 for shapes for which cuDNN has no deterministic way.  A thread
 * computes one result, in one order. */
#include "plugins/backends/cuda/device.cuh"

struct geometry {
    int64_t h, w, c, oh, ow, o, kh, kw, ins, outs; /* ins, outs: channels of a group */
    int64_t stride[2], padding[2], dilation[2];
};

static geometry geometry_of(const td_desc &x, const td_desc &w, const td_desc &y, const td_conv2d_attrs *a)
{
    geometry g = {x.shape[2], x.shape[3], x.shape[1], y.shape[2], y.shape[3], y.shape[1], w.shape[2], w.shape[3],
                  w.shape[1], y.shape[1] / a->groups, {}, {}, {}};
    for (int i = 0; i < 2; i++) {
        g.stride[i] = a->stride[i];
        g.padding[i] = a->padding[i];
        g.dilation[i] = a->dilation[i];
    }
    return g;
}

/* The input position that kernel position k of output position o reads, or -1 in the padding. */
static __device__ int64_t tap(const geometry &g, int axis, int64_t o, int64_t k)
{
    const int64_t i = o * g.stride[axis] - g.padding[axis] + k * g.dilation[axis];
    return i >= 0 && i < (axis ? g.w : g.h) ? i : -1;
}

/* The output position whose kernel position k reads input position i, or -1. */
static __device__ int64_t source(const geometry &g, int axis, int64_t i, int64_t k)
{
    const int64_t from = i + g.padding[axis] - k * g.dilation[axis], o = from / g.stride[axis];
    return from >= 0 && from % g.stride[axis] == 0 && o < (axis ? g.ow : g.oh) ? o : -1;
}

template <class T, class S>
static int32_t conv2d_of(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a)
{
    const geometry g = geometry_of(in[0].d, in[1].d, out->d, a);
    const S *x = data_of<S>(in[0]), *w = data_of<S>(in[1]);
    S *y = data_of<S>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const int64_t o = i % g.o, ox = i / g.o % g.ow, oy = i / (g.o * g.ow) % g.oh, n = i / (g.o * g.ow * g.oh);
        T sum = 0;
        for (int64_t ky = 0; ky < g.kh; ky++)
            for (int64_t kx = 0; kx < g.kw; kx++) {
                const int64_t iy = tap(g, 0, oy, ky), ix = tap(g, 1, ox, kx);
                const S *from = x + ((n * g.h + iy) * g.w + ix) * g.c + o / g.outs * g.ins;
                const S *weight = w + ((o * g.kh + ky) * g.kw + kx) * g.ins;
                for (int64_t c = 0; c < g.ins && iy >= 0 && ix >= 0; c++)
                    sum += (T)from[c] * (T)weight[c];
            }
        y[i] = sum;
    });
}

template <class T, class S>
static int32_t input_grad_of(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a)
{
    const geometry g = geometry_of(out->d, in[1].d, in[0].d, a);
    const S *gy = data_of<S>(in[0]), *w = data_of<S>(in[1]);
    S *gx = data_of<S>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const int64_t c = i % g.c, ix = i / g.c % g.w, iy = i / (g.c * g.w) % g.h, n = i / (g.c * g.w * g.h);
        const int64_t first = c / g.ins * g.outs;
        T sum = 0;
        for (int64_t ky = 0; ky < g.kh; ky++)
            for (int64_t kx = 0; kx < g.kw; kx++) {
                const int64_t oy = source(g, 0, iy, ky), ox = source(g, 1, ix, kx);
                for (int64_t o = first; o < first + g.outs && oy >= 0 && ox >= 0; o++)
                    sum += (T)gy[((n * g.oh + oy) * g.ow + ox) * g.o + o] *
                           (T)w[((o * g.kh + ky) * g.kw + kx) * g.ins + c % g.ins];
            }
        gx[i] = sum;
    });
}

template <class T, class S>
static int32_t weight_grad_of(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a)
{
    const geometry g = geometry_of(in[0].d, out->d, in[1].d, a);
    const int64_t batch = in[0].d.shape[0];
    const S *x = data_of<S>(in[0]), *gy = data_of<S>(in[1]);
    T *gw = data_of<T>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const int64_t c = i % g.ins, kx = i / g.ins % g.kw, ky = i / (g.ins * g.kw) % g.kh;
        const int64_t o = i / (g.ins * g.kw * g.kh), channel = o / g.outs * g.ins + c;
        T sum = 0;
        for (int64_t n = 0; n < batch; n++)
            for (int64_t oy = 0; oy < g.oh; oy++)
                for (int64_t ox = 0; ox < g.ow; ox++) {
                    const int64_t iy = tap(g, 0, oy, ky), ix = tap(g, 1, ox, kx);
                    if (iy >= 0 && ix >= 0)
                        sum += (T)gy[((n * g.oh + oy) * g.ow + ox) * g.o + o] *
                               (T)x[((n * g.h + iy) * g.w + ix) * g.c + channel];
                }
        gw[i] = sum;
    });
}

#define DIRECT(name)                                                                                 \
    int32_t cuda_direct_##name(td_run *r, const td_view *in, td_view *out, const td_conv2d_attrs *a) \
    {                                                                                                \
        return in[0].d.dtype == TD_FLOAT64    ? name##_of<double, double>(r, in, out, a)             \
               : in[0].d.dtype == TD_BFLOAT16 ? name##_of<float, bf16>(r, in, out, a)                \
                                              : name##_of<float, float>(r, in, out, a);              \
    }
DIRECT(conv2d)
DIRECT(input_grad)
DIRECT(weight_grad)
