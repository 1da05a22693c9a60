/* Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC 2011).  A draw is a pure function of its key
 * and counter, so it does not matter who draws first. */
#ifndef TD__RNG_H
#define TD__RNG_H

#include <stdint.h>

/* Four 32-bit words for one (key, counter).  Here, so that loops over counters can be vectorised. */
static inline void td__philox(uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * x0, p1 = (uint64_t)0xCD9E8D57u * x2;
        uint32_t y0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0, y2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
        x1 = (uint32_t)p1;
        x3 = (uint32_t)p0;
        x0 = y0;
        x2 = y2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = x0;
    out[1] = x1;
    out[2] = x2;
    out[3] = x3;
}

/* Uses: the last part of a key says what a number is for, so that two purposes never share one. */
#define TD__USE_ORDER 1u     /* sampler */
#define TD__USE_INIT 2u      /* parameters */
#define TD__USE_DROPOUT 3u
#define TD__USE_WRAPPER 4u   /* data-set wrappers */
#define TD__USE_SPLIT 5u
#define TD__USE_SAMPLE 6u      /* data sets that draw in get */
#define TD__USE_TRANSFORM 16u /* + position in the chain, times 256, + pass over the chain << 24, + draw << 32 */

/* What td__words draws from: block `sample` of a stream is td__philox(key, {sample's two halves, low, high}). */
typedef struct td__stream {
    uint64_t key;
    uint32_t low, high;
} td__stream;
td__stream td__stream_of(uint64_t seed, uint64_t epoch, uint64_t use);
double td__stream_uniform(td__stream s, uint64_t sample);
double td__stream_normal(td__stream s, uint64_t sample);

/* The seed of one step's draws. */
uint64_t td__step_seed(uint64_t seed, int64_t epoch, int64_t step);

/* 128 random bits for a key. */
void td__words(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use, uint32_t out[4]);
double td__uniform(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use); /* [0, 1) with 53 bits */
double td__normal(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use);
/* Fisher-Yates of 0..n-1. */
void td__permutation(uint64_t seed, uint64_t epoch, uint64_t use, int64_t n, int64_t *out);

#endif
