/* Pooling; see host/ops/pool.c.  A row of outputs, or an image of a gradient, is one piece of work. */
#include <math.h>
#include <string.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"

/* One window on one axis: [begin, end) inside the input, and its length with the padding. */
struct window {
    int64_t begin, end, padded;
};

struct pool {
    const td_pool2d_attrs *a;                               /* NULL: adaptive */
    int64_t images, channels, height, width, rows, columns; /* of x [height, width] and y */
    const float *from;
    float *to;
    int32_t *positions;
    const int32_t *at;
    _Atomic int outside; /* a position is no position */
};

static struct pool pool_of(const td_desc *x, const td_desc *y, const td_pool2d_attrs *a)
{
    return (struct pool){.a = a,
                         .images = x->shape[0],
                         .channels = x->shape[1],
                         .height = x->shape[2],
                         .width = x->shape[3],
                         .rows = y->shape[2],
                         .columns = y->shape[3]};
}

static struct window window_of(const struct pool *p, int axis, int64_t o)
{
    int64_t length = axis ? p->width : p->height, windows = axis ? p->columns : p->rows;
    if (!p->a) {
        int64_t begin = o * length / windows, end = ((o + 1) * length + windows - 1) / windows;
        return (struct window){begin, end, end - begin};
    }
    int64_t begin = o * p->a->stride[axis] - p->a->padding[axis], end = begin + p->a->kernel[axis];
    return (struct window){max(begin, 0), min(end, length), min(end, length + p->a->padding[axis]) - begin};
}

/* What an average is multiplied by. */
static float share(const struct pool *p, struct window h, struct window w)
{
    int whole = p->a && p->a->count_include_pad;
    return 1 / (float)(whole ? h.padded * w.padded : (h.end - h.begin) * (w.end - w.begin));
}

static void take_larger(const float *restrict x, int32_t position, float *restrict best, int32_t *restrict at,
                        int64_t channels)
{
    for (int64_t c = 0; c < channels; c++) {
        int larger = x[c] > best[c] || x[c] != x[c];
        best[c] = larger ? x[c] : best[c];
        at[c] = larger ? position : at[c];
    }
}

static void max_row(void *arg, int64_t row)
{
    const struct pool *p = arg;
    const float *x = p->from + row / p->rows * p->height * p->width * p->channels;
    struct window h = window_of(p, 0, row % p->rows);
    for (int64_t q = 0; q < p->columns; q++) {
        struct window w = window_of(p, 1, q);
        float *best = p->to + (row * p->columns + q) * p->channels;
        int32_t *at = p->positions + (row * p->columns + q) * p->channels;
        for (int64_t c = 0; c < p->channels; c++) {
            best[c] = -INFINITY;
            at[c] = (int32_t)(h.begin * p->width + w.begin);
        }
        for (int64_t i = h.begin; i < h.end; i++)
            for (int64_t j = w.begin; j < w.end; j++)
                take_larger(x + (i * p->width + j) * p->channels, (int32_t)(i * p->width + j), best, at, p->channels);
    }
}

static void add(const float *restrict x, float *restrict sums, int64_t channels)
{
    for (int64_t c = 0; c < channels; c++)
        sums[c] += x[c];
}

static void average_row(void *arg, int64_t row)
{
    const struct pool *p = arg;
    const float *x = p->from + row / p->rows * p->height * p->width * p->channels;
    struct window h = window_of(p, 0, row % p->rows);
    for (int64_t q = 0; q < p->columns; q++) {
        struct window w = window_of(p, 1, q);
        float *restrict sums = p->to + (row * p->columns + q) * p->channels, scale = share(p, h, w);
        memset(sums, 0, (size_t)p->channels * sizeof *sums);
        for (int64_t i = h.begin; i < h.end; i++)
            for (int64_t j = w.begin; j < w.end; j++)
                add(x + (i * p->width + j) * p->channels, sums, p->channels);
        for (int64_t c = 0; c < p->channels; c++)
            sums[c] *= scale;
    }
}

static int32_t run_rows(struct pool *p, const td_view *in, td_view *out, void (*row)(void *, int64_t))
{
    p->from = in[0].data;
    p->to = out[0].data;
    in_parallel(p->images * p->rows, 4.0 * (double)td_desc_numel(&in[0].d), row, p);
    return TD_OK;
}

