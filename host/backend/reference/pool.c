/* Pooling and nearest-neighbour resampling (see host/ops/pool.c). */
#include <math.h>
#include <string.h>

#include "host/backend/reference/real.h"

/* One window on one axis: [begin, end) clipped to the input, and its length with the padding. */
struct window { int64_t begin, end, padded; };

static struct window fixed_window(const td_pool2d_attrs *a, int axis, int64_t o, int64_t length)
{
    int64_t begin = o * a->stride[axis] - a->padding[axis], end = begin + a->kernel[axis];
    int64_t padded = (end < length + a->padding[axis] ? end : length + a->padding[axis]) - begin;
    return (struct window){begin < 0 ? 0 : begin, end > length ? length : end, padded};
}

static struct window adaptive_window(int64_t o, int64_t length, int64_t windows)
{
    int64_t begin = o * length / windows, end = ((o + 1) * length + windows - 1) / windows;
    return (struct window){begin, end, end - begin};
}

/* With attributes the fixed window, without the adaptive one. */
static struct window window_of(const td_pool2d_attrs *a, int axis, int64_t o, const td_desc *x, const td_desc *y)
{
    int64_t length = x->shape[2 + axis];
    return a ? fixed_window(a, axis, o, length) : adaptive_window(o, length, y->shape[2 + axis]);
}

/* What an average divides by. */
static double divisor(const td_pool2d_attrs *a, struct window h, struct window w)
{
    return a && a->count_include_pad ? (double)(h.padded * w.padded) : (double)((h.end - h.begin) * (w.end - w.begin));
}

/* Runs the statement that follows for every element (n, c, oy, ox) of d. */
#define EACH(d) \
    for (int64_t n = 0; n < (d)->shape[0]; n++) \
        for (int64_t oy = 0; oy < (d)->shape[2]; oy++) \
            for (int64_t ox = 0; ox < (d)->shape[3]; ox++) \
                for (int64_t c = 0; c < (d)->shape[1]; c++)

TD__INLINE int32_t max_pool(const td_view *x, const td_pool2d_attrs *a, td_view *out, uint32_t t)
{
    int32_t *positions = out[1].data;
    EACH(&out->d) {
        struct window h = window_of(a, 0, oy, &x->d, &out->d), w = window_of(a, 1, ox, &x->d, &out->d);
        double best = -INFINITY;
        int64_t at = h.begin * x->d.shape[3] + w.begin, to = td__at(&out->d, n, c, oy, ox);
        for (int64_t iy = h.begin; iy < h.end; iy++)
            for (int64_t ix = w.begin; ix < w.end; ix++) {
                double v = td__get(x, t, td__at(&x->d, n, c, iy, ix));
                if (v > best || isnan(v)) {
                    best = v;
                    at = iy * x->d.shape[3] + ix;
                }
            }
        td__put(out, t, to, best);
        positions[to] = (int32_t)at;
    }
    return TD_OK;
}

TD__KERNEL(max_pool2d) { return max_pool(in, attrs, out, t); }
TD__KERNEL(adaptive_max_pool2d) { return max_pool(in, NULL, out, t); }

TD__INLINE int32_t avg_pool(const td_view *x, const td_pool2d_attrs *a, td_view *out, uint32_t t)
{
    EACH(&out->d) {
        struct window h = window_of(a, 0, oy, &x->d, &out->d), w = window_of(a, 1, ox, &x->d, &out->d);
        double sum = 0;
        for (int64_t iy = h.begin; iy < h.end; iy++)
            for (int64_t ix = w.begin; ix < w.end; ix++)
                sum += td__get(x, t, td__at(&x->d, n, c, iy, ix));
        td__put(out, t, td__at(&out->d, n, c, oy, ox), sum / divisor(a, h, w));
    }
    return TD_OK;
}

TD__KERNEL(avg_pool2d) { return avg_pool(in, attrs, out, t); }
TD__KERNEL(adaptive_avg_pool2d) { return avg_pool(in, NULL, out, t); }

/* PyTorch computes the source in float32 (nearest_neighbor_compute_source_index). */
static int64_t nearest(int64_t o, int64_t in, int64_t out)
{
    int64_t i = (int64_t)floorf((float)o * ((float)in / (float)out));
    return i < in ? i : in - 1;
}

