#ifndef TESTS_CUDA_FP16_H
#define TESTS_CUDA_FP16_H

#include <cmath>
#include <cstdint>

struct __half {
    uint16_t bits;
};

inline float __half2float(__half h)
{
    const int exponent = h.bits >> 10 & 31, fraction = h.bits & 1023;
    const float size = exponent == 31 ? (fraction ? NAN : INFINITY)
                       : exponent     ? std::ldexp((float)(1024 + fraction), exponent - 25)
                                      : std::ldexp((float)fraction, -24);
    return h.bits & 0x8000 ? -size : size;
}

/* To the nearest, of two equally near ones the even: as nearbyint does with the spacing of halves at x. */
inline __half __float2half_rn(float x)
{
    const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    const float size = std::fabs(x);
    if (std::isnan(x))
        return {0x7fff};
    if (size >= 65520)
        return {(uint16_t)(sign | 0x7c00)};
    int exponent = size < 6.103515625e-5f ? -14 : std::ilogb(size);
    const int steps = (int)std::nearbyint(std::ldexp(size, 10 - exponent)); /* may reach the next power of two */
    return {(uint16_t)(sign | (steps + (size < 6.103515625e-5f ? 0 : (exponent + 14) * 1024)))};
}

#endif
