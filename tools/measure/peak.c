#include "config.h"
#include "host/base/pool.h"
#include "tools/measure/measure.h"
#ifdef TD_X86_ISA
#include <immintrin.h>
#endif

#define ROUNDS 10000000
#define CHAINS 12 /* more than the latency of a multiply-add times how many start in a cycle */

/* One thread's piece: CHAINS independent sums that never leave their registers.  Returns operations. */
#define PIECE(name, features, type, lanes, splat, fma, store) \
    __attribute__((target(features))) static double name(float *out) \
    { \
        type sum[CHAINS], a = splat(0.999f), b = splat(0.001f); \
        for (int i = 0; i < CHAINS; i++) \
            sum[i] = splat((float)i); \
        for (int r = 0; r < ROUNDS; r++) { \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sum[i] = fma(sum[i], a, b); \
        } \
        for (int i = 0; i < CHAINS; i++) \
            store(out + i * (lanes), sum[i]); \
        return 2.0 * (lanes) * CHAINS * ROUNDS; \
    }

#ifdef TD_X86_ISA
PIECE(avx512_piece, "avx512f", __m512, 16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps)
PIECE(avx2_piece, "avx2,fma", __m256, 8, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps)
static double (*choose(void))(float *)
{
    return __builtin_cpu_supports("avx512f") ? avx512_piece : __builtin_cpu_supports("fma") ? avx2_piece : 0;
}
#else
static double (*choose(void))(float *) { return 0; }
#endif

struct work {
    double (*piece)(float *);
    double *flop;
};

static void run_piece(void *arg, int64_t i)
{
    const struct work *w = arg;
    float sink[CHAINS * 16];
    volatile float used;
    w->flop[i] = w->piece(sink);
    used = sink[0];
    (void)used;
}

double peak_gflops(void)
{
    double best = 0, flop[256];
    int n = td__pool_threads();
    struct work w = {choose(), flop};
    if (!w.piece || n > 256)
        return 0;
    for (int k = 0; k < 16; k++) {
        double start = seconds(), rate;
        td__parallel_for(n, run_piece, &w);
        rate = flop[0] * n / (seconds() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}
