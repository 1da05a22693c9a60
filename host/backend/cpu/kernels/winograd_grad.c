/* The weight gradient by Winograd's transforms; see winograd.h.  The 36 sums over tiles of (A dY A') x (B' d B) are
 * outer products.  As in wgrad.c, images are summed in a few groups that depend on the shapes only. */
#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/outer.h"
#include "host/backend/cpu/kernels/winograd.h"
#include "host/backend/cpu/kernels/winograd_transform.h"
#include "host/backend/cpu/slots.h"

#define BATCH_TILES 64 /* transformed and summed at a time, at least; more where sums are large */
#define CHUNK 64       /* result channels of a piece, at most */
#define PIECES 16
#define MOST_GROUPS 8

struct plan {
    const td__weight_grad *g;
    int64_t tile_rows, tile_columns; /* of an image */
    int64_t rows_per_batch, most_tiles;
    int64_t chunk, chunks, groups, images_per_group;
    int64_t x_element, dy_element, sum_element; /* floats of one of the matrices */
    float *sums;                                /* [groups][chunks][ELEMENTS][chunk][channels] */
    td__slots slots;                            /* x [ELEMENTS][tiles][channels], dy [ELEMENTS][tiles][chunk] */
};

int td__winograd_grad_fits(const td__weight_grad *g)
{
    return g->kh == 3 && g->kw == 3 && g->sy == 1 && g->sx == 1 && g->dilation_y == 1 && g->dilation_x == 1 &&
           g->conv_groups == 1 && g->channels >= 16 && g->channels % LANES == 0 && g->out_channels >= 16 &&
           g->out_channels % LANES == 0 && g->rows >= 4 && g->columns >= 4;
}

/* A dY A' of a row of tiles and LANES channels; what lies outside is 0. */
static void transform_gradient(const td__weight_grad *g, const float *dy, int64_t rows, float *to, int64_t element,
                               int64_t tile)
{
    int64_t row = g->columns * g->dy_pixel;
    for (int64_t q = 0; q < g->columns; q += TILE, to += tile) {
        vec half[EDGE][TILE], y[TILE], t[EDGE];
#pragma GCC unroll 4
        for (int j = 0; j < TILE; j++, dy += g->dy_pixel) {
#pragma GCC unroll 4
            for (int i = 0; i < TILE; i++)
                y[i] = i < rows && q + j < g->columns ? load(dy + i * row) : (vec){0};
            winograd_gradient(y, t);
#pragma GCC unroll 6
            for (int i = 0; i < EDGE; i++)
                half[i][j] = t[i];
        }
#pragma GCC unroll 6
        for (int i = 0; i < EDGE; i++) {
            winograd_gradient(half[i], t);
#pragma GCC unroll 6
            for (int j = 0; j < EDGE; j++)
                store(to + (EDGE * i + j) * element, t[j]);
        }
    }
}

/* sums[o][c] (+)= sum over tiles of dy[tile][o] * x[tile][c]. */
static void add_products(const struct plan *p, const float *dy, const float *x, int64_t tiles, int64_t out, float *sums,
                         int fresh)
{
    int64_t channels = p->g->channels, vecs = channels / LANES;
    td__outer_sum s = {1, 1, tiles, {0, 0, p->chunk}, {0, 0, channels}};
    int most = vecs % 3 == 0 ? 3 : vecs == 1 ? 1 : 2;
    for (int64_t v = 0; v < vecs; v += most) {
        int wide = (int)min(most, vecs - v);
        int64_t cuts = ceil_div(out, td__outer_rows(wide)), height = out / cuts, taller = out % cuts;
        for (int64_t k = 0, o = 0; k < cuts; k++) {
            int64_t here = height + (k < taller);
            td__outer(wide, (int)here)(&s, dy + o, x + v * LANES, sums + o * channels + v * LANES, channels, fresh);
            o += here;
        }
    }
}

