/* The host's counter-based random numbers (host/base/rng.h): Philox 4x32-10 (Salmon et al., SC 2011), the same bits. */
#ifndef TD_CUDA_PHILOX_CUH
#define TD_CUDA_PHILOX_CUH

#include <stdint.h>

#define USE_DROPOUT 3u /* TD__USE_DROPOUT */

static __host__ __device__ inline void philox(uint64_t key, const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
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

/* As td__words. */
static __host__ __device__ inline void random_words(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use,
                                                    uint32_t out[4])
{
    uint32_t c[4] = {(uint32_t)epoch, (uint32_t)(epoch >> 32), (uint32_t)use, (uint32_t)(use >> 32)};
    philox(seed, c, out);
    uint32_t s[4] = {(uint32_t)sample, (uint32_t)(sample >> 32), out[2], out[3]};
    philox((uint64_t)out[1] << 32 | out[0], s, out);
}

/* As td__step_seed. */
static __host__ __device__ inline uint64_t step_seed(uint64_t seed, int64_t epoch, int64_t step)
{
    uint32_t at[4] = {(uint32_t)epoch, (uint32_t)step, (uint32_t)((uint64_t)step >> 32), USE_DROPOUT}, key[4];
    philox(seed, at, key);
    return (uint64_t)key[1] << 32 | key[0];
}

/* As td__uniform. */
static __host__ __device__ inline double uniform(uint64_t seed, uint64_t epoch, uint64_t sample, uint64_t use)
{
    uint32_t r[4];
    random_words(seed, epoch, sample, use, r);
    return (double)(((uint64_t)r[0] << 32 | r[1]) >> 11) * 0x1p-53;
}

#endif
