/* e^x in float32, as a function the compiler can vectorise. */
#ifndef TD__CPU_EXP_H
#define TD__CPU_EXP_H

#include "host/backend/cpu/vec.h"

/* Within 2 units in the last place; infinite and 0 where e^x is outside the range, NaN for NaN.
 * e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2; e^r by Taylor's polynomial of degree 7 (remainder 5e-9). */
TD__INLINE float fast_exp(float x)
{
    const float magic = 0x1.8p23f; /* 0x4b400000; adding it rounds to an integer, left in the low bits */
    const float ln2_high = 0x1.62ep-1f, ln2_low = 0x1.0bfbe8p-15f; /* high * n is exact */
    x = x > 89 ? 89 : x < -104 ? -104 : x;
    float shifted = x * 0x1.715476p0f + magic, n = shifted - magic;
    float r = (x - n * ln2_high) - n * ln2_low;
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

#endif
