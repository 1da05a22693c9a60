#include "host/backend/cpu/kernels/winograd.h"

#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/pack.h"
#include "host/backend/cpu/kernels/tile.h"
#include "host/backend/cpu/kernels/winograd_transform.h"
#include "host/backend/cpu/slots.h"

#define PIECE_TILES 16 /* about: sources and results should stay in L2, the weights come in order */
#define FEW_TILES 64   /* not divided, but the result channels, into */
#define PIECES 8
#define LEAST_PART 64 /* result channels that are worth transforming the source again */

/* ---- the transform of the source ---- */

/* The next column of the rows of a row of tiles; a row outside the image is a pixel of zeros with no step. */
struct column {
    const float *data[EDGE];
    int64_t step[EDGE], x, width;
};

/* Two of the rows of B' d of a column; goes on to the next. */
TD__INLINE void input_column(int pair, struct column *c, vec out[2])
{
    vec d[EDGE];
    if (c->x >= 0 && c->x < c->width) {
#pragma GCC unroll 6
        for (int i = 0; i < EDGE; i++)
            d[i] = load(c->data[i]);
        winograd_source_pair(pair, d, out);
    } else {
        out[0] = out[1] = (vec){0};
    }
#pragma GCC unroll 6
    for (int i = 0; i < EDGE; i++)
        c->data[i] += c->step[i];
    c->x++;
}

/* Two rows of B' d B of all the tiles: what is in the making fits the registers. */
TD__INLINE void input_rows(int pair, struct column c, int64_t tiles, float *v, int64_t element, int64_t tile)
{
    vec columns[EDGE][2];
    input_column(pair, &c, columns[4]);
    input_column(pair, &c, columns[5]);
    for (int64_t k = 0; k < tiles; k++, v += tile) {
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++)
            for (int i = 0; i < 2; i++)
                columns[j][i] = columns[j + TILE][i]; /* the last tile's right end */
#pragma GCC unroll 4
        for (int j = 2; j < EDGE; j++)
            input_column(pair, &c, columns[j]);
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++) {
            float *to = v + EDGE * winograd_pair_element(pair, i) * element;
            vec d[EDGE], t[EDGE];
#pragma GCC unroll 6
            for (int j = 0; j < EDGE; j++)
                d[j] = columns[j][i];
            winograd_source(d, t);
#pragma GCC unroll 6
            for (int j = 0; j < EDGE; j++, to += element)
                store(to, t[j]);
        }
    }
}

void td__winograd_input(const td__image *image, int64_t y, int64_t x, int64_t tiles, float *v, int64_t element,
                        int64_t tile)
{
    static const float outside[LANES];
    struct column c = {.x = x, .width = image->width};
    for (int i = 0; i < EDGE; i++) {
        int inside = y + i >= 0 && y + i < image->height;
        c.step[i] = inside ? image->pixel : 0;
        c.data[i] = inside ? image->data + ((y + i) * image->width + x) * image->pixel : outside;
    }
    input_rows(0, c, tiles, v, element, tile);
    input_rows(1, c, tiles, v, element, tile);
    input_rows(2, c, tiles, v, element, tile);
}

/* ---- the correlation ---- */

/* A piece is a number of rows of tiles of the images, one after the other, times a part of the result channels. */
struct plan {
    const td__correlation *c;
    int64_t tile_rows, tile_columns;    /* of an image */
    int64_t rows_per_piece, most_tiles; /* of a piece */
    int64_t part, parts;                /* result channels */
    td__packed weight;                  /* of element 0; the others' follow.  No data: each piece packs its part */
    float *bias;                        /* padded to whole vectors, 0 where none is given */
    int32_t *offset;
    int64_t weight_element, source_element, result_element; /* floats of one of the ELEMENTS matrices */
    td__slots slots;                        /* source [ELEMENTS][blocks of channels][tiles][LANES], result
                                               [ELEMENTS][tiles][part] */
};

/* With more than one row of padding a result may be the sum of few products, and the error is relative to its tile. */
static int padded_by_one(const int64_t taps[3], int64_t results, int64_t sources)
{
    return taps[0] >= -1 && taps[2] == taps[0] + 2 && taps[1] == taps[0] + 1 && results - 1 + taps[2] <= sources;
}

int td__winograd_fits(const td__correlation *c)
{
    return c->ny == 3 && c->nx == 3 && c->sy == 1 && c->sx == 1 && c->groups == 1 &&
           padded_by_one(c->ty, c->rows, c->height) && padded_by_one(c->tx, c->columns, c->width) &&
           c->channels >= 16 && c->channels % LANES == 0 && c->out_channels >= 16 && c->rows >= 4 && c->columns >= 4;
}

#define FILTERS 32 /* of a result channel, packed and transformed at a time */

