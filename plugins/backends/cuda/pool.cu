/* Pooling and nearest-neighbour resampling (see host/ops/pool.c).  Gradients gather, so that sums have one order. */
#include "plugins/backends/cuda/device.cuh"

/* [N, H, W, C] as it lies in memory. */
struct image {
    int64_t h, w, c;
};
static image image_of(const td_desc &d) { return {d.shape[2], d.shape[3], d.shape[1]}; }

/* Where element i of an image tensor lies. */
struct place {
    int64_t n, y, x, c;
    __device__ place(const image &m, int64_t i)
    {
        c = i % m.c;
        x = i / m.c % m.w;
        y = i / (m.c * m.w) % m.h;
        n = i / (m.c * m.w * m.h);
    }
};
static __device__ int64_t element(const image &m, int64_t n, int64_t y, int64_t x, int64_t c)
{
    return ((n * m.h + y) * m.w + x) * m.c + c;
}

/* One window on one axis: [begin, end) clipped to the input, and its length with the padding. */
struct window {
    int64_t begin, end, padded;
};

/* The windows on one axis: `outs` over `length` elements; kernel 0: adaptive. */
struct pool_axis {
    int64_t length, outs, kernel, stride, padding;

    __device__ window at(int64_t o) const
    {
        if (!kernel) {
            const int64_t begin = o * length / outs, end = ((o + 1) * length + outs - 1) / outs;
            return {begin, end, end - begin};
        }
        const int64_t begin = o * stride - padding, end = begin + kernel;
        return {begin < 0 ? 0 : begin, end > length ? length : end,
                (end < length + padding ? end : length + padding) - begin};
    }
    /* The windows that hold element i are among [first(i), past(i)). */
    __device__ int64_t first(int64_t i) const
    {
        if (!kernel)
            return i * outs / length;
        const int64_t late = i + padding - kernel + 1;
        return late > 0 ? (late + stride - 1) / stride : 0;
    }
    __device__ int64_t past(int64_t i) const
    {
        const int64_t o = kernel ? (i + padding) / stride + 1 : ((i + 1) * outs + length - 1) / length;
        return o < outs ? o : outs;
    }
};

/* With attributes (of a kernel that is not 0) the fixed windows, without the adaptive ones. */
static pool_axis axis_of(const td_pool2d_attrs *a, int i, const td_desc &x, const td_desc &y)
{
    if (!a || !a->kernel[i])
        return {x.shape[2 + i], y.shape[2 + i], 0, 0, 0};
    return {x.shape[2 + i], y.shape[2 + i], a->kernel[i], a->stride[i], a->padding[i]};
}

/* What an average divides by. */
static __device__ int64_t divisor(bool padding_counts, window h, window w)
{
    return padding_counts ? h.padded * w.padded : (h.end - h.begin) * (w.end - w.begin);
}

template <class T, class S>
static int32_t max_pool(td_run *r, const td_view *in, td_view *out, const td_pool2d_attrs *a)
{
    const pool_axis vertical = axis_of(a, 0, in->d, out->d), horizontal = axis_of(a, 1, in->d, out->d);
    const image from = image_of(in->d), to = image_of(out->d);
    const S *x = data_of<S>(*in);
    S *y = data_of<S>(out[0]);
    int32_t *positions = data_of<int32_t>(out[1]);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const place p(to, i);
        const window h = vertical.at(p.y), w = horizontal.at(p.x);
        T best = (T)-INFINITY;
        int64_t at = h.begin * from.w + w.begin;
        for (int64_t iy = h.begin; iy < h.end; iy++)
            for (int64_t ix = w.begin; ix < w.end; ix++) {
                const T v = x[element(from, p.n, iy, ix, p.c)];
                if (v > best || isnan(v)) {
                    best = v;
                    at = iy * from.w + ix;
                }
            }
        y[i] = best;
        positions[i] = (int32_t)at;
    });
}

template <class T, class S>
static int32_t avg_pool(td_run *r, const td_view *in, td_view *out, const td_pool2d_attrs *a)
{
    const pool_axis vertical = axis_of(a, 0, in->d, out->d), horizontal = axis_of(a, 1, in->d, out->d);
    const image from = image_of(in->d), to = image_of(out->d);
    const bool padding_counts = a && a->count_include_pad;
    const S *x = data_of<S>(*in);
    S *y = data_of<S>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const place p(to, i);
        const window h = vertical.at(p.y), w = horizontal.at(p.x);
        T sum = 0;
        for (int64_t iy = h.begin; iy < h.end; iy++)
            for (int64_t ix = w.begin; ix < w.end; ix++)
                sum += x[element(from, p.n, iy, ix, p.c)];
        y[i] = sum / (T)divisor(padding_counts, h, w);
    });
}