static int32_t max_pool(const td_view *in, td_view *out, const td_pool2d_attrs *a)
{
    struct pool p = pool_of(&in[0].d, &out[0].d, a);
    p.positions = out[1].data;
    return run_rows(&p, in, out, max_row);
}

static int32_t average_pool(const td_view *in, td_view *out, const td_pool2d_attrs *a)
{
    struct pool p = pool_of(&in[0].d, &out[0].d, a);
    return run_rows(&p, in, out, average_row);
}

/* ---- gradients: windows may overlap, so an image is one piece ---- */

static void max_image(void *arg, int64_t image)
{
    struct pool *p = arg;
    int64_t pixels = p->height * p->width, c = p->channels, n = p->rows * p->columns * c;
    float *gx = p->to + image * pixels * c;
    const float *gy = p->from + image * n;
    const int32_t *at = p->at + image * n;
    memset(gx, 0, (size_t)(pixels * c) * sizeof *gx);
    for (int64_t i = 0; i < n; i += c)
        for (int64_t k = 0; k < c; k++) {
            if (at[i + k] < 0 || at[i + k] >= pixels)
                p->outside = 1;
            else
                gx[at[i + k] * c + k] += gy[i + k];
        }
}

static void add_scaled(const float *restrict x, float scale, float *restrict sums, int64_t channels)
{
    for (int64_t c = 0; c < channels; c++)
        sums[c] += x[c] * scale;
}

static void average_image(void *arg, int64_t image)
{
    const struct pool *p = arg;
    float *gx = p->to + image * p->height * p->width * p->channels;
    const float *gy = p->from + image * p->rows * p->columns * p->channels;
    memset(gx, 0, (size_t)(p->height * p->width * p->channels) * sizeof *gx);
    for (int64_t r = 0; r < p->rows; r++) {
        struct window h = window_of(p, 0, r);
        for (int64_t q = 0; q < p->columns; q++, gy += p->channels) {
            struct window w = window_of(p, 1, q);
            float scale = share(p, h, w);
            for (int64_t i = h.begin; i < h.end; i++)
                for (int64_t j = w.begin; j < w.end; j++)
                    add_scaled(gy, scale, gx + (i * p->width + j) * p->channels, p->channels);
        }
    }
}

static void run_images(struct pool *p, const td_view *in, td_view *out, void (*image)(void *, int64_t))
{
    p->from = in[0].data;
    p->to = out[0].data;
    in_parallel(p->images, 4.0 * (double)td_desc_numel(&out[0].d), image, p);
}

static int32_t average_pool_grad(const td_view *in, td_view *out, const td_pool2d_attrs *a)
{
    struct pool p = pool_of(&out[0].d, &in[0].d, a);
    run_images(&p, in, out, average_image);
    return TD_OK;
}

static int32_t max_pool2d_grad_f32(KERNEL_ARGUMENTS)
{
    struct pool p = pool_of(&out[0].d, &in[0].d, NULL);
    (void)attrs;
    p.at = in[1].data;
    run_images(&p, in, out, max_image);
    if (!p.outside)
        return TD_OK;
    td__run_fail(r, "a position lies outside of %lldx%lld", (long long)p.height, (long long)p.width);
    return TD_ERROR;
}

#define KERNEL(op, call)                                                                                               \
    static int32_t op##_f32(KERNEL_ARGUMENTS)                                                                          \
    {                                                                                                                  \
        (void)r;                                                                                                       \
        (void)attrs;                                                                                                   \
        return call;                                                                                                   \
    }                                                                                                                  \
    FLOAT32_KERNEL(op)
KERNEL(max_pool2d, max_pool(in, out, attrs))
KERNEL(adaptive_max_pool2d, max_pool(in, out, NULL))
KERNEL(avg_pool2d, average_pool(in, out, attrs))
KERNEL(adaptive_avg_pool2d, average_pool(in, out, NULL))
KERNEL(avg_pool2d_grad, average_pool_grad(in, out, &((const td_pool2d_grad_attrs *)attrs)->pool))
KERNEL(adaptive_avg_pool2d_grad, average_pool_grad(in, out, NULL))
FLOAT32_KERNEL(max_pool2d_grad)

const td__kernel_row td__cpu_pool[] = {
    ROW(max_pool2d),
    ROW(adaptive_max_pool2d),
    ROW(avg_pool2d),
    ROW(adaptive_avg_pool2d),
    ROW(max_pool2d_grad),
    ROW(avg_pool2d_grad),
    ROW(adaptive_avg_pool2d_grad),
    {NULL, NULL},
};
