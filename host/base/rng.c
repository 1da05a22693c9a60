#include "host/base/rng.h"

#include <math.h>

/* The key holds seed and epoch, the counter sample and use: the epoch is mixed in by a first Philox call so that neither
 * loses bits. */
td__stream td__stream_of(uint64_t seed, uint64_t epoch, uint64_t use)
{
    uint32_t c[4] = {(uint32_t)epoch, (uint32_t)(epoch >> 32), (uint32_t)use, (uint32_t)(use >> 32)}, out[4];
    td__philox(seed, c, out);
    return (td__stream){(uint64_t)out[1] << 32 | out[0], out[2], out[3]};
}

uint64_t td__step_seed(uint64_t seed, int64_t epoch, int64_t step)
{
    uint32_t at[4] = {(uint32_t)epoch, (uint32_t)step, (uint32_t)((uint64_t)step >> 32), TD__USE_DROPOUT}, key[4];
    td__philox(seed, at, key);
    return (uint64_t)key[1] << 32 | key[0];
}

static void block(td__stream s, uint64_t sample, uint32_t out[4])
{
    uint32_t c[4] = {(uint32_t)sample, (uint32_t)(sample >> 32), s.low, s.high};
    td__philox(s.key, c, out);
}

void td__words(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use, uint32_t out[4])
{
    block(td__stream_of(seed, epoch, use), sample, out);
}

static double to_unit(uint32_t hi, uint32_t lo)
{
    return (double)(((uint64_t)hi << 32 | lo) >> 11) * 0x1p-53;
}

double td__stream_uniform(td__stream s, uint64_t sample)
{
    uint32_t r[4];
    block(s, sample, r);
    return to_unit(r[0], r[1]);
}

/* Box-Muller. */
double td__stream_normal(td__stream s, uint64_t sample)
{
    uint32_t r[4];
    block(s, sample, r);
    double u = 1 - to_unit(r[0], r[1]), v = to_unit(r[2], r[3]); /* u in (0, 1] */
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

double td__uniform(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use)
{
    return td__stream_uniform(td__stream_of(seed, epoch, use), sample);
}

double td__normal(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use)
{
    return td__stream_normal(td__stream_of(seed, epoch, use), sample);
}

void td__permutation(uint64_t seed, uint64_t epoch, uint64_t use, int64_t n, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        uint32_t r[4];
        td__words(seed, epoch, (uint64_t)i, use, r);
        /* Multiply-high of 64 random bits: bias below 2^-32 for any n that fits memory. */
        int64_t j = (int64_t)(((unsigned __int128)((uint64_t)r[0] << 32 | r[1]) * (uint64_t)(i + 1)) >> 64);
        int64_t t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
}