TD__KERNEL(interpolate_nearest)
{
    const td_desc *x = &in->d, *y = &out->d;
    EACH(y) {
        int64_t iy = nearest(oy, x->shape[2], y->shape[2]), ix = nearest(ox, x->shape[3], y->shape[3]);
        td__put(out, t, td__at(y, n, c, oy, ox), td__get(in, t, td__at(x, n, c, iy, ix)));
    }
    return TD_OK;
}

/* Zeroed sums for a whole gradient; NULL: out of memory, recorded. */
static double *sums_for(td_run *r, const td_desc *d)
{
    size_t bytes = (size_t)td_desc_numel(d) * sizeof(double);
    double *sums = td__run_scratch(r, bytes);
    return sums ? memset(sums, 0, bytes) : NULL;
}

TD__INLINE int32_t store(td_view *out, const double *sums, uint32_t t)
{
    for (int64_t i = 0, n = td_desc_numel(&out->d); i < n; i++)
        td__put(out, t, i, sums[i]);
    return TD_OK;
}

TD__KERNEL(max_pool2d_grad)
{
    const int32_t *positions = in[1].data;
    const td_desc *x = &out->d;
    double *sums = sums_for(r, x);
    if (!sums)
        return TD_ERROR;
    EACH(&in->d) {
        int64_t from = td__at(&in->d, n, c, oy, ox), p = positions[from];
        if (p < 0 || p >= x->shape[2] * x->shape[3]) {
            td__run_fail(r, "a position lies outside of %lldx%lld", (long long)x->shape[2], (long long)x->shape[3]);
            return TD_ERROR;
        }
        sums[td__at(x, n, c, p / x->shape[3], p % x->shape[3])] += td__get(in, t, from);
    }
    return store(out, sums, t);
}

TD__INLINE int32_t avg_pool_grad(td_run *r, const td_view *gy, const td_pool2d_attrs *a, td_view *out, uint32_t t)
{
    double *sums = sums_for(r, &out->d);
    if (!sums)
        return TD_ERROR;
    EACH(&gy->d) {
        struct window h = window_of(a, 0, oy, &out->d, &gy->d), w = window_of(a, 1, ox, &out->d, &gy->d);
        double g = td__get(gy, t, td__at(&gy->d, n, c, oy, ox)) / divisor(a, h, w);
        for (int64_t iy = h.begin; iy < h.end; iy++)
            for (int64_t ix = w.begin; ix < w.end; ix++)
                sums[td__at(&out->d, n, c, iy, ix)] += g;
    }
    return store(out, sums, t);
}

TD__KERNEL(avg_pool2d_grad) { return avg_pool_grad(r, in, &((const td_pool2d_grad_attrs *)attrs)->pool, out, t); }
TD__KERNEL(adaptive_avg_pool2d_grad) { return avg_pool_grad(r, in, NULL, out, t); }

TD__KERNEL(interpolate_nearest_grad)
{
    const td_desc *x = &out->d, *y = &in->d;
    double *sums = sums_for(r, x);
    if (!sums)
        return TD_ERROR;
    EACH(y) {
        int64_t iy = nearest(oy, x->shape[2], y->shape[2]), ix = nearest(ox, x->shape[3], y->shape[3]);
        sums[td__at(x, n, c, iy, ix)] += td__get(in, t, td__at(y, n, c, oy, ox));
    }
    return store(out, sums, t);
}

const td__kernel_row td__reference_pool[] = {
    {"max_pool2d", max_pool2d},
    {"adaptive_max_pool2d", adaptive_max_pool2d},
    {"avg_pool2d", avg_pool2d},
    {"adaptive_avg_pool2d", adaptive_avg_pool2d},
    {"interpolate_nearest", interpolate_nearest},
    {"max_pool2d_grad", max_pool2d_grad},
    {"avg_pool2d_grad", avg_pool2d_grad},
    {"adaptive_avg_pool2d_grad", adaptive_avg_pool2d_grad},
    {"interpolate_nearest_grad", interpolate_nearest_grad},
    {NULL, NULL},
};
