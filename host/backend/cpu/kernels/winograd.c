#include "host/backend/cpu/kernels/winograd.h"

#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/pack.h"
#include "host/backend/cpu/kernels/tile.h"
#include "host/backend/cpu/slots.h"

#define PIECE_TILES 32 /* at least; more where the weights come from far */

/* ---- the transform of the source ---- */

/* B' applied to one column; bit i of `inside`: row i lies in the image. */
TD__INLINE void input_column(const float *p, int64_t row, int inside, vec out[4])
{
    vec d[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        d[i] = inside >> i & 1 ? load(p + i * row) : (vec){0};
    out[0] = d[0] - d[2];
    out[1] = d[1] + d[2];
    out[2] = d[2] - d[1];
    out[3] = d[1] - d[3];
}

TD__INLINE void input_row(const td__image *image, const float *corner, int inside, int64_t x, int64_t tiles, float *v,
                          int64_t element, int64_t tile)
{
    int64_t row = image->width * image->pixel;
    vec c[4][4];
    for (int64_t t = 0; t < tiles; t++, v += tile) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            int64_t column = 2 * t + j;
            if (t && j < 2) {
                memcpy(c[j], c[j + 2], sizeof c[j]); /* the last tile's right half */
            } else if (x + column >= 0 && x + column < image->width) {
                input_column(corner + column * image->pixel, row, inside, c[j]);
            } else {
                memset(c[j], 0, sizeof c[j]);
            }
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            float *to = v + 4 * i * element;
            store(to, c[0][i] - c[2][i]);
            store(to + element, c[1][i] + c[2][i]);
            store(to + 2 * element, c[2][i] - c[1][i]);
            store(to + 3 * element, c[1][i] - c[3][i]);
        }
    }
}

void td__winograd_input(const td__image *image, int64_t y, int64_t x, int64_t tiles, float *v, int64_t element,
                        int64_t tile)
{
    const float *corner = image->data + (y * image->width + x) * image->pixel;
    int inside = 0;
    for (int i = 0; i < 4; i++)
        inside |= (y + i >= 0 && y + i < image->height) << i;
    if (inside == 15)
        input_row(image, corner, 15, x, tiles, v, element, tile);
    else
        input_row(image, corner, inside, x, tiles, v, element, tile);
}

/* ---- the correlation ---- */

/* A piece is a number of tiles: rows of tiles of the images, one after the other. */
struct plan {
    const td__correlation *c;
    int64_t tile_rows, tile_columns;    /* of an image */
    int64_t rows_per_piece, most_tiles; /* of a piece */
    td__packed weight;                  /* of element 0 of the 16; the others' follow */
    float *taps;                        /* [9], packed as weight */
    float *bias;                        /* padded to whole vectors, 0 where none is given */
    int32_t *offset;
    int64_t source_element, result_element; /* floats of one of the 16 matrices of a piece */
    td__slots slots;                        /* source [16][blocks of channels][tiles][LANES], result [16][tiles][out] */
};

int td__winograd_fits(const td__correlation *c)
{
    if (c->ny != 3 || c->nx != 3 || c->sy != 1 || c->sx != 1 || c->groups != 1)
        return 0;
    int neighbours =
        c->ty[1] == c->ty[0] + 1 && c->ty[2] == c->ty[0] + 2 && c->tx[1] == c->tx[0] + 1 && c->tx[2] == c->tx[0] + 2;
    return neighbours && c->channels >= 16 && c->channels % LANES == 0 && c->out_channels >= 16 && c->rows >= 4 &&
           c->columns >= 4;
}

/* G g G' for LANES result channels. */
static void pack_weights(void *arg, int64_t index)
{
    struct plan *p = arg;
    const td__correlation *c = p->c;
    int64_t o = index * LANES, all = td__packed_floats(&p->weight);
    for (int64_t t = 0; t < 9; t++) {
        td__packed tap = p->weight;
        tap.data = p->taps + t * all;
        td__pack(&tap, o, 0, 1, c->channels, c->weight + o * c->weight_o + c->wy[t / 3] + c->wx[t % 3], c->weight_o,
                 c->weight_c);
    }
    int64_t wide = p->weight.vecs * LANES, start = o / wide * wide,
            block = min(td__packed_out(&p->weight) - start, wide);
    int64_t first = start * c->channels + (o - start);
    for (int64_t i = first; i < first + c->channels * block; i += block) {
        vec half[4][3];
#pragma GCC unroll 3
        for (int b = 0; b < 3; b++) {
            vec g0 = load(p->taps + b * all + i), g1 = load(p->taps + (3 + b) * all + i),
                g2 = load(p->taps + (6 + b) * all + i);
            half[0][b] = g0;
            half[1][b] = 0.5f * (g0 + g1 + g2);
            half[2][b] = 0.5f * (g0 - g1 + g2);
            half[3][b] = g2;
        }
#pragma GCC unroll 4
        for (int a = 0; a < 4; a++) {
            float *to = p->weight.data + 4 * a * all + i;
            vec g0 = half[a][0], g1 = half[a][1], g2 = half[a][2];
            store(to, g0);
            store(to + all, 0.5f * (g0 + g1 + g2));
            store(to + 2 * all, 0.5f * (g0 - g1 + g2));
            store(to + 3 * all, g2);
        }
    }
    store(p->bias + o, (vec){0});
    if (c->bias)
        memcpy(p->bias + o, c->bias + o, (size_t)min(c->out_channels - o, LANES) * sizeof(float));
}

