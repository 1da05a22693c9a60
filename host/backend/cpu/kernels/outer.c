#include "host/backend/cpu/kernels/outer.h"

/* rows and vecs are constants after inlining, so that the accumulators live in registers. */
TD__INLINE void outer(int rows, int vecs, const td__outer_sum *s, const float *a, const float *b, float *sum,
                      int64_t pitch, int fresh)
{
    vec acc[16][OUTER_MAX_VECS];
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++)
#pragma GCC unroll 3
        for (int v = 0; v < vecs; v++)
            acc[m][v] = fresh ? (vec){0} : load(sum + m * pitch + v * LANES);
    for (int64_t i = 0; i < s->images; i++)
        for (int64_t r = 0; r < s->rows; r++) {
            const float *ap = a + i * s->a.image + r * s->a.row, *bp = b + i * s->b.image + r * s->b.row;
            for (int64_t q = 0; q < s->pixels; q++, ap += s->a.pixel, bp += s->b.pixel) {
                vec bv[OUTER_MAX_VECS];
#pragma GCC unroll 3
                for (int v = 0; v < vecs; v++)
                    bv[v] = load(bp + v * LANES);
#pragma GCC unroll 16
                for (int m = 0; m < rows; m++)
#pragma GCC unroll 3
                    for (int v = 0; v < vecs; v++)
                        acc[m][v] += splat(ap[m]) * bv[v];
            }
        }
#pragma GCC unroll 16
    for (int m = 0; m < rows; m++)
#pragma GCC unroll 3
        for (int v = 0; v < vecs; v++)
            store(sum + m * pitch + v * LANES, acc[m][v]);
}

#define OUTER(v, m)                                                                                                    \
    static void outer_##v##_##m(const td__outer_sum *s, const float *a, const float *b, float *sum, int64_t pitch,     \
                                int fresh)                                                                             \
    {                                                                                                                  \
        outer(m, v, s, a, b, sum, pitch, fresh);                                                                       \
    }
#define OUTERS_1_TO_4(v) OUTER(v, 1) OUTER(v, 2) OUTER(v, 3) OUTER(v, 4)
#define OUTERS_5_TO_9(v) OUTER(v, 5) OUTER(v, 6) OUTER(v, 7) OUTER(v, 8) OUTER(v, 9)
#define NAMES_1_TO_4(v) outer_##v##_1, outer_##v##_2, outer_##v##_3, outer_##v##_4
#define NAMES_5_TO_9(v) outer_##v##_5, outer_##v##_6, outer_##v##_7, outer_##v##_8, outer_##v##_9

/* Sizes by the number of registers: accumulators, the vectors of b and one element of a must fit. */
OUTERS_1_TO_4(1)
OUTERS_5_TO_9(1)
OUTER(1, 10)
OUTER(1, 11) OUTER(1, 12) OUTERS_1_TO_4(2) OUTERS_1_TO_4(3)
#if LANES == 16 /* 32 registers */
    OUTER(1, 13) OUTER(1, 14) OUTER(1, 15) OUTER(1, 16) OUTERS_5_TO_9(2) OUTER(2, 10) OUTER(2, 11) OUTER(2, 12)
        OUTER(2, 13) OUTER(2, 14) OUTERS_5_TO_9(3) static outer_fn *const outers[OUTER_MAX_VECS][16] = {
            {NAMES_1_TO_4(1), NAMES_5_TO_9(1), outer_1_10, outer_1_11, outer_1_12, outer_1_13, outer_1_14, outer_1_15,
             outer_1_16},
            {NAMES_1_TO_4(2), NAMES_5_TO_9(2), outer_2_10, outer_2_11, outer_2_12, outer_2_13, outer_2_14},
            {NAMES_1_TO_4(3), NAMES_5_TO_9(3)},
};
static const int most_rows[OUTER_MAX_VECS] = {16, 14, 9};
#else /* 16 registers */
    OUTER(2, 5) OUTER(2, 6) static outer_fn *const outers[OUTER_MAX_VECS][12] = {
        {NAMES_1_TO_4(1), NAMES_5_TO_9(1), outer_1_10, outer_1_11, outer_1_12},
        {NAMES_1_TO_4(2), outer_2_5, outer_2_6},
        {NAMES_1_TO_4(3)},
};
static const int most_rows[OUTER_MAX_VECS] = {12, 6, 4};
#endif

int td__outer_rows(int vecs)
{
    return most_rows[vecs - 1];
}
outer_fn *td__outer(int vecs, int rows)
{
    return outers[vecs - 1][rows - 1];
}
