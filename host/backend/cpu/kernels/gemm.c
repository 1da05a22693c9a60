#include "host/backend/cpu/kernels/gemm.h"

#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/pack.h"
#include "host/backend/cpu/kernels/planar.h"
#include "host/backend/cpu/kernels/tile.h"
#include "host/backend/cpu/slots.h"

#define BAND_BYTES (192 << 10) /* of a: with a block of b it should stay in a core's L2 */
#define PIECES 16

/* A piece is a band of rows of one product, times a part of its columns. */
struct plan {
    const td__product *p;
    int64_t band, bands, part, parts;
    td__packed b; /* of product 0; the others' follow */
    float *bias;  /* padded to whole vectors; NULL: none */
    int32_t *offset;
    td__slots slots; /* a band of a, in blocks: [k / LANES][band][LANES] */
};

static void run_piece(void *arg, int64_t index)
{
    struct plan *plan = arg;
    const td__product *p = plan->p;
    int64_t part = index % plan->parts, row = index / plan->parts % plan->bands * plan->band;
    int64_t i = index / plan->parts / plan->bands, rows = min(plan->band, p->m - row);
    float *blocks = td__slot_take(&plan->slots);
    const float *a = p->a + i * p->a_batch + row * p->a_m;
    for (int64_t k = 0; k < p->k; k += LANES) {
        int64_t n = min(p->k - k, LANES);
        if (p->a_k == 1)
            td__blocks(blocks + k * plan->band, a + k, p->a_m, rows, n);
        else
            td__planar(blocks + k * plan->band, LANES, a + k * p->a_k, p->a_k, n, rows);
    }
    int64_t last = min((part + 1) * plan->part, p->n);
    for (int64_t n = part * plan->part; n < last; n += plan->b.vecs * LANES) {
        int64_t columns = min(p->n - n, plan->b.vecs * LANES);
        int vecs = (int)ceil_div(columns, LANES);
        const float *b = td__packed_block(&plan->b, n) + i * td__packed_floats(&plan->b);
        const float *bias = plan->bias ? plan->bias + n : NULL;
        float *c = p->c + (i * p->m + row) * p->n + n;
        int64_t tiles = ceil_div(rows, td__tile_pixels(vecs)), height = rows / tiles, taller = rows % tiles;
        for (int64_t t = 0, m = 0; t < tiles; t++) {
            int64_t here = height + (t < taller);
            td__tile(vecs, (int)here)(blocks + m * LANES, plan->offset, p->k, b, bias, c + m * p->n, p->n, columns);
            m += here;
        }
    }
    td__slot_give(&plan->slots, blocks);
}

static void pack_b(void *arg, int64_t index)
{
    struct plan *plan = arg;
    const td__product *p = plan->p;
    int64_t vectors = td__packed_out(&plan->b) / LANES, i = index / vectors, n = index % vectors * LANES;
    td__packed to = plan->b;
    to.data += i * td__packed_floats(&to);
    td__pack(&to, n, 0, 1, p->k, p->b + i * p->b_batch + n * p->b_n, p->b_n, p->b_k);
}

static void plan_pieces(struct plan *plan)
{
    const td__product *p = plan->p;
    int64_t tile = td__tile_pixels(plan->b.vecs),
            fitting = max(BAND_BYTES / (max(p->k, 1) * (int64_t)sizeof(float)), 1);
    plan->band = min(max(ceil_div(p->m * p->batch, PIECES), 2 * tile), fitting);
    plan->band = min(ceil_div(plan->band, tile) * tile, p->m);
    plan->bands = ceil_div(p->m, plan->band);
    int64_t wide = plan->b.vecs * LANES, blocks = ceil_div(p->n, wide);
    plan->part = wide * ceil_div(blocks, min(blocks, max(PIECES / (p->batch * plan->bands), 1)));
    plan->parts = ceil_div(p->n, plan->part);
}

int td__gemm(td_run *r, const td__product *p)
{
    struct plan plan = {.p = p, .b = {.out = p->n, .terms = p->k}};
    if (!p->batch || !p->m || !p->n)
        return 0;
    plan.b.vecs = td__tile_vecs(p->n, p->m, p->k);
    plan_pieces(&plan);
    plan.b.data = td__run_scratch(r, (size_t)(p->batch * td__packed_floats(&plan.b)) * sizeof(float));
    plan.offset = td__run_scratch(r, (size_t)p->k * sizeof *plan.offset);
    plan.bias = p->bias ? td__run_scratch(r, (size_t)td__packed_out(&plan.b) * sizeof(float)) : NULL;
    if (!plan.b.data || !plan.offset || (p->bias && !plan.bias) ||
        td__slots_make(&plan.slots, r, (size_t)(ceil_div(p->k, LANES) * LANES * plan.band) * sizeof(float)))
        return -1;
    for (int64_t k = 0; k < p->k; k++)
        plan.offset[k] = (int32_t)(k / LANES * LANES * plan.band + k % LANES);
    if (p->bias) {
        memset(plan.bias, 0, (size_t)td__packed_out(&plan.b) * sizeof *plan.bias);
        memcpy(plan.bias, p->bias, (size_t)p->n * sizeof *plan.bias);
    }
    double packed = (double)(p->batch * td__packed_floats(&plan.b));
    in_parallel(p->batch * td__packed_out(&plan.b) / LANES, 8 * packed, pack_b, &plan);
    in_parallel(p->batch * plan.bands * plan.parts, 2 * packed * (double)p->m, run_piece, &plan);
    return 0;
}