/* One of the 16 products: [tiles][channels] by [channels][out]. */
static void multiply(const struct plan *p, int element, const float *source, float *result, int64_t tiles)
{
    int64_t out = td__packed_out(&p->weight);
    source += element * p->source_element;
    result += element * p->result_element;
    for (int64_t o = 0; o < out; o += p->weight.vecs * LANES) {
        int64_t channels = min(out - o, p->weight.vecs * LANES);
        int vecs = (int)(channels / LANES);
        const float *w = td__packed_block(&p->weight, o) + element * td__packed_floats(&p->weight);
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
    vec s[2][4], y[2][2];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        vec m0 = load(m + j * p->result_element), m1 = load(m + (4 + j) * p->result_element);
        vec m2 = load(m + (8 + j) * p->result_element), m3 = load(m + (12 + j) * p->result_element);
        s[0][j] = m0 + m1 + m2;
        s[1][j] = m1 - m2 - m3;
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        y[i][0] = s[i][0] + s[i][1] + s[i][2] + bias;
        y[i][1] = s[i][1] - s[i][2] - s[i][3] + bias;
    }
    for (int i = 0; i < min(rows, 2); i++)
        for (int j = 0; j < min(columns, 2); j++) {
            float *at = to + i * c->result_row + j * c->result_pixel;
            if (channels >= LANES)
                store(at, y[i][j]);
            else
                store_some(at, y[i][j], channels);
        }
}

static void run_piece(void *arg, int64_t piece)
{
    struct plan *p = arg;
    const td__correlation *c = p->c;
    int64_t first = piece * p->rows_per_piece, last = min(first + p->rows_per_piece, c->images * p->tile_rows);
    int64_t tiles = (last - first) * p->tile_columns, out = td__packed_out(&p->weight);
    float *source = td__slot_take(&p->slots), *result = source + 16 * p->source_element;
    for (int64_t row = first; row < last; row++) {
        td__image image = {c->source + row / p->tile_rows * c->height * c->width * c->source_pixel, c->height, c->width,
                           c->source_pixel};
        int64_t y = row % p->tile_rows * 2 + c->ty[0];
        for (int64_t i = 0; i < c->channels; i += LANES, image.data += LANES)
            td__winograd_input(&image, y, c->tx[0], p->tile_columns,
                               source + i * p->most_tiles + (row - first) * p->tile_columns * LANES, p->source_element,
                               LANES);
    }
    for (int e = 0; e < 16; e++)
        multiply(p, e, source, result, tiles);
    for (int64_t row = first; row < last; row++) {
        int64_t y = row % p->tile_rows * 2;
        float *to = c->result + row / p->tile_rows * c->result_image + y * c->result_row;
        for (int64_t t = 0; t < p->tile_columns; t++)
            for (int64_t o = 0; o < c->out_channels; o += LANES)
                output_tile(p, result + ((row - first) * p->tile_columns + t) * out + o,
                            to + 2 * t * c->result_pixel + o, c->rows - y, c->columns - 2 * t, load(p->bias + o),
                            c->out_channels - o);
    }
    td__slot_give(&p->slots, source);
}

int td__winograd(td_run *r, const td__correlation *c)
{
    struct plan p = {.c = c,
                     .tile_rows = ceil_div(c->rows, 2),
                     .tile_columns = ceil_div(c->columns, 2),
                     .weight = {.out = c->out_channels, .terms = c->channels}};
    int64_t tiles = max(PIECE_TILES, c->channels * c->out_channels / 1024);
    p.rows_per_piece = max(tiles / p.tile_columns, 1);
    int64_t rows = c->images * p.tile_rows, pieces = ceil_div(rows, p.rows_per_piece);
    int64_t out = td__packed_out(&p.weight);
    p.most_tiles = min(p.rows_per_piece, rows) * p.tile_columns;
    p.weight.vecs = td__tile_vecs(c->out_channels, p.most_tiles, c->channels);
    int64_t all = td__packed_floats(&p.weight);
    /* A cache line more, so that the 16 matrices do not meet in the same sets of the cache. */
    p.source_element = c->channels * p.most_tiles + 16;
    p.result_element = out * p.most_tiles + 16;
    p.weight.data = td__run_scratch(r, (size_t)(16 * all) * sizeof(float));
    p.taps = td__run_scratch(r, (size_t)(9 * all) * sizeof(float));
    p.bias = td__run_scratch(r, (size_t)out * sizeof(float));
    p.offset = td__run_scratch(r, (size_t)c->channels * sizeof *p.offset);
    if (!p.weight.data || !p.taps || !p.bias || !p.offset ||
        td__slots_make(&p.slots, r, (size_t)(16 * (p.source_element + p.result_element)) * sizeof(float)))
        return -1;
    for (int64_t i = 0; i < c->channels; i++)
        p.offset[i] = (int32_t)(i / LANES * LANES * p.most_tiles + i % LANES);
    in_parallel(out / LANES, 40.0 * (double)all, pack_weights, &p);
    in_parallel(pieces, 32.0 * (double)(rows * p.tile_columns * all), run_piece, &p);
    return 0;
}
