#include "host/backend/cpu/kernels/tile.h"

#include <string.h>

/* pixels and vecs are constants after inlining, so that the accumulators live in registers. */
TD__INLINE void tile(int pixels, int vecs, const float *x, const int32_t *offset, int64_t n, const float *w,
                     const float *bias, float *out, int64_t out_pixel, int64_t channels)
{
    vec acc[24][TILE_MAX_VECS];
#pragma GCC unroll 24
    for (int q = 0; q < pixels; q++)
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            acc[q][v] = bias ? load(bias + v * LANES) : (vec){0};
    for (int64_t k = 0; k < n; k++) {
        const float *xk = x + offset[k];
#pragma GCC unroll 24
        for (int q = 0; q < pixels; q++)
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++)
                acc[q][v] += splat(xk[q * LANES]) * *(const vec *)(w + v * LANES);
        w += vecs * LANES;
    }
    if (channels == vecs * LANES) {
#pragma GCC unroll 24
        for (int q = 0; q < pixels; q++)
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++)
                store(out + q * out_pixel + v * LANES, acc[q][v]);
        return;
    }
    float row[24][TILE_MAX_VECS * LANES];
#pragma GCC unroll 24
    for (int q = 0; q < pixels; q++)
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++)
            store(row[q] + v * LANES, acc[q][v]);
    for (int q = 0; q < pixels; q++)
        memcpy(out + q * out_pixel, row[q], (size_t)channels * sizeof(float));
}

#define TILE(v, q)                                                                                                     \
    static void tile_##v##_##q(const float *x, const int32_t *offset, int64_t k, const float *w, const float *bias,    \
                               float *out, int64_t out_pixel, int64_t channels)                                        \
    {                                                                                                                  \
        tile(q, v, x, offset, k, w, bias, out, out_pixel, channels);                                                   \
    }
#define TILES_1_TO_6(v) TILE(v, 1) TILE(v, 2) TILE(v, 3) TILE(v, 4) TILE(v, 5) TILE(v, 6)
#define TILES_7_TO_12(v) TILE(v, 7) TILE(v, 8) TILE(v, 9) TILE(v, 10) TILE(v, 11) TILE(v, 12)
#define NAMES_1_TO_6(v) tile_##v##_1, tile_##v##_2, tile_##v##_3, tile_##v##_4, tile_##v##_5, tile_##v##_6
#define NAMES_7_TO_12(v) tile_##v##_7, tile_##v##_8, tile_##v##_9, tile_##v##_10, tile_##v##_11, tile_##v##_12

/* Sizes by the number of registers: accumulators, the block's weights and one pixel must fit.  A row for 1, 2
 * and 4 vectors. */
TILES_1_TO_6(1)
TILES_7_TO_12(1)
TILES_1_TO_6(2)
#if LANES == 16 /* 32 registers */
TILE(1, 13)
TILE(1, 14) TILE(1, 15) TILE(1, 16) TILES_7_TO_12(2) TILE(2, 13) TILE(2, 14) TILES_1_TO_6(4) static const
    int most_pixels[] = {16, 14, 6};
static tile_fn *const tiles[][16] = {
    {NAMES_1_TO_6(1), NAMES_7_TO_12(1), tile_1_13, tile_1_14, tile_1_15, tile_1_16},
    {NAMES_1_TO_6(2), NAMES_7_TO_12(2), tile_2_13, tile_2_14},
    {NAMES_1_TO_6(4)},
};
#else /* 16 registers */
static const int most_pixels[] = {12, 6};
static tile_fn *const tiles[][12] = {
    {NAMES_1_TO_6(1), NAMES_7_TO_12(1)},
    {NAMES_1_TO_6(2)},
};
#endif

int td__tile_pixels(int vecs)
{
    return most_pixels[vecs / 2];
}
tile_fn *td__tile(int vecs, int pixels)
{
    return tiles[vecs / 2][pixels - 1];
}

int td__tile_vecs(int64_t channels, int64_t width, int64_t terms)
{
    int64_t vecs = (channels + LANES - 1) / LANES;
    if (vecs == 1)
        return 1;
    /* Narrow rows have few pixels, so take more channels, while a block of weights fits L1. */
    return LANES == 16 && width <= 7 && vecs % 4 == 0 && terms <= 64 ? 4 : 2;
}
