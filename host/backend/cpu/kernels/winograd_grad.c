/* The weight gradient by Winograd's transforms; see winograd.h.  The 16 sums over tiles of (A dY A') x (B' d B) are
 * outer products.  As in wgrad.c, images are summed in a few groups that depend on the shapes only. */
#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/outer.h"
#include "host/backend/cpu/kernels/winograd.h"
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
    int64_t x_element, dy_element, sum_element; /* floats of one of the 16 matrices */
    float *sums;                                /* [groups][chunks][16][chunk][channels] */
    td__slots slots;                            /* x [16][tiles][channels], dy [16][tiles][chunk] */
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
    for (int64_t q = 0; q < g->columns; q += 2, dy += 2 * g->dy_pixel, to += tile) {
        int right = q + 1 < g->columns, low = rows > 1;
        vec y00 = load(dy), y01 = right ? load(dy + g->dy_pixel) : (vec){0};
        vec y10 = low ? load(dy + row) : (vec){0}, y11 = low && right ? load(dy + row + g->dy_pixel) : (vec){0};
        vec left[4] = {y00, y00 + y10, y00 - y10, -y10}, other[4] = {y01, y01 + y11, y01 - y11, -y11};
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            store(to + 4 * i * element, left[i]);
            store(to + (4 * i + 1) * element, left[i] + other[i]);
            store(to + (4 * i + 2) * element, left[i] - other[i]);
            store(to + (4 * i + 3) * element, -other[i]);
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
    float *x = td__slot_take(&p->slots), *dy = x + 16 * p->x_element, *sums = p->sums + piece * 16 * p->sum_element;
    for (int64_t row = first * p->tile_rows; row < end; row += p->rows_per_batch) {
        int64_t last = min(row + p->rows_per_batch, end), tiles = (last - row) * p->tile_columns;
        for (int64_t i = row; i < last; i++) {
            int64_t image = i / p->tile_rows, y = i % p->tile_rows * 2, at = (i - row) * p->tile_columns;
            td__image source = {g->x + image * g->height * g->width * g->x_pixel, g->height, g->width, g->x_pixel};
            for (int64_t c = 0; c < g->channels; c += LANES, source.data += LANES)
                td__winograd_input(&source, y - g->pad_y, -g->pad_x, p->tile_columns, x + at * g->channels + c,
                                   p->x_element, g->channels);
            const float *from = g->dy + (image * g->rows + y) * g->columns * g->dy_pixel + o;
            for (int64_t c = 0; c < out; c += LANES)
                transform_gradient(g, from + c, g->rows - y, dy + at * p->chunk + c, p->dy_element, p->chunk);
        }
        for (int e = 0; e < 16; e++)
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
        vec s[4][4], half[3][4];
        for (int e = 0; e < 16; e++) {
            const float *from = p->sums + (chunk * 16 + e) * p->sum_element + o * g->channels + c;
            vec sum = load(from);
            for (int64_t k = 1; k < p->groups; k++)
                sum += load(from + k * p->chunks * 16 * p->sum_element);
            s[e / 4][e % 4] = sum;
        }
        for (int j = 0; j < 4; j++) {
            half[0][j] = s[0][j] + 0.5f * (s[1][j] + s[2][j]);
            half[1][j] = 0.5f * (s[1][j] - s[2][j]);
            half[2][j] = 0.5f * (s[1][j] + s[2][j]) + s[3][j];
        }
        for (int i = 0; i < 3; i++) {
            float *to = g->dw + (channel * 9 + 3 * i) * g->channels + c;
            store(to, half[i][0] + 0.5f * (half[i][1] + half[i][2]));
            store(to + g->channels, 0.5f * (half[i][1] - half[i][2]));
            store(to + 2 * g->channels, 0.5f * (half[i][1] + half[i][2]) + half[i][3]);
        }
    }
}

int td__winograd_grad(td_run *r, const td__weight_grad *g)
{
    struct plan p = {.g = g, .tile_rows = ceil_div(g->rows, 2), .tile_columns = ceil_div(g->columns, 2)};
    p.rows_per_batch = max(max(BATCH_TILES, g->channels / 2) / p.tile_columns, 1);
    p.most_tiles = p.rows_per_batch * p.tile_columns;
    p.chunk = min(CHUNK, g->out_channels);
    p.chunks = ceil_div(g->out_channels, p.chunk);
    p.images_per_group = ceil_div(g->images, min(min(ceil_div(PIECES, p.chunks), MOST_GROUPS), g->images));
    p.groups = ceil_div(g->images, p.images_per_group);
    /* A cache line more, so that the 16 matrices do not meet in the same sets of the cache. */
    p.x_element = p.most_tiles * g->channels + 16;
    p.dy_element = p.most_tiles * p.chunk + 16;
    p.sum_element = p.chunk * g->channels;
    p.sums = td__run_scratch(r, (size_t)(p.groups * p.chunks * 16 * p.sum_element) * sizeof *p.sums);
    if (!p.sums || td__slots_make(&p.slots, r, (size_t)(16 * (p.x_element + p.dy_element)) * sizeof(float)))
        return -1;
    double flops = 32.0 * (double)(g->images * p.tile_rows * p.tile_columns * g->out_channels * g->channels);
    in_parallel(p.groups * p.chunks, flops, run_piece, &p);
    in_parallel(g->out_channels, (double)(16 * p.groups * p.chunks * p.sum_element), reduce_channel, &p);
    return 0;
}