static void run_piece(void *arg, int64_t piece)
{
    struct plan *p = arg;
    const td__weight_grad *g = p->g;
    int64_t group = piece / p->chunks, o = piece % p->chunks * p->chunk, out = min(p->chunk, g->out_channels - o);
    int64_t first = group * p->images_per_group, end = min(first + p->images_per_group, g->images) * p->tile_rows;
    float *x = td__slot_take(&p->slots), *dy = x + ELEMENTS * p->x_element, *sums = p->sums + piece * ELEMENTS * p->sum_element;
    for (int64_t row = first * p->tile_rows; row < end; row += p->rows_per_batch) {
        int64_t last = min(row + p->rows_per_batch, end), tiles = (last - row) * p->tile_columns;
        for (int64_t i = row; i < last; i++) {
            int64_t image = i / p->tile_rows, y = i % p->tile_rows * TILE, at = (i - row) * p->tile_columns;
            td__image source = {g->x + image * g->height * g->width * g->x_pixel, g->height, g->width, g->x_pixel};
            for (int64_t c = 0; c < g->channels; c += LANES, source.data += LANES)
                td__winograd_input(&source, y - g->pad_y, -g->pad_x, p->tile_columns, x + at * g->channels + c,
                                   p->x_element, g->channels);
            const float *from = g->dy + (image * g->rows + y) * g->columns * g->dy_pixel + o;
            for (int64_t c = 0; c < out; c += LANES)
                transform_gradient(g, from + c, g->rows - y, dy + at * p->chunk + c, p->dy_element, p->chunk);
        }
        for (int e = 0; e < ELEMENTS; e++)
            add_products(p, dy + e * p->dy_element, x + e * p->x_element, tiles, out, sums + e * p->sum_element,
                         row == first * p->tile_rows);
    }
    td__slot_give(&p->slots, x);
}

/* G' s G, with the sums of the groups added in order. */
static void reduce_channel(void *arg, int64_t channel)
{
    const struct plan *p = arg;
    const td__weight_grad *g = p->g;
    int64_t chunk = channel / p->chunk, o = channel % p->chunk;
    for (int64_t c = 0; c < g->channels; c += LANES) {
        vec half[3][EDGE], s[EDGE], w[3];
        for (int j = 0; j < EDGE; j++) {
            for (int i = 0; i < EDGE; i++) {
                const float *from = p->sums + (chunk * ELEMENTS + EDGE * i + j) * p->sum_element + o * g->channels + c;
                s[i] = load(from);
                for (int64_t k = 1; k < p->groups; k++)
                    s[i] += load(from + k * p->chunks * ELEMENTS * p->sum_element);
            }
            winograd_filter_gradient(s, w);
            for (int i = 0; i < 3; i++)
                half[i][j] = w[i];
        }
        for (int i = 0; i < 3; i++) {
            winograd_filter_gradient(half[i], w);
            for (int j = 0; j < 3; j++)
                store(g->dw + (channel * 9 + 3 * i + j) * g->channels + c, w[j]);
        }
    }
}

int td__winograd_grad(td_run *r, const td__weight_grad *g)
{
    struct plan p = {.g = g, .tile_rows = ceil_div(g->rows, TILE), .tile_columns = ceil_div(g->columns, TILE)};
    p.rows_per_batch = max(max(BATCH_TILES, g->channels / 2) / p.tile_columns, 1);
    p.most_tiles = p.rows_per_batch * p.tile_columns;
    p.chunk = min(CHUNK, g->out_channels);
    p.chunks = ceil_div(g->out_channels, p.chunk);
    p.images_per_group = ceil_div(g->images, min(min(ceil_div(PIECES, p.chunks), MOST_GROUPS), g->images));
    p.groups = ceil_div(g->images, p.images_per_group);
    /* A cache line more, so that the matrices do not meet in the same sets of the cache. */
    p.x_element = p.most_tiles * g->channels + 16;
    p.dy_element = p.most_tiles * p.chunk + 16;
    p.sum_element = p.chunk * g->channels;
    p.sums = td__run_scratch(r, (size_t)(p.groups * p.chunks * ELEMENTS * p.sum_element) * sizeof *p.sums);
    if (!p.sums || td__slots_make(&p.slots, r, (size_t)(ELEMENTS * (p.x_element + p.dy_element)) * sizeof(float)))
        return -1;
    double flops = 2.0 * ELEMENTS * (double)(g->images * p.tile_rows * p.tile_columns * g->out_channels * g->channels);
    in_parallel(p.groups * p.chunks, flops, run_piece, &p);
    in_parallel(g->out_channels, (double)(ELEMENTS * p.groups * p.chunks * p.sum_element), reduce_channel, &p);
    return 0;
}
