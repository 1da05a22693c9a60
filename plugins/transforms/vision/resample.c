/* Resizing as Pillow does it: a separable filter whose support grows with the reduction, horizontal pass first,
 * weights in fixed point with 22 fraction bits, and 8-bit rounding after each pass. */
#include "vision.h"

#include <math.h>

#pragma GCC optimize("O3") /* loops over pixels become vectors */

#define FRACTION 22
#define HALF (1 << (FRACTION - 1))

/* The filters at distance x (Keys' cubic with a = -1/2). */
static double weight(int method, double x)
{
    x = fabs(x);
    if (method == BILINEAR)
        return x < 1 ? 1 - x : 0;
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* One direction: output i is the sum of weights[i * taps + k] * input[first[i] + k], k < taps. */
struct kernel {
    int32_t *first, *weights;
    int32_t taps;
};

/* Where the inputs of output i lie; returns its place between them. */
static double reach(int32_t i, double scale, double support, int32_t in, int32_t *first, int32_t *end)
{
    double centre = (i + 0.5) * scale;
    *first = (int32_t)fmax(centre - support + 0.5, 0);
    *end = (int32_t)fmin(centre + support + 0.5, in);
    return centre;
}

/* Every output gets as many taps as the one with the most inputs; what is too many weighs nothing. */
static int32_t make_kernel(td_ctx *c, struct kernel *k, int32_t in, int32_t out, int method)
{
    double scale = (double)in / out, stretch = scale > 1 ? scale : 1, support = (method == BICUBIC ? 2 : 1) * stretch;
    int32_t first, end;
    k->taps = 0;
    for (int32_t i = 0; i < out; i++) {
        reach(i, scale, support, in, &first, &end);
        k->taps = end - first > k->taps ? end - first : k->taps;
    }
    k->first = td_alloc(c, (size_t)out * sizeof *k->first);
    k->weights = td_alloc(c, (size_t)out * (size_t)k->taps * sizeof *k->weights);
    double *w = td_alloc(c, (size_t)k->taps * sizeof *w);
    if (!k->first || !k->weights || !w)
        return TD_ERROR;
    for (int32_t i = 0; i < out; i++) {
        double centre = reach(i, scale, support, in, &first, &end), total = 0;
        int32_t from = first < in - k->taps ? first : in - k->taps, *fixed = k->weights + (int64_t)i * k->taps;
        k->first[i] = from;
        for (int32_t j = 0; j < k->taps; j++) {
            int inside = from + j >= first && from + j < end;
            w[j] = inside ? weight(method, (j + from - centre + 0.5) / stretch) : 0;
            total += w[j];
        }
        for (int32_t j = 0; j < k->taps; j++) {
            double value = w[j] / total * (1 << FRACTION);
            fixed[j] = (int32_t)(value < 0 ? value - 0.5 : value + 0.5);
        }
    }
    return TD_OK;
}

static uint8_t rounded(int32_t sum)
{
    sum >>= FRACTION;
    sum = sum > 0 ? sum : 0;
    return (uint8_t)(sum < 255 ? sum : 255);
}

/* Four sums next to each other, wherever they lie. */
typedef int32_t sums4 __attribute__((vector_size(16), aligned(4), may_alias));

/* Sums of the first pass for a line of n pixels; each vector's lanes beyond its pixel are overwritten by the next. */
static inline __attribute__((always_inline)) void weigh(int32_t *sums, const int32_t *in, int32_t n, int32_t channels,
                                                        const struct kernel *k, int32_t taps)
{
    const int32_t *w = k->weights;
    for (int32_t i = 0; i < n; i++, w += taps, sums += channels)
        for (int32_t ch = 0; ch < channels; ch += 4) {
            const int32_t *from = in + (int64_t)k->first[i] * channels + ch;
            sums4 sum = HALF - (sums4){0};
            for (int32_t j = 0; j < taps; j++)
                sum += w[j] * *(const sums4 *)(from + (int64_t)j * channels);
            *(sums4 *)(sums + ch) = sum;
        }
}

/* One line of the first pass: room[] holds the line that comes in and the sums, each with what the last vector reaches
 * over its end. */
static inline __attribute__((always_inline)) void narrow_line(uint8_t *restrict out, const uint8_t *restrict in,
                                                              int32_t in_width, int32_t out_width, int32_t channels,
                                                              const struct kernel *k, int32_t *restrict room)
{
    int64_t n_in = (int64_t)in_width * channels, n_out = (int64_t)out_width * channels;
    int32_t *sums = room + n_in + 3;
    for (int64_t i = 0; i < n_in; i++)
        room[i] = in[i];
    room[n_in] = room[n_in + 1] = room[n_in + 2] = 0;
    if (channels == 3 && k->taps == 2)
        weigh(sums, room, out_width, 3, k, 2);
    else if (channels == 3 && k->taps == 3)
        weigh(sums, room, out_width, 3, k, 3);
    else
        weigh(sums, room, out_width, channels, k, k->taps);
    for (int64_t i = 0; i < n_out; i++)
        out[i] = rounded(sums[i]);
}

/* One line of n bytes of the second pass, from `taps` lines of the same length; sums has room for n. */
static inline __attribute__((always_inline)) void mix_lines(uint8_t *restrict out, const uint8_t *restrict lines,
                                                            int64_t n, const int32_t *w, int32_t taps,
                                                            int32_t *restrict sums)
{
    const uint8_t *last = lines + (taps - 1) * n;
    int32_t w_first = taps > 1 ? w[0] : 0, w_last = w[taps - 1];
    for (int64_t i = 0; i < n; i++)
        sums[i] = HALF + w_last * last[i];
    for (int32_t j = 1; j < taps - 1; j++)
        for (int64_t i = 0; i < n; i++)
            sums[i] += w[j] * lines[j * n + i];
    for (int64_t i = 0; i < n; i++)
        out[i] = rounded(sums[i] + w_first * lines[i]);
}

/* The image whose part is resized, the size it gets, its kernels, and the memory of both passes. */
struct job {
    const td_item_view *v;
    struct rect from;
    int32_t w, h;
    struct kernel across, down;
    uint8_t *narrow;
    int32_t *room;
};

static inline __attribute__((always_inline)) void both_passes(uint8_t *out, const struct job *j)
{
    const td_item_view *v = j->v;
    int64_t line = (int64_t)j->w * v->channels;
    for (int32_t y = 0; y < j->from.h; y++)
        narrow_line(j->narrow + y * line, v->pixels + ((int64_t)(j->from.y + y) * v->width + j->from.x) * v->channels,
                    j->from.w, j->w, v->channels, &j->across, j->room);
    for (int32_t y = 0; y < j->h; y++)
        mix_lines(out + y * line, j->narrow + j->down.first[y] * line, line,
                  j->down.weights + (int64_t)y * j->down.taps, j->down.taps, j->room);
}

/* The least x86 has no multiplication of 32-bit vectors; integers are the same either way. */
static void resample(uint8_t *out, const struct job *j) { both_passes(out, j); }
#if defined __x86_64__
AVX2 static void resample_avx2(uint8_t *out, const struct job *j) { both_passes(out, j); }
#endif

static void resize_nearest(uint8_t *out, const td_item_view *v, struct rect from, int32_t w, int32_t h)
{
    for (int32_t y = 0; y < h; y++) {
        int64_t row = from.y + (int64_t)((y + 0.5) * from.h / h);
        for (int32_t x = 0; x < w; x++) {
            int64_t col = from.x + (int64_t)((x + 0.5) * from.w / w);
            for (int32_t ch = 0; ch < v->channels; ch++)
                *out++ = v->pixels[(row * v->width + col) * v->channels + ch];
        }
    }
}

int32_t resize_part(td_ctx *c, td_item *item, struct rect from, int32_t w, int32_t h, int method)
{
    td_item_view v = td_item_of(item)->image;
    uint8_t *out = td_item_image(item, w, h, v.channels);
    if (!out)
        return TD_ERROR;
    if (method == NEAREST) {
        resize_nearest(out, &v, from, w, h);
        return TD_OK;
    }
    struct job j = {.v = &v, .from = from, .w = w, .h = h};
    size_t line = (size_t)w * (size_t)v.channels, part_line = (size_t)from.w * (size_t)v.channels;
    j.narrow = td_alloc(c, line * (size_t)from.h);
    j.room = td_alloc(c, (part_line + line + 6) * sizeof *j.room);
    if (!j.narrow || !j.room || make_kernel(c, &j.across, from.w, w, method) ||
        make_kernel(c, &j.down, from.h, h, method))
        return TD_ERROR;
    BEST_OF(resample)(out, &j);
    return TD_OK;
}
