/* What the kernels share: small arithmetic and the threshold below which threads do not pay. */
#ifndef TD__CPU_COMMON_H
#define TD__CPU_COMMON_H

#include "host/base/pool.h"

static inline int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
static inline int64_t max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
static inline int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Waking the pool costs some 10 us. */
#define FEW_FLOPS 1000000
#define GRAIN 16384 /* elements of a memory-bound loop that are worth a piece */

/* fn(arg, i) for i in [0, n), on the pool when the whole takes at least FEW_FLOPS. */
static inline void in_parallel(int64_t n, double flops, void (*fn)(void *arg, int64_t i), void *arg)
{
    if (flops >= FEW_FLOPS)
        td__parallel_for(n, fn, arg);
    else
        for (int64_t i = 0; i < n; i++)
            fn(arg, i);
}

#endif
