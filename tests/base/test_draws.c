/* Uniform and normal numbers: fixed ones, and that they are what they are called. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "host/base/rng.h"

#define GROUPS 40000
#define N (GROUPS * TD__GROUP)

static double numbers[N];

static void draw(void (*of)(td_stream, uint64_t, double *), uint64_t seed, uint64_t draw)
{
    for (uint64_t g = 0; g < GROUPS; g++)
        of(td_stream_of(seed, draw, TD__USE_INIT), g, numbers + g * TD__GROUP);
}

static uint64_t digest(const double *v, size_t n)
{
    uint64_t h = 14695981039346656037u, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, v + i, sizeof bits);
        h = (h ^ bits) * 1099511628211u;
    }
    return h;
}

/* Whatever this was compiled with, for whatever processor. */
Test(draws, bits_are_fixed_for_every_instruction_set)
{
    const td_stream s = td_stream_of(7, 2, TD__USE_INIT);
    const td__draws *d;
    double v[TD__GROUP];
    for (unsigned rank = 0; (d = td__draws_of(rank)); rank++) {
        uint64_t uniform = 0, normal = 0;
        for (uint64_t g = 0; g < 500; g++) {
            d->uniform(s, g << 30, v);
            uniform = uniform * 31 + digest(v, TD__GROUP);
            d->normal(s, g << 30, v);
            normal = normal * 31 + digest(v, TD__GROUP);
        }
        cr_expect_eq(uniform, 0xad78ab12fd3ebc40u, "%s: %#llx", d->isa, (unsigned long long)uniform);
        cr_expect_eq(normal, 0x861d12ba59c45ce4u, "%s: %#llx", d->isa, (unsigned long long)normal);
        d->normal(s, 0, v);
        cr_expect_eq(v[0], 0x1.14d3c8a20792bp-3, "%s: %a", d->isa, v[0]);
        cr_expect_eq(v[17], 0x1.8a4351ee8e305p-3, "%s: %a", d->isa, v[17]);
        cr_expect_eq(v[63], 0x1.a538697c63186p-3, "%s: %a", d->isa, v[63]);
    }
}

/* The words of each block, by the C library's functions. */
Test(draws, numbers_are_exact_transforms_of_the_words)
{
    const td_stream s = td_stream_of(1, 0, 5);
    double u[TD__GROUP], v[TD__GROUP];
    for (uint64_t g = 0; g < 500; g++) {
        td__draws_of(0)->uniform(s, g, u);
        td__draws_of(0)->normal(s, g, v);
        for (uint32_t i = 0; i < 16; i++) {
            uint32_t w[4];
            td_stream_words(s, g * 16 + i, w);
            for (int k = 0; k < 4; k++)
                cr_assert_eq(u[16 * k + i], w[k] * 0x1p-32);
            for (int k = 0; k < 4; k += 2) {
                double r = sqrt(-2 * log((w[k] + 0.5) * 0x1p-32)), a = 6.283185307179586 * 0x1p-32 * w[k + 1];
                cr_assert_float_eq(v[16 * k + i], r * cos(a), 2e-9);
                cr_assert_float_eq(v[16 * k + 16 + i], r * sin(a), 2e-9);
            }
        }
    }
}

/* Within five standard deviations of the mean of N draws. */
static void expect_mean(const char *what, double mean, double expected, double deviation)
{
    cr_expect_leq(fabs(mean - expected), 5 * deviation / sqrt(N), "%s: %g, expected %g", what, mean, expected);
}

static double share_above(double x)
{
    int64_t n = 0;
    for (int64_t i = 0; i < N; i++)
        n += fabs(numbers[i]) > x;
    return (double)n / N;
}

Test(draws, normal_numbers_have_the_moments_and_tails)
{
    draw(td__draws_of(0)->normal, 18, 1); /* one in 26 million is beyond 5.5: this seed has one */
    double m[5] = {0}, largest = 0;
    for (int64_t i = 0; i < N; i++) {
        double x = numbers[i];
        m[1] += x / N;
        m[2] += x * x / N;
        m[3] += x * x * x / N;
        m[4] += x * x * x * x / N;
        largest = fmax(largest, fabs(x));
    }
    expect_mean("mean", m[1], 0, 1);
    expect_mean("variance", m[2], 1, sqrt(2));
    expect_mean("skewness", m[3], 0, sqrt(15));
    expect_mean("kurtosis", m[4], 3, sqrt(96));
    for (double x = 0.125; x < 4.7; x += 0.25) {
        double p = erfc(x / sqrt(2));
        expect_mean("share above", share_above(x), p, sqrt(p * (1 - p)));
    }
    cr_expect_gt(largest, 5.5, "%g", largest);
}

/* Neighbours, the two numbers of a pair, and other groups: neither numbers nor their squares go together. */
Test(draws, normal_numbers_are_independent)
{
    static const int lags[] = {1, 2, 3, 8, 15, 16, 17, 32, 48, 64, 1024};
    draw(td__draws_of(0)->normal, 4, 1);
    for (size_t k = 0; k < sizeof lags / sizeof *lags; k++) {
        double xy = 0, squares = 0;
        for (int64_t i = 0; i < N; i++) {
            double x = numbers[i], y = numbers[(i + lags[k]) % N];
            xy += x * y / N;
            squares += (x * x - 1) * (y * y - 1) / N;
        }
        expect_mean("correlation", xy, 0, 1);
        expect_mean("correlation of squares", squares, 0, 2);
    }
}

Test(draws, streams_are_independent)
{
    static const uint64_t others[][2] = {{5, 1}, {4, 2}, {4, 0}};
    static double first[N];
    draw(td__draws_of(0)->normal, 4, 1);
    memcpy(first, numbers, sizeof first);
    for (size_t k = 0; k < 3; k++) {
        draw(td__draws_of(0)->normal, others[k][0], others[k][1]);
        double xy = 0;
        for (int64_t i = 0; i < N; i++)
            xy += first[i] * numbers[i] / N;
        expect_mean("correlation", xy, 0, 1);
    }
}

Test(draws, uniform_numbers_are_even)
{
    double m1 = 0, m2 = 0;
    int64_t counts[64] = {0};
    draw(td__draws_of(0)->uniform, 3, 1);
    for (int64_t i = 0; i < N; i++) {
        double x = numbers[i];
        cr_assert(x >= 0 && x < 1);
        m1 += x / N;
        m2 += x * x / N;
        counts[(int)(x * 64)]++;
    }
    expect_mean("mean", m1, 0.5, sqrt(1.0 / 12));
    expect_mean("square", m2, 1.0 / 3, sqrt(4.0 / 45));
    for (int k = 0; k < 64; k++)
        expect_mean("share", (double)counts[k] / N, 1.0 / 64, sqrt(63.0) / 64);
}
