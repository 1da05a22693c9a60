#include "host/backend/cpu/kernels/planar.h"

#define SHUFFLE(a, b, ...) __builtin_shufflevector((a), (b), __VA_ARGS__)

typedef float vec4 __attribute__((vector_size(16), aligned(4), may_alias));

TD__INLINE void block_4x4(float *to, int64_t pitch, const float *from, int64_t step)
{
    vec4 r0 = *(const vec4 *)from, r1 = *(const vec4 *)(from + step);
    vec4 r2 = *(const vec4 *)(from + 2 * step), r3 = *(const vec4 *)(from + 3 * step);
    vec4 a = SHUFFLE(r0, r1, 0, 4, 1, 5), b = SHUFFLE(r0, r1, 2, 6, 3, 7);
    vec4 c = SHUFFLE(r2, r3, 0, 4, 1, 5), d = SHUFFLE(r2, r3, 2, 6, 3, 7);
    *(vec4 *)to = SHUFFLE(a, c, 0, 1, 4, 5);
    *(vec4 *)(to + pitch) = SHUFFLE(a, c, 2, 3, 6, 7);
    *(vec4 *)(to + 2 * pitch) = SHUFFLE(b, d, 0, 1, 4, 5);
    *(vec4 *)(to + 3 * pitch) = SHUFFLE(b, d, 2, 3, 6, 7);
}

#if LANES >= 8
typedef float vec8 __attribute__((vector_size(32), aligned(4), may_alias));

TD__INLINE void block_8x8(float *to, int64_t pitch, const float *from, int64_t step)
{
    vec8 r[8], s[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        r[i] = *(const vec8 *)(from + i * step);
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        s[i] = SHUFFLE(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        s[i + 1] = SHUFFLE(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) /* r[i + j]: columns j and 4 + j of rows i .. i + 3 */
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = SHUFFLE(s[i + j], s[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            r[i + 2 * j + 1] = SHUFFLE(s[i + j], s[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        *(vec8 *)(to + j * pitch) = SHUFFLE(r[j], r[j + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(vec8 *)(to + (j + 4) * pitch) = SHUFFLE(r[j], r[j + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
#endif

void td__planar(float *to, int64_t pitch, const float *from, int64_t step, int64_t pixels, int64_t channels)
{
    int64_t q = 0;
#if LANES >= 8
    int64_t whole = channels / 8 * 8;
    for (; q + 8 <= pixels; q += 8) {
        for (int64_t c = 0; c < whole; c += 8)
            block_8x8(to + c * pitch + q, pitch, from + q * step + c, step);
        for (int64_t c = whole; c < channels; c++)
            for (int64_t i = q; i < q + 8; i++)
                to[c * pitch + i] = from[i * step + c];
    }
#endif
    for (; q + 4 <= pixels; q += 4) {
        int64_t c = 0;
        for (; c + 4 <= channels; c += 4)
            block_4x4(to + c * pitch + q, pitch, from + q * step + c, step);
        for (; c < channels; c++)
            for (int64_t i = q; i < q + 4; i++)
                to[c * pitch + i] = from[i * step + c];
    }
    for (; q < pixels; q++)
        for (int64_t c = 0; c < channels; c++)
            to[c * pitch + q] = from[q * step + c];
}

void td__blocks(float *to, const float *from, int64_t step, int64_t pixels, int64_t channels)
{
    int64_t q = 0, last = (pixels - 1) * step + channels - LANES; /* from here a whole vector is inside what is given */
    for (; q < pixels && q * step <= last; q++)
        store(to + q * LANES, load(from + q * step)); /* what lies behind the channels is not used */
    for (; q < pixels; q++)
        for (int64_t c = 0; c < channels; c++)
            to[q * LANES + c] = from[q * step + c];
}
