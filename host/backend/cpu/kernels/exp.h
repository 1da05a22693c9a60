/* e^x and ln x in float32, as functions the compiler can vectorise. */
#ifndef TD__CPU_EXP_H
#define TD__CPU_EXP_H

#include <math.h>

#include "host/backend/cpu/vec.h"

/* ln 2 in two parts: the first times a whole number of up to 9 bits is exact. */
#define LN2_HIGH 0x1.62ep-1f
#define LN2_LOW 0x1.0bfbe8p-15f

/* Within 2 units in the last place; infinite and 0 where e^x is outside the range, NaN for NaN.
 * e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2; e^r by Taylor's polynomial of degree 7 (remainder 5e-9). */
TD__INLINE float fast_exp(float x)
{
    const float magic = 0x1.8p23f; /* 0x4b400000; adding it rounds to an integer, left in the low bits */
    x = x > 89 ? 89 : x < -104 ? -104 : x;
    float shifted = x * 0x1.715476p0f + magic, n = shifted - magic;
    float r = (x - n * LN2_HIGH) - n * LN2_LOW;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1;
    p = p * r + 1;
    union {
        float f;
        int32_t i;
    } bits = {.f = shifted}, half, rest;
    int32_t whole = bits.i - 0x4b400000; /* n, as an integer */
    half.i =
        (int32_t)((uint32_t)((whole >> 1) + 127) << 23); /* 2^n in two factors, for results below the normal range */
    rest.i = (int32_t)((uint32_t)(whole - (whole >> 1) + 127) << 23);
    return p * half.f * rest.f;
}

/* Within 2 units in the last place; -infinity for 0, NaN below it and for NaN.
 * x = 2^n (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); with s = f / (2 + f), ln(1 + f) = 2 atanh(s) = 2 s + s r, where
 * r = 2 (s^2/3 + s^4/5 + s^6/7 + s^8/9) (remainder 1e-8 of f), and 2 s = f - f^2/2 + s f^2/2, whose first term is
 * exact. */
TD__INLINE float fast_log(float x)
{
    const int32_t one = 0x3f800000, sqrt_half = 0x3f3504f3;
    int small = x < 0x1p-126f;
    union {
        float f;
        int32_t i;
    } bits = {.f = small ? x * 0x1p25f : x};
    int32_t moved = (int32_t)((uint32_t)bits.i + (uint32_t)(one - sqrt_half));
    float n = (float)((moved >> 23) - 127 - (small ? 25 : 0));
    bits.i = (moved & 0x7fffff) + sqrt_half;
    float f = bits.f - 1, s = f / (2 + f), z = s * s, half = 0.5f * f * f;
    float r = 2.0f / 9;
    r = r * z + 2.0f / 7;
    r = r * z + 2.0f / 5;
    r = r * z + 2.0f / 3;
    r = r * z;
    float y = n * LN2_HIGH - ((half - (s * (half + r) + n * LN2_LOW)) - f);
    return x > 0 ? (x > 0x1.fffffep127f ? x : y) : x == 0 ? -INFINITY : NAN;
}

#endif
