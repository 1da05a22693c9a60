#include "host/base/rng.h"

void td__words(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use, uint32_t out[4])
{
    td_stream_words(td_stream_of(seed, epoch, use), sample, out);
}

double td__uniform(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use)
{
    return td_stream_uniform(td_stream_of(seed, epoch, use), sample);
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
