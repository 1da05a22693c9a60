/* The weight gradient by Winograd's transforms; see winograd.h.  The 36 sums over tiles of (A dY A') x (B' d B) are
 * outer products.  As in wgrad.c, images are summed in a few groups that depend on the shapes only. */
#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/outer.h"
#include "host/backend/cpu/kernels/winograd.h"
#include "host/backend/cpu/kernels/winograd_transform.h"
#include "host/backend/cpu/slots.h"

#define BATCH_TILES 64 /* transformed and summed at a time, at least */
#define CHUNK 64       /* result channels and channels of a piece, at most: its sums should stay in L2 */
#define PIECES 16
#define MOST_GROUPS 8

/* A piece is a group of images, times a chunk of the result channels, times a chunk of the channels. */
struct plan {
    const td__weight_grad *g;
    int64_t tile_rows, tile_columns; /* of an image */
    int64_t rows_per_batch, most_tiles;
    int64_t out, in, in_chunks, chunks; /* result channels and channels of a chunk */
    int64_t groups, images_per_group;
    int64_t x_element, dy_element, sum_element; /* floats of one of the matrices */
    float *sums;                                /* [groups][chunks][ELEMENTS][out][in]; NULL: one group */
    td__slots slots; /* x [ELEMENTS][tiles][in], dy [ELEMENTS][tiles][out], and one group's sums */
};

/* The channels of a chunk. */
struct chunk {
    int64_t o, n_o, c, n_c;
};

static struct chunk chunk_of(const struct plan *p, int64_t index)
{
    int64_t o = index / p->in_chunks * p->out, c = index % p->in_chunks * p->in;
    return (struct chunk){o, min(p->out, p->g->out_channels - o), c, min(p->in, p->g->channels - c)};
}

int td__winograd_grad_fits(const td__weight_grad *g)
{
    return g->kh == 3 && g->kw == 3 && g->sy == 1 && g->sx == 1 && g->dilation_y == 1 && g->dilation_x == 1 &&
           g->conv_groups == 1 && g->channels >= 16 && g->channels % LANES == 0 && g->out_channels >= 16 &&
           g->out_channels % LANES == 0 && g->rows >= 4 && g->columns >= 4;
}

/* Two rows of A dY A' of a row of tiles from the rows y of dy. */
TD__INLINE void gradient_rows(int pair, const float *const y[TILE], const int64_t step[TILE], int64_t columns, float *v,
                              int64_t element, int64_t tile)
{
    const float *from[TILE] = {y[0], y[1], y[2], y[3]};
    for (int64_t q = 0; q < columns; v += tile) {
        vec half[2][TILE], d[TILE], t[EDGE];
#pragma GCC unroll 4
        for (int j = 0; j < TILE; j++, q++) {
            vec two[2] = {{0}};
            if (q < columns) {
#pragma GCC unroll 4
                for (int i = 0; i < TILE; i++) {
                    d[i] = load(from[i]);
                    from[i] += step[i];
                }
                winograd_gradient_pair(pair, d, two);
            }
            half[0][j] = two[0];
            half[1][j] = two[1];
        }
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++) {
            float *to = v + EDGE * winograd_pair_element(pair, i) * element;
            winograd_gradient(half[i], t);
#pragma GCC unroll 6
            for (int j = 0; j < EDGE; j++, to += element)
                store(to, t[j]);
        }
    }
}

/* A dY A' of a row of tiles and LANES channels; what lies outside is 0. */
static void transform_gradient(const td__weight_grad *g, const float *dy, int64_t rows, float *to, int64_t element,
                               int64_t tile)
{
    static const float outside[LANES];
    const float *y[TILE];
    int64_t step[TILE];
    for (int i = 0; i < TILE; i++) {
        y[i] = i < rows ? dy + i * g->columns * g->dy_pixel : outside;
        step[i] = i < rows ? g->dy_pixel : 0;
    }
    gradient_rows(0, y, step, g->columns, to, element, tile);
    gradient_rows(1, y, step, g->columns, to, element, tile);
    gradient_rows(2, y, step, g->columns, to, element, tile);
}

/* sums[o][c] (+)= sum over tiles of dy[tile][o] * x[tile][c]. */
static void add_products(const struct plan *p, const struct chunk *k, const float *dy, const float *x, int64_t tiles,
                         float *sums, int fresh)
{
    int64_t vecs = k->n_c / LANES;
    td__outer_sum s = {1, 1, tiles, {0, 0, p->out}, {0, 0, p->in}};
    int most = vecs % 3 == 0 ? 3 : vecs == 1 ? 1 : 2;
    for (int64_t v = 0; v < vecs; v += most) {
        int wide = (int)min(most, vecs - v);
        int64_t cuts = ceil_div(k->n_o, td__outer_rows(wide)), height = k->n_o / cuts, taller = k->n_o % cuts;
        for (int64_t i = 0, o = 0; i < cuts; i++) {
            int64_t here = height + (i < taller);
            td__outer(wide, (int)here)(&s, dy + o, x + v * LANES, sums + o * p->in + v * LANES, p->in, fresh);
            o += here;
        }
    }
}

