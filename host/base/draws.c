/* Uniform and normal numbers, a group at a time, by loops that become vectors.
 *
 * All bits follow from IEEE 754: additions, multiplications, divisions and square roots of doubles in the order that is
 * written, none contracted (the whole project is compiled with -ffp-contract=off), and no function of the C library.  So
 * vectors of any length, no vectors at all (-O0, sanitizers) and other processors give the same. */
#pragma GCC optimize("O3,no-trapping-math") /* the loops become vectors */

#include <math.h>
#include <stddef.h>

#include "config.h"
#include "host/base/rng.h"

#define BLOCKS (TD__GROUP / 4)
#define INLINE static inline __attribute__((always_inline))

/* Number 16 k + i of a group belongs to word k of the group's block i: neighbours in a vector are so in memory. */
INLINE void group_words(td_stream s, uint64_t group, uint32_t w[4][BLOCKS])
{
    for (int i = 0; i < BLOCKS; i++) {
        uint32_t r[4];
        td_stream_words(s, group * BLOCKS + (uint64_t)i, r);
        w[0][i] = r[0];
        w[1][i] = r[1];
        w[2][i] = r[2];
        w[3][i] = r[3];
    }
}

/* w + by in units of 2^-32; exact.  Through a signed number, which all processors convert. */
INLINE double unit(uint32_t w, double by) { return ((double)(int32_t)(w - 0x80000000u) + (0x1p31 + by)) * 0x1p-32; }

INLINE void uniform(td_stream s, uint64_t group, double *restrict v)
{
    uint32_t w[4][BLOCKS];
    group_words(s, group, w);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < BLOCKS; i++)
            v[k * BLOCKS + i] = unit(w[k][i], 0);
}

/* ln u for normal positive numbers.  u = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), and with t = f / (2 + f)
 * ln(1 + f) = 2 atanh(t) = 2 t (1 + t^2/3 + t^4/5 + ...); the next term is below 4e-12 of the result. */
INLINE double ln(double u)
{
    const uint64_t one = 0x3ff0000000000000, sqrt_half = 0x3fe6a09e667f3bcd;
    union {
        double f;
        uint64_t i;
    } bits = {.f = u};
    uint64_t moved = bits.i + (one - sqrt_half);
    double n = (double)((int32_t)(moved >> 52) - 1023);
    bits.i = (moved & 0xfffffffffffff) + sqrt_half;
    double f = bits.f - 1, t = f / (2 + f), z = t * t, p = 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    p = p * z + 2;
    return n * 0.6931471805599453 + t * p;
}

/* Box and Muller, "A note on the generation of random normal deviates" (1958): a distance from one word, a direction
 * from the next, two numbers from both.  The direction is a whole number of quarter turns and a rest of up to an eighth,
 * whose sine and cosine are Taylor's polynomials (the next terms are below 1e-11 and 2e-10). */
INLINE void normal(td_stream s, uint64_t group, double *restrict v)
{
    uint32_t w[4][BLOCKS];
    group_words(s, group, w);
    for (int k = 0; k < 4; k += 2)
        for (int i = 0; i < BLOCKS; i++) {
            double distance = sqrt(-2 * ln(unit(w[k][i], 0.5)));
            uint32_t turn = w[k + 1][i], quarters = (turn + 0x20000000u) >> 30;
            double a = (double)(int32_t)(turn - (quarters << 30)) * (6.283185307179586 * 0x1p-32), z = a * a;
            double sine = -1.0 / 39916800, cosine = -1.0 / 3628800;
            sine = sine * z + 1.0 / 362880;
            sine = sine * z - 1.0 / 5040;
            sine = sine * z + 1.0 / 120;
            sine = sine * z - 1.0 / 6;
            sine = sine * z * a + a;
            cosine = cosine * z + 1.0 / 40320;
            cosine = cosine * z - 1.0 / 720;
            cosine = cosine * z + 1.0 / 24;
            cosine = cosine * z - 0.5;
            cosine = cosine * z + 1;
            distance = quarters & 2 ? -distance : distance;
            v[k * BLOCKS + i] = distance * (quarters & 1 ? -sine : cosine);
            v[(k + 1) * BLOCKS + i] = distance * (quarters & 1 ? cosine : sine);
        }
}

/* ---- for each instruction set ---- */

#define COMPILED(isa, target)                                                                                          \
    target static void uniform_##isa(td_stream s, uint64_t group, double v[TD__GROUP]) { uniform(s, group, v); }       \
    target static void normal_##isa(td_stream s, uint64_t group, double v[TD__GROUP]) { normal(s, group, v); }         \
    static const td__draws isa = {#isa, uniform_##isa, normal_##isa};

COMPILED(baseline, )
#ifdef TD_X86_ISA
COMPILED(avx2, __attribute__((target("avx2"))))
COMPILED(avx512, __attribute__((target("avx512f,avx512dq,prefer-vector-width=512"))))
#endif

const td__draws *td__draws_of(unsigned rank)
{
#ifdef TD_X86_ISA
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && !rank--)
        return &avx512;
    if (__builtin_cpu_supports("avx2") && !rank--)
        return &avx2;
#endif
    return rank ? NULL : &baseline;
}
