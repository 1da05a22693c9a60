#include "host/backend/cpu/kernels/correlate.h"

#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/pack.h"
#include "host/backend/cpu/kernels/planar.h"
#include "host/backend/cpu/kernels/tile.h"
#include "host/backend/cpu/kernels/winograd.h"
#include "host/backend/cpu/slots.h"

/* Bytes of source a piece works on: with a block of weights it should stay in a core's L2. */
#define PIECE_BYTES (192 << 10)

/* How a correlation is cut.  A piece is a number of whole images, or a band of result rows of one image. */
struct plan {
    const td__correlation *c;
    /* Source in blocks: for each source row a piece needs, [blocks of LANES channels][phases][pitch][LANES]; a phase
     * has the columns of equal remainder modulo sx, so that a tile's pixels are neighbours. */
    int64_t phases, pitch, source_row;
    int64_t *phase_column;   /* first source column of a phase */
    int64_t first_row, span; /* source rows of a result row: r * sy + first_row .. + span - 1 */
    const uint8_t *row_used; /* per remainder modulo sy: whether any tap reads such rows */
    int64_t band, bands, images_per_piece;
    td__packed weight; /* of group 0; the other groups' follow */
    float *bias;       /* padded to whole vectors; NULL: none */
    int32_t *offset;   /* per term: the source element of a tile's first pixel, from the tile's place on */
    td__slots slots;
};

/* Rounded towards minus infinity, b > 0. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* One source row of one image in blocks, with zeros for the columns outside.  Rows outside are not read. */
static void blocked_row(const struct plan *p, float *to, const float *image, int64_t row)
{
    const td__correlation *c = p->c;
    if (row < 0 || row >= c->height)
        return;
    const float *from = image + row * c->width * c->source_pixel;
    for (int64_t i = 0; i < c->channels; i += LANES)
        for (int64_t f = 0; f < p->phases; f++, to += p->pitch * LANES) {
            int64_t x0 = p->phase_column[f];
            int64_t begin = min(max(ceil_div(-min(x0, 0), c->sx), 0), p->pitch);
            int64_t end = max(min(floor_div(c->width - 1 - x0, c->sx) + 1, p->pitch), begin);
            memset(to, 0, (size_t)(begin * LANES) * sizeof *to);
            memset(to + end * LANES, 0, (size_t)((p->pitch - end) * LANES) * sizeof *to);
            td__blocks(to + begin * LANES, from + (x0 + begin * c->sx) * c->source_pixel + i, c->sx * c->source_pixel,
                       end - begin, min(c->channels - i, LANES));
        }
}

/* What a piece works on: result rows [row, row + rows) of `images` images from `image` on, one group. */
struct piece {
    int64_t group, image, images, row, rows;
    float *source; /* [images][source rows][source_row] */
    int64_t source_image;
};

/* The taps on rows of the image, of result row r; the others would add zeros. */
static void taps_inside(const td__correlation *c, int64_t r, int64_t *first, int64_t *last)
{
    *first = 0;
    *last = c->ny;
    while (*first < *last && r * c->sy + c->ty[*first] < 0)
        ++*first;
    while (*first < *last && r * c->sy + c->ty[*last - 1] >= c->height)
        --*last;
}