/* The transforms of the tiles of one row of tiles. */
static void transform_row(const struct plan *p, const struct chunk *k, int64_t row, float *x, float *dy)
{
    const td__weight_grad *g = p->g;
    int64_t image = row / p->tile_rows, y = row % p->tile_rows * TILE;
    td__image source = {g->x + image * g->height * g->width * g->x_pixel + k->c, g->height, g->width, g->x_pixel};
    const float *from = g->dy + (image * g->rows + y) * g->columns * g->dy_pixel + k->o;
    for (int64_t c = 0; c < k->n_c; c += LANES, source.data += LANES)
        td__winograd_input(&source, y - g->pad_y, -g->pad_x, p->tile_columns, x + c, p->x_element, p->in);
    for (int64_t o = 0; o < k->n_o; o += LANES)
        transform_gradient(g, from + o, g->rows - y, dy + o, p->dy_element, p->out);
}

/* dw = G' s G of a chunk, with the sums of the groups added in order. */
static void finish_chunk(const struct plan *p, const struct chunk *k, const float *sums)
{
    const td__weight_grad *g = p->g;
    int64_t group = p->chunks * ELEMENTS * p->sum_element;
    for (int64_t o = 0; o < k->n_o; o++)
        for (int64_t c = 0; c < k->n_c; c += LANES) {
            vec half[3][EDGE], s[EDGE], w[3];
            float *to = g->dw + (k->o + o) * 9 * g->channels + k->c + c;
            for (int j = 0; j < EDGE; j++) {
                for (int i = 0; i < EDGE; i++) {
                    const float *from = sums + (EDGE * i + j) * p->sum_element + o * p->in + c;
                    s[i] = load(from);
                    for (int64_t n = 1; n < p->groups; n++)
                        s[i] += load(from + n * group);
                }
                winograd_filter_gradient(s, w);
                for (int i = 0; i < 3; i++)
                    half[i][j] = w[i];
            }
            for (int i = 0; i < 3; i++) {
                winograd_filter_gradient(half[i], w);
                for (int j = 0; j < 3; j++, to += g->channels)
                    store(to, w[j]);
            }
        }
}

static void run_piece(void *arg, int64_t piece)
{
    struct plan *p = arg;
    struct chunk k = chunk_of(p, piece % p->chunks);
    int64_t first = piece / p->chunks * p->images_per_group;
    int64_t end = min(first + p->images_per_group, p->g->images) * p->tile_rows;
    float *x = td__slot_take(&p->slots), *dy = x + ELEMENTS * p->x_element;
    float *sums = p->sums ? p->sums + piece * ELEMENTS * p->sum_element : dy + ELEMENTS * p->dy_element;
    for (int64_t row = first * p->tile_rows; row < end; row += p->rows_per_batch) {
        int64_t last = min(row + p->rows_per_batch, end), tiles = (last - row) * p->tile_columns;
        for (int64_t i = row; i < last; i++) {
            int64_t at = (i - row) * p->tile_columns;
            transform_row(p, &k, i, x + at * p->in, dy + at * p->out);
        }
        for (int e = 0; e < ELEMENTS; e++)
            add_products(p, &k, dy + e * p->dy_element, x + e * p->x_element, tiles, sums + e * p->sum_element,
                         row == first * p->tile_rows);
    }
    if (!p->sums)
        finish_chunk(p, &k, sums);
    td__slot_give(&p->slots, x);
}

static void join_groups(void *arg, int64_t index)
{
    const struct plan *p = arg;
    struct chunk k = chunk_of(p, index);
    finish_chunk(p, &k, p->sums + index * ELEMENTS * p->sum_element);
}

static void plan_pieces(struct plan *p)
{
    const td__weight_grad *g = p->g;
    p->tile_rows = ceil_div(g->rows, TILE);
    p->tile_columns = ceil_div(g->columns, TILE);
    p->rows_per_batch = max(BATCH_TILES / p->tile_columns, 1);
    p->most_tiles = p->rows_per_batch * p->tile_columns;
    p->out = min(CHUNK, g->out_channels);
    p->in = min(CHUNK, g->channels);
    p->in_chunks = ceil_div(g->channels, p->in);
    p->chunks = ceil_div(g->out_channels, p->out) * p->in_chunks;
    p->images_per_group = ceil_div(g->images, min(min(ceil_div(PIECES, p->chunks), MOST_GROUPS), g->images));
    p->groups = ceil_div(g->images, p->images_per_group);
    /* A cache line more, so that the matrices do not meet in the same sets of the cache. */
    p->x_element = p->most_tiles * p->in + 16;
    p->dy_element = p->most_tiles * p->out + 16;
    p->sum_element = p->out * p->in + 16;
}

int td__winograd_grad(td_run *r, const td__weight_grad *g)
{
    struct plan p = {.g = g};
    plan_pieces(&p);
    size_t sums = (size_t)(ELEMENTS * p.sum_element) * sizeof(float),
           transforms = (size_t)(ELEMENTS * (p.x_element + p.dy_element)) * sizeof(float);
    if (p.groups > 1 && !(p.sums = td__run_scratch(r, (size_t)(p.groups * p.chunks) * sums)))
        return -1;
    if (td__slots_make(&p.slots, r, transforms + (p.sums ? 0 : sums)))
        return -1;
    double flops = 2.0 * ELEMENTS * (double)(g->images * p.tile_rows * p.tile_columns * g->out_channels * g->channels);
    in_parallel(p.groups * p.chunks, flops, run_piece, &p);
    if (p.sums)
        in_parallel(p.chunks, (double)(p.groups * p.chunks * ELEMENTS * p.sum_element), join_groups, &p);
    return 0;
}
