#include "host/backend/cpu/kernels/sums.h"

enum kind { VALUES, SQUARES, GRADIENTS, RELU_GRADIENTS };

struct terms {
    const float *x, *g, *y, *mean;
};

TD__INLINE void add_terms(enum kind kind, const struct terms *t, int64_t at, vec mean, vec *s, vec *s2)
{
    if (kind == VALUES) {
        *s += load(t->x + at);
    } else if (kind == SQUARES) {
        vec d = load(t->x + at) - mean;
        *s += d * d;
    } else {
        vec g = load(t->g + at);
        if (kind == RELU_GRADIENTS)
            g = where_positive(g, load(t->y + at));
        *s += g;
        *s2 += g * (load(t->x + at) - mean);
    }
}

/* `vecs` vectors of channels from c on; the rows go round 4 / vecs chains of additions. */
TD__INLINE void sum_vectors(enum kind kind, int vecs, const struct terms *t, int64_t rows, int64_t channels, int64_t c,
                            float *sums, float *sums2)
{
    vec s[4], s2[4], mean[4];
    int chains = 4 / vecs;
    int64_t r = 0;
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        s[i] = s2[i] = (vec){0};
        mean[i] = kind == VALUES ? (vec){0} : load(t->mean + c + i % vecs * LANES);
    }
    for (; r + chains <= rows; r += chains)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            add_terms(kind, t, (r + i / vecs) * channels + c + i % vecs * LANES, mean[i], &s[i], &s2[i]);
    for (; r < rows; r++)
#pragma GCC unroll 4
        for (int i = 0; i < vecs; i++)
            add_terms(kind, t, r * channels + c + i * LANES, mean[i], &s[i], &s2[i]);
#pragma GCC unroll 4
    for (int i = 3; i >= vecs; i--) {
        s[i - vecs] += s[i];
        s2[i - vecs] += s2[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < vecs; i++) {
        store(sums + c + i * LANES, s[i]);
        if (kind >= GRADIENTS)
            store(sums2 + c + i * LANES, s2[i]);
    }
}

static void sum_channel(enum kind kind, const struct terms *t, int64_t rows, int64_t channels, int64_t c, float *sums,
                        float *sums2)
{
    float s = 0, s2 = 0;
    for (int64_t i = c; i < rows * channels; i += channels) {
        if (kind == VALUES) {
            s += t->x[i];
        } else if (kind == SQUARES) {
            s += (t->x[i] - t->mean[c]) * (t->x[i] - t->mean[c]);
        } else if (kind == GRADIENTS || t->y[i] > 0) {
            s += t->g[i];
            s2 += t->g[i] * (t->x[i] - t->mean[c]);
        }
    }
    sums[c] = s;
    if (kind >= GRADIENTS)
        sums2[c] = s2;
}

TD__INLINE void sum_rows(enum kind kind, const struct terms *t, int64_t rows, int64_t channels, float *sums,
                         float *sums2)
{
    int64_t c = 0;
    for (; c + 4 * LANES <= channels; c += 4 * LANES)
        sum_vectors(kind, 4, t, rows, channels, c, sums, sums2);
    for (; c + 2 * LANES <= channels; c += 2 * LANES)
        sum_vectors(kind, 2, t, rows, channels, c, sums, sums2);
    for (; c + LANES <= channels; c += LANES)
        sum_vectors(kind, 1, t, rows, channels, c, sums, sums2);
    for (; c < channels; c++)
        sum_channel(kind, t, rows, channels, c, sums, sums2);
}

void td__sum_rows(const float *x, int64_t rows, int64_t channels, float *sums)
{
    struct terms t = {.x = x};
    sum_rows(VALUES, &t, rows, channels, sums, NULL);
}

void td__sum_square_rows(const float *x, const float *mean, int64_t rows, int64_t channels, float *sums)
{
    struct terms t = {.x = x, .mean = mean};
    sum_rows(SQUARES, &t, rows, channels, sums, NULL);
}

void td__sum_gradient_rows(const float *g, const float *y, const float *x, const float *mean, int64_t rows,
                           int64_t channels, float *sums)
{
    struct terms t = {.x = x, .g = g, .y = y, .mean = mean};
    if (y)
        sum_rows(RELU_GRADIENTS, &t, rows, channels, sums, sums + channels);
    else
        sum_rows(GRADIENTS, &t, rows, channels, sums, sums + channels);
}

float td__sum(const float *x, int64_t n)
{
    vec s[4] = {{0}};
    float rest = 0;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
#pragma GCC unroll 4
        for (int u = 0; u < 4; u++)
            s[u] += load(x + i + u * LANES);
    for (; i < n; i++)
        rest += x[i];
    return lanes_sum((s[0] + s[1]) + (s[2] + s[3])) + rest;
}