/* The channels of a piece from o on: one block of weights. */
static void run_block(const struct plan *p, const struct piece *here, int64_t o)
{
    const td__correlation *c = p->c;
    int64_t channels = min(c->out_channels - o, p->weight.vecs * LANES);
    int vecs = (int)ceil_div(channels, LANES);
    const float *w = td__packed_block(&p->weight, o) + here->group * td__packed_floats(&p->weight);
    const float *bias = p->bias ? p->bias + here->group * td__packed_out(&p->weight) + o : NULL;
    float *result = c->result + here->group * c->out_channels + o;
    int64_t tiles = ceil_div(c->columns, td__tile_pixels(vecs)), pixels = c->columns / tiles;
    int64_t wider = c->columns % tiles; /* so many tiles have one pixel more */
    tile_fn *narrow_tile = td__tile(vecs, (int)pixels), *wide_tile = wider ? td__tile(vecs, (int)pixels + 1) : NULL;
    for (int64_t r = here->row; r < here->row + here->rows; r++) {
        int64_t first, last;
        taps_inside(c, r, &first, &last);
        int64_t skip = first * c->channels * c->nx, terms = (last - first) * c->channels * c->nx;
        for (int64_t i = 0; i < here->images; i++) {
            const float *x = here->source + i * here->source_image + (r - here->row) * c->sy * p->source_row;
            float *out = result + (here->image + i) * c->result_image + r * c->result_row;
            for (int64_t t = 0, q = 0; t < tiles; t++) {
                (t < wider ? wide_tile : narrow_tile)(x + q * LANES, p->offset + skip, terms, w + skip * vecs * LANES,
                                                      bias, out + q * c->result_pixel, c->result_pixel, channels);
                q += pixels + (t < wider);
            }
        }
    }
}

static void run_piece(void *arg, int64_t index)
{
    struct plan *p = arg;
    const td__correlation *c = p->c;
    struct piece here = {.group = index % c->groups};
    index /= c->groups;
    here.image = index / p->bands * p->images_per_piece;
    here.images = min(p->images_per_piece, c->images - here.image);
    here.row = index % p->bands * p->band;
    here.rows = min(p->band, c->rows - here.row);
    int64_t source_rows = (here.rows - 1) * c->sy + p->span, first = here.row * c->sy + p->first_row;
    here.source_image = source_rows * p->source_row;
    here.source = td__slot_take(&p->slots);
    for (int64_t i = 0; i < here.images; i++) {
        const float *from =
            c->source + (here.image + i) * c->height * c->width * c->source_pixel + here.group * c->channels;
        for (int64_t s = 0; s < source_rows; s++)
            if (p->row_used[s % c->sy])
                blocked_row(p, here.source + i * here.source_image + s * p->source_row, from, first + s);
    }
    for (int64_t o = 0; o < c->out_channels; o += p->weight.vecs * LANES)
        run_block(p, &here, o);
    for (int64_t i = 0; c->finish && i < here.images; i++)
        c->finish->run(c->finish->work, ((here.image + i) * c->rows + here.row) * c->columns, here.rows * c->columns);
    td__slot_give(&p->slots, here.source);
}

/* The weights of LANES result channels of one group. */
static void pack_weights(void *arg, int64_t index)
{
    struct plan *p = arg;
    const td__correlation *c = p->c;
    int64_t group = index % c->groups, o = index / c->groups * LANES;
    td__packed to = p->weight;
    to.data += group * td__packed_floats(&to);
    const float *from = c->weight + group * c->weight_group + o * c->weight_o;
    for (int64_t a = 0; a < c->ny; a++)
        for (int64_t b = 0; b < c->nx; b++)
            td__pack(&to, o, a * c->channels * c->nx + b, c->nx, c->channels, from + c->wy[a] + c->wx[b], c->weight_o,
                     c->weight_c);
    if (p->bias) {
        float *bias = p->bias + group * td__packed_out(&to) + o;
        store(bias, (vec){0});
        memcpy(bias, c->bias + group * c->out_channels + o, (size_t)min(c->out_channels - o, LANES) * sizeof *bias);
    }
}

