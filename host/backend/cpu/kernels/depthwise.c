#include "host/backend/cpu/kernels/depthwise.h"

#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"

#define MOST_GROUPS 8

/* Of one axis: for each place of the result, the places of the source it reads and through which taps. */
struct reads {
    int64_t most;         /* reads of a place: first, count, then pairs */
    const int32_t *table; /* [length][1 + 2 * most]: count, (source, tap) ... */
};

static const int32_t *reads_at(const struct reads *a, int64_t place)
{
    return a->table + place * (1 + 2 * a->most);
}

/* Forward: source = place * stride - padding + tap * dilation.  Backward, the places are x's and the sources y's:
 * place = source * stride - padding + tap * dilation. */
static int make_reads(td_run *r, struct reads *a, const td__depthwise_conv *d, int axis, int backward)
{
    int64_t in = axis ? d->width : d->height, out = axis ? d->columns : d->rows;
    int64_t places = backward ? in : out, sources = backward ? out : in;
    a->most = d->kernel[axis];
    int32_t *t = td__run_scratch(r, (size_t)(places * (1 + 2 * a->most)) * sizeof *t);
    if (!t)
        return -1;
    a->table = t;
    for (int64_t p = 0; p < places; p++, t += 1 + 2 * a->most) {
        t[0] = 0;
        for (int64_t k = 0; k < d->kernel[axis]; k++) {
            int64_t tap = k * d->dilation[axis] - d->padding[axis];
            int64_t s = backward ? p - tap : p * d->stride[axis] + tap;
            if (backward && (s < 0 || s % d->stride[axis]))
                continue;
            s = backward ? s / d->stride[axis] : s;
            if (s < 0 || s >= sources)
                continue;
            t[1 + 2 * t[0]] = (int32_t)s;
            t[2 + 2 * t[0]] = (int32_t)k;
            t[0]++;
        }
    }
    return 0;
}

struct job {
    const td__depthwise_conv *d;
    struct reads y, x;
    const float *source, *weight, *bias; /* weight [kh][kw][padded channels], bias [padded channels] */
    float *result;
    int64_t source_rows, source_columns, rows, columns, padded;
};

static void result_row(void *arg, int64_t index)
{
    const struct job *j = arg;
    int64_t channels = j->d->channels, image = index / j->rows;
    const float *source = j->source + image * j->source_rows * j->source_columns * channels;
    const int32_t *ry = reads_at(&j->y, index % j->rows);
    for (int64_t q = 0; q < j->columns; q++) {
        const int32_t *rx = reads_at(&j->x, q);
        float *out = j->result + (index * j->columns + q) * channels;
        for (int64_t c = 0; c < channels; c += LANES) {
            int64_t n = min(channels - c, LANES);
            vec sum = load(j->bias + c);
            for (int32_t a = 0; a < ry[0]; a++)
                for (int32_t b = 0; b < rx[0]; b++) {
                    const float *s =
                        source + ((int64_t)ry[1 + 2 * a] * j->source_columns + rx[1 + 2 * b]) * channels + c;
                    const float *w =
                        j->weight + ((int64_t)ry[2 + 2 * a] * j->d->kernel[1] + rx[2 + 2 * b]) * j->padded + c;
                    sum += (n == LANES ? load(s) : load_some(s, n)) * load(w);
                }
            if (n == LANES)
                store(out + c, sum);
            else
                store_some(out + c, sum, n);
        }
    }
}

