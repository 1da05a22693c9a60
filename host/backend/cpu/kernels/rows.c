/* Products with rows of a table that indices name, without copies of the rows.
 *
 * All samples are gone through together, a block of columns of the index at a time: where the samples' indices have an
 * order in common, as those of drawn negatives do, a block names a part of the table only, which the first sample reads
 * from memory and the others from the cache. */
#include <stdatomic.h>
#include <string.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"

#define BLOCK 128
#define PIECES 16
#define TOGETHER 8 /* rows that are multiplied, vectors of a row that are summed */

struct rows {
    const float *x; /* [samples, d], or the factors [samples, k] */
    const float *table;
    const int64_t *index; /* [samples, k] */
    float *y;             /* [samples, k], or the pieces' sums [pieces, samples, d] */
    int64_t samples, k, d, n;
    int64_t columns, pieces; /* of a piece */
    _Atomic int outside;     /* an index names no row */
};

/* Columns [first, last) of sample b. */
typedef void block_fn(const struct rows *p, int64_t piece, int64_t b, int64_t first, int64_t last);

static int all_inside(const struct rows *p, int64_t b, int64_t first, int64_t last)
{
    const int64_t *index = p->index + b * p->k;
    int outside = 0;
    for (int64_t j = first; j < last; j++)
        outside |= (uint64_t)index[j] >= (uint64_t)p->n;
    return !outside;
}

/* block is a constant after inlining. */
TD__INLINE void go_through(struct rows *p, int64_t piece, block_fn *block)
{
    int64_t end = min((piece + 1) * p->columns, p->k);
    for (int64_t first = piece * p->columns; first < end; first += BLOCK)
        for (int64_t b = 0; b < p->samples; b++) {
            int64_t last = min(first + BLOCK, end);
            if (all_inside(p, b, first, last))
                block(p, piece, b, first, last);
            else
                atomic_store_explicit(&p->outside, 1, memory_order_relaxed);
        }
}

static struct rows plan(const td_view *in)
{
    const td_desc *table = &in[1].d, *index = &in[2].d;
    struct rows p = {.x = in[0].data, .table = in[1].data, .index = in[2].data,
                     .samples = index->shape[0], .k = index->shape[1], .d = table->shape[1], .n = table->shape[0]};
    p.columns = max(ceil_div(ceil_div(p.k, PIECES), TOGETHER), 1) * TOGETHER;
    p.pieces = ceil_div(p.k, p.columns);
    return p;
}

static double flops(const struct rows *p)
{
    return 2 * (double)(p->samples * p->k) * (double)p->d;
}

/* ---- gather_matmul ---- */

/* The sums of neighbouring lanes: first a's, then b's. */
TD__INLINE vec pair_sums(vec a, vec b)
{
#if LANES == 16
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
           __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
#elif LANES == 8
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14) +
           __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
#else
    return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
#endif
}

/* y = x times each of TOGETHER rows. */
TD__INLINE void products(const float *x, const float *table, const int64_t *index, int64_t d, float *y)
{
    const float *row[TOGETHER];
    vec s[TOGETHER];
    int64_t whole = d / LANES * LANES;
#pragma GCC unroll 8
    for (int i = 0; i < TOGETHER; i++) {
        row[i] = table + index[i] * d;
        s[i] = (vec){0};
    }
    for (int64_t e = 0; e < whole; e += LANES)
#pragma GCC unroll 8
        for (int i = 0; i < TOGETHER; i++)
            s[i] += load(x + e) * load(row[i] + e);
    int left = TOGETHER;
#pragma GCC unroll 4
    for (int lanes = LANES; lanes > 1; lanes /= 2) {
#pragma GCC unroll 4
        for (int i = 0; i < left / 2; i++)
            s[i] = pair_sums(s[2 * i], s[2 * i + 1]);
        if (left == 1)
            s[0] = pair_sums(s[0], s[0]);
        else
            left /= 2;
    }
    float sums[2 * LANES];
    store(sums, s[0]);
    store(sums + LANES, s[1]);
    memcpy(y, sums, TOGETHER * sizeof *y);
    for (int64_t e = whole; e < d; e++)
        for (int i = 0; i < TOGETHER; i++)
            y[i] += x[e] * row[i][e];
}