/* G g G' of LANES filters; tap k is at g + k * FILTERS * LANES. */
TD__INLINE void transform_filter(const float *g, float *to, int64_t element)
{
    vec half[3][EDGE], w[3], t[EDGE];
#pragma GCC unroll 3
    for (int b = 0; b < 3; b++) {
#pragma GCC unroll 3
        for (int a = 0; a < 3; a++)
            w[a] = load(g + (3 * a + b) * FILTERS * LANES);
        winograd_filter(w, half[b]);
    }
#pragma GCC unroll 6
    for (int a = 0; a < EDGE; a++) {
#pragma GCC unroll 3
        for (int b = 0; b < 3; b++)
            w[b] = half[b][a];
        winograd_filter(w, t);
#pragma GCC unroll 6
        for (int b = 0; b < EDGE; b++)
            store(to + (EDGE * a + b) * element, t[b]);
    }
}

/* G g G' for the LANES result channels from first + o on, to channel o of `to`. */
static void pack_filters(const struct plan *p, const td__packed *to, int64_t first, int64_t o)
{
    const td__correlation *c = p->c;
    int64_t wide = to->vecs * LANES, start = o / wide * wide, block = min(td__packed_out(to) - start, wide);
    int64_t channels = min(c->out_channels - first - o, LANES);
    const float *from = c->weight + (first + o) * c->weight_o;
    float *w = td__packed_block(to, start) + (o - start);
    for (int64_t i = 0; i < c->channels; i += FILTERS, from += FILTERS * c->weight_c) {
        int64_t n = min(c->channels - i, FILTERS);
        float taps[9][FILTERS * LANES] __attribute__((aligned(64)));
        for (int t = 0; t < 9; t++)
            td__pack(&(td__packed){channels, n, 1, taps[t]}, 0, 0, 1, n, from + c->wy[t / 3] + c->wx[t % 3],
                     c->weight_o, c->weight_c);
        for (int k = 0; k < n; k++, w += block)
            transform_filter(&taps[0][k * LANES], w, p->weight_element);
    }
}

static void pack_weights(void *arg, int64_t index)
{
    const struct plan *p = arg;
    pack_filters(p, &p->weight, 0, index * LANES);
}

/* One of the products: result[tile][o], o < out, of the part of the channels from `first` on. */
static void multiply(const struct plan *p, int element, const td__packed *weight, int64_t first, int64_t out,
                     const float *source, float *result, int64_t tiles)
{
    source += element * p->source_element;
    result += element * p->result_element;
    for (int64_t o = 0; o < out; o += weight->vecs * LANES) {
        int64_t channels = min(out - o, weight->vecs * LANES);
        int vecs = (int)(channels / LANES);
        const float *w = td__packed_block(weight, first + o) + element * p->weight_element;
        int64_t cuts = ceil_div(tiles, td__tile_pixels(vecs)), height = tiles / cuts, taller = tiles % cuts;
        for (int64_t k = 0, t = 0; k < cuts; k++) {
            int64_t here = height + (k < taller);
            td__tile(vecs, (int)here)(source + t * LANES, p->offset, p->c->channels, w, NULL, result + t * out + o, out,
                                      channels);
            t += here;
        }
    }
}

/* A' m A of one tile and LANES channels; rows and columns of the result that are there are written. */
TD__INLINE void output_tile(const struct plan *p, const float *m, float *to, int64_t rows, int64_t columns, vec bias,
                            int64_t channels)
{
    const td__correlation *c = p->c;
    vec half[TILE][EDGE], y[TILE][TILE], d[EDGE], t[TILE];
#pragma GCC unroll 6
    for (int j = 0; j < EDGE; j++) {
#pragma GCC unroll 6
        for (int i = 0; i < EDGE; i++)
            d[i] = load(m + (EDGE * i + j) * p->result_element);
        winograd_result(d, t);
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++)
            half[i][j] = t[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < TILE; i++) {
        winograd_result(half[i], y[i]);
#pragma GCC unroll 4
        for (int j = 0; j < TILE; j++)
            y[i][j] += bias;
    }
    if (rows >= TILE && columns >= TILE && channels >= LANES) {
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++)
#pragma GCC unroll 4
            for (int j = 0; j < TILE; j++)
                store(to + i * c->result_row + j * c->result_pixel, y[i][j]);
        return;
    }
    for (int i = 0; i < min(rows, TILE); i++)
        for (int j = 0; j < min(columns, TILE); j++) {
            float *at = to + i * c->result_row + j * c->result_pixel;
            if (channels >= LANES)
                store(at, y[i][j]);
            else
                store_some(at, y[i][j], channels);
        }
}

/* The results of a row of tiles, channels [first, first + out). */
static void output_row(const struct plan *p, const float *m, int64_t row, int64_t first, int64_t out)
{
    const td__correlation *c = p->c;
    int64_t y = row % p->tile_rows * TILE;
    float *to = c->result + row / p->tile_rows * c->result_image + y * c->result_row + first;
    for (int64_t t = 0; t < p->tile_columns; t++, m += out, to += TILE * c->result_pixel)
        for (int64_t o = 0; o < out; o += LANES)
            output_tile(p, m + o, to + o, c->rows - y, c->columns - TILE * t, load(p->bias + first + o),
                        c->out_channels - first - o);
}