static int correlate(td_run *r, const td__depthwise_conv *d, int backward, const float *source, const float *w,
                     const float *bias, float *result)
{
    int64_t taps = d->kernel[0] * d->kernel[1], padded = ceil_div(d->channels, LANES) * LANES;
    struct job j = {.d = d, .source = source, .result = result, .padded = padded};
    j.source_rows = backward ? d->rows : d->height;
    j.source_columns = backward ? d->columns : d->width;
    j.rows = backward ? d->height : d->rows;
    j.columns = backward ? d->width : d->columns;
    float *packed = td__run_scratch(r, (size_t)((taps + 1) * padded) * sizeof *packed);
    if (!packed || make_reads(r, &j.y, d, 0, backward) || make_reads(r, &j.x, d, 1, backward))
        return -1;
    memset(packed, 0, (size_t)((taps + 1) * padded) * sizeof *packed);
    if (bias)
        memcpy(packed, bias, (size_t)d->channels * sizeof *packed);
    for (int64_t t = 0; t < taps; t++)
        for (int64_t c = 0; c < d->channels; c++)
            packed[(1 + t) * padded + c] = w[c * taps + t];
    j.bias = packed;
    j.weight = packed + padded;
    in_parallel(d->images * j.rows, 2.0 * (double)(d->images * j.rows * j.columns * taps * d->channels), result_row,
                &j);
    return 0;
}

int td__depthwise(td_run *r, const td__depthwise_conv *d, const float *x, const float *w, const float *bias, float *y)
{
    return correlate(r, d, 0, x, w, bias, y);
}

int td__depthwise_input_grad(td_run *r, const td__depthwise_conv *d, const float *gy, const float *w, const float *bias,
                             float *gx)
{
    return correlate(r, d, 1, gy, w, bias, gx);
}

/* ---- weight gradient: groups of images that depend on the shapes only, added in order ---- */

struct weight_job {
    const td__depthwise_conv *d;
    struct reads y, x;
    const float *source, *gradient;
    float *sums; /* [groups][kh][kw][channels] */
    int64_t groups, images_per_group;
};

static void sum_group(void *arg, int64_t group)
{
    const struct weight_job *j = arg;
    const td__depthwise_conv *d = j->d;
    int64_t channels = d->channels, taps = d->kernel[0] * d->kernel[1];
    float *sums = j->sums + group * taps * channels;
    memset(sums, 0, (size_t)(taps * channels) * sizeof *sums);
    int64_t first = group * j->images_per_group, last = min(first + j->images_per_group, d->images);
    for (int64_t row = first * d->rows; row < last * d->rows; row++) {
        const float *source = j->source + row / d->rows * d->height * d->width * channels;
        const int32_t *ry = reads_at(&j->y, row % d->rows);
        for (int64_t q = 0; q < d->columns; q++) {
            const float *g = j->gradient + (row * d->columns + q) * channels;
            const int32_t *rx = reads_at(&j->x, q);
            for (int32_t a = 0; a < ry[0]; a++)
                for (int32_t b = 0; b < rx[0]; b++) {
                    const float *s = source + ((int64_t)ry[1 + 2 * a] * d->width + rx[1 + 2 * b]) * channels;
                    float *to = sums + ((int64_t)ry[2 + 2 * a] * d->kernel[1] + rx[2 + 2 * b]) * channels;
                    int64_t c = 0;
                    for (; c + LANES <= channels; c += LANES)
                        store(to + c, load(to + c) + load(g + c) * load(s + c));
                    for (; c < channels; c++)
                        to[c] += g[c] * s[c];
                }
        }
    }
}

int td__depthwise_weight_grad(td_run *r, const td__depthwise_conv *d, const float *x, const float *gy, float *gw)
{
    int64_t channels = d->channels, taps = d->kernel[0] * d->kernel[1];
    struct weight_job j = {.d = d, .source = x, .gradient = gy};
    j.images_per_group = max(ceil_div(d->images, MOST_GROUPS), 1);
    j.groups = ceil_div(d->images, j.images_per_group);
    j.sums = td__run_scratch(r, (size_t)(max(j.groups, 1) * taps * channels) * sizeof *j.sums);
    if (!j.sums || make_reads(r, &j.y, d, 0, 0) || make_reads(r, &j.x, d, 1, 0))
        return -1;
    in_parallel(j.groups, 2.0 * (double)(d->images * d->rows * d->columns * taps * channels), sum_group, &j);
    for (int64_t c = 0; c < channels; c++)
        for (int64_t t = 0; t < taps; t++) {
            float sum = 0;
            for (int64_t g = 0; g < j.groups; g++)
                sum += j.sums[(g * taps + t) * channels + c];
            gw[c * taps + t] = sum;
        }
    return 0;
}
