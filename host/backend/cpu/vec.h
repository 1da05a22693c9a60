/* Vectors of the instruction set this file is compiled for.  Every source in kernels/ is compiled once per
 * instruction set; TD__ISA(name) gives the copies different names. */
#ifndef TD__CPU_VEC_H
#define TD__CPU_VEC_H

#include <stddef.h>
#include <stdint.h>

#ifndef TD_ISA
#error compile with -DTD_ISA=baseline, avx2 or avx512
#endif
#define TD__PASTE_(a, b) a##_##b
#define TD__PASTE(a, b) TD__PASTE_(a, b)
#define TD__ISA(name) TD__PASTE(name, TD_ISA)

#if defined __AVX512F__
#define LANES 16
#elif defined __AVX__
#define LANES 8
#else
#define LANES 4
#endif

#define TD__INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
typedef float vec_unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

TD__INLINE vec load(const float *p)
{
    return *(const vec_unaligned *)p;
}
TD__INLINE void store(float *p, vec v)
{
    *(vec_unaligned *)p = v;
}
TD__INLINE vec splat(float x)
{
    return x - (vec){0};
} /* x - 0 is x for every x, so only the broadcast remains */

/* a where the mask is set, else b. */
TD__INLINE vec pick(ivec mask, vec a, vec b)
{
    return (vec)(((ivec)a & mask) | ((ivec)b & ~mask));
}
TD__INLINE vec where_positive(vec g, vec y)
{
    return (vec)((ivec)g & (y > 0));
}

/* n < LANES elements. */
TD__INLINE vec load_some(const float *p, int64_t n)
{
    float v[LANES] = {0};
    __builtin_memcpy(v, p, (size_t)n * sizeof *v);
    return load(v);
}
TD__INLINE void store_some(float *p, vec x, int64_t n)
{
    float v[LANES];
    store(v, x);
    __builtin_memcpy(p, v, (size_t)n * sizeof *v);
}

/* Sum of the lanes, in a fixed order. */
TD__INLINE float lanes_sum(vec v)
{
    float s[LANES];
    store(s, v);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            s[i] += s[i + half];
    return s[0];
}

#endif