static void run_piece(void *arg, int64_t piece)
{
    struct plan *p = arg;
    const td__correlation *c = p->c;
    int64_t part = piece % p->parts * p->part, out = min(p->part, td__packed_out(&p->weight) - part);
    int64_t first = piece / p->parts * p->rows_per_piece;
    int64_t last = min(first + p->rows_per_piece, c->images * p->tile_rows), tiles = (last - first) * p->tile_columns;
    float *source = td__slot_take(&p->slots), *result = source + ELEMENTS * p->source_element;
    for (int64_t row = first; row < last; row++) {
        td__image image = {c->source + row / p->tile_rows * c->height * c->width * c->source_pixel, c->height, c->width,
                           c->source_pixel};
        int64_t y = row % p->tile_rows * TILE + c->ty[0];
        for (int64_t i = 0; i < c->channels; i += LANES, image.data += LANES)
            td__winograd_input(&image, y, c->tx[0], p->tile_columns,
                               source + i * p->most_tiles + (row - first) * p->tile_columns * LANES, p->source_element,
                               LANES);
    }
    td__packed weight = p->weight;
    if (!weight.data) {
        weight.data = result + ELEMENTS * p->result_element;
        weight.out = out;
        for (int64_t o = 0; o < out; o += LANES)
            pack_filters(p, &weight, part, o);
    }
    for (int e = 0; e < ELEMENTS; e++)
        multiply(p, e, &weight, p->weight.data ? part : 0, out, source, result, tiles);
    for (int64_t row = first; row < last; row++)
        output_row(p, result + (row - first) * p->tile_columns * out, row, part, out);
    for (int64_t row = first; row < last && c->finish && p->parts == 1; row++) {
        int64_t y = row % p->tile_rows * TILE;
        c->finish->run(c->finish->work, (row / p->tile_rows * c->rows + y) * c->columns,
                       min(TILE, c->rows - y) * c->columns);
    }
    td__slot_give(&p->slots, source);
}

/* Rows of tiles and result channels of a piece.  Few tiles are one piece, divided by channels: then each piece
 * transforms its part of the weights, which may be more than the caches hold. */
static void plan_pieces(struct plan *p)
{
    const td__correlation *c = p->c;
    int64_t rows = c->images * p->tile_rows, out = td__packed_out(&p->weight);
    int64_t parts = min(out / LEAST_PART, PIECES), few = rows * p->tile_columns <= FEW_TILES && parts > 1;
    p->rows_per_piece = few ? rows : min(max(PIECE_TILES / p->tile_columns, 1), rows);
    p->most_tiles = p->rows_per_piece * p->tile_columns;
    p->weight.vecs = td__tile_vecs(c->out_channels, p->most_tiles, c->channels);
    int64_t wide = p->weight.vecs * LANES;
    p->part = few ? ceil_div(ceil_div(out, wide), parts) * wide : out;
    p->parts = ceil_div(out, p->part);
    /* A cache line more, so that the matrices do not meet in the same sets of the cache. */
    p->weight_element = c->channels * p->part + 16;
    p->source_element = c->channels * p->most_tiles + 16;
    p->result_element = p->part * p->most_tiles + 16;
}

int td__winograd(td_run *r, const td__correlation *c)
{
    struct plan p = {.c = c,
                     .tile_rows = ceil_div(c->rows, TILE),
                     .tile_columns = ceil_div(c->columns, TILE),
                     .weight = {.out = c->out_channels, .terms = c->channels}};
    if (!c->images)
        return 0;
    plan_pieces(&p);
    int64_t all = td__packed_floats(&p.weight), out = td__packed_out(&p.weight), rows = c->images * p.tile_rows;
    size_t weights = (size_t)(ELEMENTS * p.weight_element) * sizeof(float);
    size_t slot = (size_t)(ELEMENTS * (p.source_element + p.result_element)) * sizeof(float);
    p.bias = td__run_scratch(r, (size_t)out * sizeof *p.bias);
    p.offset = td__run_scratch(r, (size_t)c->channels * sizeof *p.offset);
    if (!p.bias || !p.offset || (p.parts == 1 && !(p.weight.data = td__run_scratch(r, weights))) ||
        td__slots_make(&p.slots, r, slot + (p.parts == 1 ? 0 : weights)))
        return -1;
    for (int64_t i = 0; i < c->channels; i++)
        p.offset[i] = (int32_t)(i / LANES * LANES * p.most_tiles + i % LANES);
    memset(p.bias, 0, (size_t)out * sizeof *p.bias);
    if (c->bias)
        memcpy(p.bias, c->bias, (size_t)c->out_channels * sizeof *p.bias);
    if (p.weight.data)
        in_parallel(out / LANES, 100.0 * (double)all, pack_weights, &p);
    in_parallel(ceil_div(rows, p.rows_per_piece) * p.parts, 2.0 * ELEMENTS * (double)(rows * p.tile_columns * all),
                run_piece, &p);
    if (p.parts > 1)
        td__finish_all(c->finish);
    return 0;
}
