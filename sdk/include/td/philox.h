/* tdhost SDK: the random numbers of kernels, Philox 4x32-10 (Salmon et al., SC 2011): a draw is a pure function of its
 * key and counter, so it does not matter who draws first.  For C, C++ and CUDA: every backend drops the same elements. */
#ifndef TD_PHILOX_H
#define TD_PHILOX_H

#include <stdint.h>

#ifdef __CUDACC__
#define TD__ANYWHERE static __host__ __device__ inline
#else
#define TD__ANYWHERE static inline
#endif

/* Four 32-bit words for one (key, counter). */
TD__ANYWHERE void td_philox(uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
#if defined __GNUC__ && !defined __CUDACC__
#pragma GCC unroll 10 /* so that loops over counters can be vectorised */
#endif
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

/* What a number is for: the last part of a key, so that two purposes never share one. */
#define TD_USE_DROPOUT 3u

/* The blocks of words that belong to (seed, epoch, use).  The key holds seed and epoch, the counter block and use: the
 * epoch is mixed in by a first call so that neither loses bits. */
typedef struct td_stream {
    uint64_t key;
    uint32_t low, high;
} td_stream;

TD__ANYWHERE td_stream td_stream_of(uint64_t seed, uint64_t epoch, uint64_t use)
{
    uint32_t c[4] = {(uint32_t)epoch, (uint32_t)(epoch >> 32), (uint32_t)use, (uint32_t)(use >> 32)}, out[4];
    td_stream s;
    td_philox(seed, c, out);
    s.key = (uint64_t)out[1] << 32 | out[0];
    s.low = out[2];
    s.high = out[3];
    return s;
}

TD__ANYWHERE void td_stream_words(td_stream s, uint64_t block, uint32_t out[4])
{
    uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), s.low, s.high};
    td_philox(s.key, c, out);
}

/* 53 bits as a number in [0, 1). */
TD__ANYWHERE double td_unit(uint32_t hi, uint32_t lo) { return (double)(((uint64_t)hi << 32 | lo) >> 11) * 0x1p-53; }

TD__ANYWHERE double td_stream_uniform(td_stream s, uint64_t block)
{
    uint32_t r[4];
    td_stream_words(s, block, r);
    return td_unit(r[0], r[1]);
}

/* The seed of one step's draws. */
TD__ANYWHERE uint64_t td_step_seed(uint64_t seed, int64_t epoch, int64_t step)
{
    uint32_t at[4] = {(uint32_t)epoch, (uint32_t)step, (uint32_t)((uint64_t)step >> 32), TD_USE_DROPOUT}, key[4];
    td_philox(seed, at, key);
    return (uint64_t)key[1] << 32 | key[0];
}

#endif