template <class T, class S>
static int32_t avg_pool_grad(td_run *r, const td_view *in, td_view *out, const td_pool2d_attrs *a)
{
    const pool_axis vertical = axis_of(a, 0, out->d, in->d), horizontal = axis_of(a, 1, out->d, in->d);
    const image from = image_of(in->d), to = image_of(out->d);
    const bool padding_counts = a && a->count_include_pad;
    const S *gy = data_of<S>(*in);
    S *gx = data_of<S>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const place p(to, i);
        T sum = 0;
        for (int64_t oy = vertical.first(p.y); oy < vertical.past(p.y); oy++)
            for (int64_t ox = horizontal.first(p.x); ox < horizontal.past(p.x); ox++)
                sum += (T)gy[element(from, p.n, oy, ox, p.c)] /
                       (T)divisor(padding_counts, vertical.at(oy), horizontal.at(ox));
        gx[i] = sum;
    });
}

/* A thread looks at the windows that hold its element. */
CUDA_KERNELS(max_pool2d_grad)
{
    const td_pool2d_attrs *a = &((const td_pool2d_grad_attrs *)attrs)->pool;
    const pool_axis vertical = axis_of(a, 0, out->d, in->d), horizontal = axis_of(a, 1, out->d, in->d);
    const image from = image_of(in->d), to = image_of(out->d);
    const S *gy = data_of<S>(in[0]);
    const int32_t *positions = data_of<int32_t>(in[1]);
    S *gx = data_of<S>(*out);
    cuda_fault *faults = cuda_faults;
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const place p(to, i);
        T sum = 0;
        for (int64_t oy = vertical.first(p.y); oy < vertical.past(p.y); oy++)
            for (int64_t ox = horizontal.first(p.x); ox < horizontal.past(p.x); ox++) {
                const int64_t at = element(from, p.n, oy, ox, p.c), position = positions[at];
                if (position == p.y * to.w + p.x)
                    sum += (T)gy[at];
                else if (position < 0 || position >= to.h * to.w)
                    raise_fault(faults, CUDA_FAULT_POSITION, position, to.h * to.w);
            }
        gx[i] = sum;
    });
}

/* PyTorch computes the source in float32 (nearest_neighbor_compute_source_index), rounding after each step. */
static __device__ int64_t nearest(int64_t o, int64_t in, int64_t out)
{
    const int64_t i = (int64_t)floorf(__fmul_rn((float)o, __fdiv_rn((float)in, (float)out)));
    return i < in ? i : in - 1;
}

CUDA_KERNELS(interpolate_nearest)
{
    const image from = image_of(in->d), to = image_of(out->d);
    const S *x = data_of<S>(*in);
    S *y = data_of<S>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const place p(to, i);
        y[i] = x[element(from, p.n, nearest(p.y, from.h, to.h), nearest(p.x, from.w, to.w), p.c)];
    });
}

/* The outputs that may have element i as their nearest: one more on each side than exact arithmetic has. */
static __device__ void sources(int64_t i, int64_t in, int64_t out, int64_t *first, int64_t *past)
{
    *first = i * out / in - 1;
    *past = ((i + 1) * out + in - 1) / in + 1;
    *first = *first < 0 ? 0 : *first;
    *past = *past > out || i == in - 1 ? out : *past;
}

CUDA_KERNELS(interpolate_nearest_grad)
{
    const image from = image_of(in->d), to = image_of(out->d);
    const S *gy = data_of<S>(*in);
    S *gx = data_of<S>(*out);
    return each(r, td_desc_numel(&out->d), [=] __device__(int64_t i) {
        const place p(to, i);
        int64_t top, bottom, left, right;
        T sum = 0;
        sources(p.y, to.h, from.h, &top, &bottom);
        sources(p.x, to.w, from.w, &left, &right);
        for (int64_t oy = top; oy < bottom; oy++)
            for (int64_t ox = left; ox < right; ox++)
                if (nearest(oy, to.h, from.h) == p.y && nearest(ox, to.w, from.w) == p.x)
                    sum += gy[element(from, p.n, oy, ox, p.c)];
        gx[i] = sum;
    });
}

CUDA_KERNELS(max_pool2d) { return max_pool<T, S>(r, in, out, (const td_pool2d_attrs *)attrs); }
CUDA_KERNELS(adaptive_max_pool2d) { return max_pool<T, S>(r, in, out, NULL); }
CUDA_KERNELS(avg_pool2d) { return avg_pool<T, S>(r, in, out, (const td_pool2d_attrs *)attrs); }
CUDA_KERNELS(adaptive_avg_pool2d) { return avg_pool<T, S>(r, in, out, NULL); }
CUDA_KERNELS(avg_pool2d_grad) { return avg_pool_grad<T, S>(r, in, out, &((const td_pool2d_grad_attrs *)attrs)->pool); }
CUDA_KERNELS(adaptive_avg_pool2d_grad) { return avg_pool_grad<T, S>(r, in, out, NULL); }

#define ROWS(name) {#name, name}, {#name ".bf16", name##_half}
const cuda_row cuda_pool[] = {
    ROWS(max_pool2d),          ROWS(adaptive_max_pool2d), ROWS(avg_pool2d),      ROWS(adaptive_avg_pool2d),
    ROWS(interpolate_nearest), ROWS(max_pool2d_grad),     ROWS(avg_pool2d_grad), ROWS(adaptive_avg_pool2d_grad),
    ROWS(interpolate_nearest_grad), {NULL, NULL},
};