/* Columns: phases, pitch and each term's offset from the first pixel of a tile. */
static void plan_source(struct plan *p, uint8_t *row_used)
{
    const td__correlation *c = p->c;
    int64_t first = c->tx[0], shift = 0;
    p->phases = 0;
    for (int64_t f = 0; f < c->sx; f++)
        for (int64_t b = 0; b < c->nx; b++)
            if ((c->tx[b] - first) % c->sx == f) {
                p->phase_column[p->phases++] = first + f;
                break;
            }
    for (int64_t b = 0; b < c->nx; b++)
        shift = max(shift, (c->tx[b] - first) / c->sx);
    p->pitch = c->columns + shift;
    p->source_row = ceil_div(c->channels, LANES) * p->phases * p->pitch * LANES;
    p->first_row = c->ty[0];
    p->span = c->ty[c->ny - 1] - c->ty[0] + 1;
    memset(row_used, 0, (size_t)c->sy);
    for (int64_t a = 0; a < c->ny; a++)
        row_used[(c->ty[a] - c->ty[0]) % c->sy] = 1;
    p->row_used = row_used;
    int32_t *to = p->offset;
    for (int64_t a = 0; a < c->ny; a++)
        for (int64_t i = 0; i < c->channels; i++)
            for (int64_t b = 0; b < c->nx; b++) {
                int64_t f = 0, column = c->tx[b] - first;
                while ((p->phase_column[f] - first) != column % c->sx)
                    f++;
                int64_t pixel = (i / LANES * p->phases + f) * p->pitch + column / c->sx;
                *to++ = (int32_t)((c->ty[a] - c->ty[0]) * p->source_row + pixel * LANES + i % LANES);
            }
}

/* Rows and images per piece, so that a piece's source is about PIECE_BYTES. */
static size_t plan_pieces(struct plan *p)
{
    const td__correlation *c = p->c;
    int64_t row_bytes = p->source_row * (int64_t)sizeof(float), most_rows = max(PIECE_BYTES / row_bytes, 1);
    p->band = min(c->rows, max((most_rows - p->span) / c->sy + 1, min(4, c->rows)));
    p->bands = ceil_div(c->rows, p->band);
    p->band = ceil_div(c->rows, p->bands); /* of about equal size */
    int64_t rows = (p->band - 1) * c->sy + p->span;
    p->images_per_piece = p->bands > 1 ? 1 : min(max(most_rows / rows, 1), max(c->images / 16, 1));
    return (size_t)(p->images_per_piece * rows * row_bytes);
}

/* Results no tap reaches. */
static void fill_image(void *arg, int64_t image)
{
    const td__correlation *c = arg;
    size_t channels = (size_t)(c->groups * c->out_channels);
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t q = 0; q < c->columns; q++) {
            float *to = c->result + image * c->result_image + r * c->result_row + q * c->result_pixel;
            if (c->bias)
                memcpy(to, c->bias, channels * sizeof *to);
            else
                memset(to, 0, channels * sizeof *to);
        }
}

int td__correlate(td_run *r, const td__correlation *c)
{
    double results = (double)(c->images * c->rows * c->columns * c->groups * c->out_channels);
    if (!c->ny || !c->nx || !c->channels) {
        in_parallel(c->images, results, fill_image, (void *)c);
        td__finish_all(c->finish);
        return 0;
    }
    if (td__winograd_fits(c))
        return td__winograd(r, c);
    struct plan p = {.c = c, .weight = {.out = c->out_channels, .terms = c->ny * c->nx * c->channels}};
    td__packed *w = &p.weight;
    w->vecs = td__tile_vecs(c->out_channels, c->columns, w->terms);
    w->data = td__run_scratch(r, (size_t)(c->groups * td__packed_floats(w)) * sizeof(float));
    p.offset = td__run_scratch(r, (size_t)w->terms * sizeof *p.offset);
    p.phase_column = td__run_scratch(r, (size_t)c->nx * sizeof *p.phase_column + (size_t)c->sy);
    p.bias = c->bias ? td__run_scratch(r, (size_t)(c->groups * td__packed_out(w)) * sizeof(float)) : NULL;
    if (!w->data || !p.offset || !p.phase_column || (c->bias && !p.bias))
        return -1;
    plan_source(&p, (uint8_t *)(p.phase_column + c->nx));
    if (td__slots_make(&p.slots, r, plan_pieces(&p)))
        return -1;
    in_parallel(c->groups * td__packed_out(w) / LANES, 8.0 * (double)(c->groups * td__packed_floats(w)), pack_weights,
                &p);
    int64_t pieces = ceil_div(c->images, p.images_per_piece) * p.bands * c->groups;
    in_parallel(pieces, 2 * results * (double)w->terms, run_piece, &p);
    return 0;
}