static inline void multiply(const struct rows *p, int64_t piece, int64_t b, int64_t first, int64_t last)
{
    const float *x = p->x + b * p->d;
    const int64_t *index = p->index + b * p->k;
    float *y = p->y + b * p->k;
    int64_t j = first;
    (void)piece;
    for (; j + TOGETHER <= last; j += TOGETHER)
        products(x, p->table, index + j, p->d, y + j);
    if (j < last) {
        int64_t few[TOGETHER] = {0}; /* the others' products, with row 0, are not used */
        float sums[TOGETHER];
        memcpy(few, index + j, (size_t)(last - j) * sizeof *few);
        products(x, p->table, few, p->d, sums);
        memcpy(y + j, sums, (size_t)(last - j) * sizeof *y);
    }
}

static void multiply_piece(void *arg, int64_t piece)
{
    go_through(arg, piece, multiply);
}

static int32_t gather_matmul_f32(KERNEL_ARGUMENTS)
{
    struct rows p = plan(in);
    p.y = out[0].data;
    in_parallel(p.pieces, flops(&p), multiply_piece, &p);
    return p.outside ? td__cpu_reference("gather_matmul", r, in, out, attrs) : TD_OK;
}

/* ---- scatter_matmul ---- */

/* sums[e] += factor[j] * table[index[j], e] for e in `vecs` vectors; a constant after inlining. */
TD__INLINE void add_rows(int vecs, float *sums, const float *table, int64_t d, const int64_t *index,
                         const float *factor, int64_t count)
{
    vec s[TOGETHER];
#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++)
        s[v] = load(sums + v * LANES);
    for (int64_t j = 0; j < count; j++) {
        const float *row = table + index[j] * d;
        __asm__("" : "+r"(row)); /* one address, and constant distances from it */
#pragma GCC unroll 8
        for (int v = 0; v < vecs; v++)
            s[v] += splat(factor[j]) * load(row + v * LANES);
    }
#pragma GCC unroll 8
    for (int v = 0; v < vecs; v++)
        store(sums + v * LANES, s[v]);
}

static inline void add(const struct rows *p, int64_t piece, int64_t b, int64_t first, int64_t last)
{
    const int64_t *index = p->index + b * p->k + first;
    const float *factor = p->x + b * p->k + first;
    float *sums = p->y + (piece * p->samples + b) * p->d;
    int64_t e = 0, count = last - first;
    for (; e + TOGETHER * LANES <= p->d; e += TOGETHER * LANES)
        add_rows(TOGETHER, sums + e, p->table + e, p->d, index, factor, count);
    for (; e + LANES <= p->d; e += LANES)
        add_rows(1, sums + e, p->table + e, p->d, index, factor, count);
    for (; e < p->d; e++)
        for (int64_t i = 0; i < count; i++)
            sums[e] += factor[i] * p->table[index[i] * p->d + e];
}

static void add_piece(void *arg, int64_t piece)
{
    struct rows *p = arg;
    int64_t all = p->samples * p->d;
    memset(p->y + piece * all, 0, (size_t)all * sizeof *p->y);
    go_through(p, piece, add);
}

static int32_t scatter_matmul_f32(KERNEL_ARGUMENTS)
{
    struct rows p = plan(in);
    float *y = out[0].data;
    int64_t all = p.samples * p.d;
    p.y = td__run_scratch(r, (size_t)(p.pieces * all) * sizeof *p.y);
    if (!p.y)
        return TD_ERROR;
    in_parallel(p.pieces, flops(&p), add_piece, &p);
    if (p.outside)
        return td__cpu_reference("scatter_matmul", r, in, out, attrs);
    memset(y, 0, (size_t)all * sizeof *y);
    for (int64_t piece = 0; piece < p.pieces; piece++)
        for (int64_t i = 0; i < all; i++)
            y[i] += p.y[piece * all + i];
    return TD_OK;
}

FLOAT32_KERNEL(gather_matmul)
FLOAT32_KERNEL(scatter_matmul)

const td__kernel_row td__cpu_rows[] = {
    ROW(gather_matmul),
    ROW(scatter_matmul),
    {NULL, NULL},
};
