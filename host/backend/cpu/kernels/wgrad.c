#include "host/backend/cpu/kernels/wgrad.h"

#include <string.h>

#include "host/backend/backend.h"
#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/outer.h"
#include "host/backend/cpu/kernels/planar.h"
#include "host/backend/cpu/kernels/winograd.h"
#include "host/backend/cpu/slots.h"

#define BAND_BYTES (192 << 10)  /* of x and dy: they are read once per tile of dw */
#define CHUNK_BYTES (384 << 10) /* of dw */
#define PIECES 16
#define MOST_GROUPS 8

/* With dilation 1 the taps of a kernel row are neighbours in memory: a run of kw * channels floats starting at
 * the pixel's first tap.  Otherwise each tap is a run of its own. */
struct plan {
    const td__weight_grad *g;
    int64_t runs_y, runs_x, run; /* runs, floats of one */
    /* Sums: outer products a x b; b lies in vectors.  b is x, or dy where that wastes fewer lanes. */
    int b_is_dy;
    int64_t chunk, chunks; /* result channels of a piece */
    int64_t groups, images_per_group;
    int64_t pitch, run_sums, chunk_sums; /* floats: row of sums, sums of one run, sums of one piece */
    float *sums;                         /* [conv_groups][groups][chunks][runs][rows][pitch] */
    /* x padded, a band of result rows of one image or a number of whole images at a time. */
    int copy;
    int64_t padded_columns, band, images_per_band;
    td__slots slots;
};

/* What a piece adds up at a time: result rows [row, row + rows) of `images` images from `image` on, for result
 * channels [o, o + n_o) of one group of the convolution. */
struct band {
    int64_t conv_group, image, images, row, rows, o, n_o;
    const float *x; /* source row x_first of `image` */
    int64_t x_first, x_image, x_row, x_pixel;
};

/* The source rows of a band with the columns of zeros around them; rows outside the image are not touched. */
static void copy_band(const struct plan *p, struct band *b, float *to)
{
    const td__weight_grad *g = p->g;
    int64_t source_rows = (b->rows - 1) * g->sy + (g->kh - 1) * g->dilation_y + 1, first = b->row * g->sy - g->pad_y;
    int64_t begin = min(g->pad_x, p->padded_columns), end = max(min(g->width + g->pad_x, p->padded_columns), begin);
    size_t pixel = (size_t)g->channels * sizeof *to;
    b->x_pixel = g->channels;
    b->x_row = p->padded_columns * g->channels;
    b->x_image = source_rows * b->x_row;
    b->x_first = first;
    b->x = to;
    for (int64_t i = 0; i < b->images; i++)
        for (int64_t s = 0; s < source_rows; s++, to += b->x_row) {
            if (first + s < 0 || first + s >= g->height)
                continue;
            const float *from =
                g->x + ((b->image + i) * g->height + first + s) * g->width * g->x_pixel + b->conv_group * g->channels;
            memset(to, 0, (size_t)begin * pixel);
            memset(to + end * g->channels, 0, (size_t)(p->padded_columns - end) * pixel);
            if (g->x_pixel == g->channels)
                memcpy(to + begin * g->channels, from, (size_t)(end - begin) * pixel);
            else
                for (int64_t q = begin; q < end; q++)
                    memcpy(to + q * g->channels, from + (q - begin) * g->x_pixel, pixel);
        }
}

/* Adds a band to the sums of one run: all tiles of (rows of a) x (vectors of b). */
static void add_run(const td__outer_sum *s, const float *a, int64_t n_a, const float *b, int64_t n_b, float *sums,
                    int64_t pitch, int fresh)
{
    int64_t vecs = ceil_div(n_b, LANES);
    int width = vecs % 3 == 0 ? 3 : vecs == 1 ? 1 : 2;
    for (int64_t v = 0; v < vecs; v += width) {
        int n = (int)min(width, vecs - v);
        int64_t tiles = ceil_div(n_a, td__outer_rows(n)), rows = n_a / tiles, taller = n_a % tiles;
        for (int64_t t = 0, m = 0; t < tiles; t++) {
            int64_t here = rows + (t < taller);
            td__outer(n, (int)here)(s, a + m, b + v * LANES, sums + m * pitch + v * LANES, pitch, fresh);
            m += here;
        }
    }
}

static void add_band(const struct plan *p, const struct band *b, float *sums, int fresh)
{
    const td__weight_grad *g = p->g;
    td__outer_steps xs = {b->x_image, g->sy * b->x_row, g->sx * b->x_pixel};
    td__outer_steps ys = {g->rows * g->columns * g->dy_pixel, g->columns * g->dy_pixel, g->dy_pixel};
    for (int64_t a = 0; a < p->runs_y; a++) {
        /* Result rows whose source row for this tap lies in the image. */
        int64_t tap = a * g->dilation_y - g->pad_y, begin = b->row, end = b->row + b->rows;
        while (begin < end && begin * g->sy + tap < 0)
            begin++;
        while (begin < end && (end - 1) * g->sy + tap >= g->height)
            end--;
        td__outer_sum s = {b->images, end - begin, g->columns, p->b_is_dy ? xs : ys, p->b_is_dy ? ys : xs};
        const float *dy =
            g->dy + (b->image * g->rows + begin) * g->columns * g->dy_pixel + b->conv_group * g->out_channels + b->o;
        for (int64_t k = 0; k < p->runs_x; k++) {
            const float *x = b->x + (begin * g->sy + tap - b->x_first) * b->x_row + k * g->dilation_x * b->x_pixel;
            float *to = sums + (a * p->runs_x + k) * p->run_sums;
            if (p->b_is_dy)
                add_run(&s, x, p->run, dy, b->n_o, to, p->pitch, fresh);
            else
                add_run(&s, dy, b->n_o, x, p->run, to, p->pitch, fresh);
        }
    }
}

static void run_piece(void *arg, int64_t piece)
{
    struct plan *p = arg;
    const td__weight_grad *g = p->g;
    int64_t group = piece / p->chunks % p->groups, first = group * p->images_per_group;
    int64_t last = min(first + p->images_per_group, g->images);
    struct band b = {.conv_group = piece / p->chunks / p->groups, .o = piece % p->chunks * p->chunk};
    float *padded = p->copy ? td__slot_take(&p->slots) : NULL;
    int fresh = 1;
    b.n_o = min(p->chunk, g->out_channels - b.o);
    for (b.image = first; b.image < last; b.image += p->images_per_band) {
        b.images = min(p->images_per_band, last - b.image);
        for (b.row = 0; b.row < g->rows; b.row += p->band, fresh = 0) {
            b.rows = min(p->band, g->rows - b.row);
            if (p->copy) {
                copy_band(p, &b, padded);
            } else {
                b.x_first = 0;
                b.x_pixel = g->x_pixel;
                b.x_row = g->width * g->x_pixel;
                b.x_image = g->height * b.x_row;
                b.x = g->x + b.image * b.x_image + b.conv_group * g->channels;
            }
            add_band(p, &b, p->sums + piece * p->chunk_sums, fresh);
        }
    }
    if (padded)
        td__slot_give(&p->slots, padded);
}

/* The sums of the groups, in order, into the weights of one chunk. */
static void reduce_chunk(void *arg, int64_t index)
{
    struct plan *p = arg;
    const td__weight_grad *g = p->g;
    int64_t conv_group = index / p->chunks, chunk = index % p->chunks;
    int64_t o = chunk * p->chunk, n_o = min(p->chunk, g->out_channels - o), runs = p->runs_y * p->runs_x;
    float *sums = p->sums + (conv_group * p->groups * p->chunks + chunk) * p->chunk_sums;
    for (int64_t k = 1; k < p->groups; k++) {
        const float *other = sums + k * p->chunks * p->chunk_sums;
        for (int64_t i = 0; i < p->chunk_sums; i += LANES)
            store(sums + i, load(sums + i) + load(other + i));
    }
    for (int64_t r = 0; r < runs; r++) {
        float *to = g->dw + ((conv_group * g->out_channels + o) * runs + r) * p->run;
        const float *from = sums + r * p->run_sums;
        if (p->b_is_dy)
            td__planar(to, runs * p->run, from, p->pitch, p->run, n_o);
        else
            for (int64_t m = 0; m < n_o; m++)
                memcpy(to + m * runs * p->run, from + m * p->pitch, (size_t)p->run * sizeof *to);
    }
}

static int64_t padded(int64_t n)
{
    return ceil_div(n, LANES) * LANES;
}

/* Chunks of result channels and groups of images; see reduce_chunk for the order of sums. */
static void plan_sums(struct plan *p)
{
    const td__weight_grad *g = p->g;
    p->runs_y = g->kh;
    p->runs_x = g->dilation_x == 1 ? 1 : g->kw;
    p->run = g->dilation_x == 1 ? g->kw * g->channels : g->channels;
    /* dy has no room behind its last pixel, so its vectors must be whole. */
    p->b_is_dy = g->out_channels % LANES == 0 && p->run % LANES;
    int64_t runs = p->runs_y * p->runs_x, channel_bytes = runs * padded(p->run) * (int64_t)sizeof(float);
    p->chunk = min(padded(max(CHUNK_BYTES / channel_bytes, 1)), padded(g->out_channels));
    p->chunks = ceil_div(g->out_channels, p->chunk);
    p->pitch = p->b_is_dy ? p->chunk : padded(p->run);
    p->run_sums = (p->b_is_dy ? p->run : p->chunk) * p->pitch;
    p->chunk_sums = runs * p->run_sums;
    p->groups = min(min(ceil_div(PIECES, p->chunks * g->conv_groups), MOST_GROUPS), g->images);
    p->images_per_group = ceil_div(g->images, p->groups);
    p->groups = ceil_div(g->images, p->images_per_group);
}

/* Rows or images per band; returns the bytes of a padded band. */
static size_t plan_bands(struct plan *p)
{
    const td__weight_grad *g = p->g;
    p->copy =
        g->pad_x || g->pad_y || (!p->b_is_dy && p->run % LANES) || (g->x_pixel != g->channels && p->run != g->channels);
    p->padded_columns = (g->columns - 1) * g->sx + (g->kw - 1) * g->dilation_x + 1;
    int64_t x_row = p->padded_columns * g->channels, reach = (g->kh - 1) * g->dilation_y + 1;
    int64_t row_bytes = (x_row * g->sy + g->columns * min(p->chunk, g->out_channels)) * (int64_t)sizeof(float);
    p->band = min(max(BAND_BYTES / row_bytes, 4), g->rows);
    p->band = ceil_div(g->rows, ceil_div(g->rows, p->band));
    int64_t source_rows = (p->band - 1) * g->sy + reach;
    p->images_per_band = p->band < g->rows ? 1 : min(max(BAND_BYTES / (row_bytes * g->rows), 1), p->images_per_group);
    return (size_t)(p->images_per_band * source_rows * x_row + LANES) * sizeof(float);
}

int td__weight_gradient(td_run *r, const td__weight_grad *g)
{
    struct plan p = {.g = g};
    int64_t weights = g->conv_groups * g->out_channels * g->kh * g->kw * g->channels;
    if (!g->images || !weights) {
        memset(g->dw, 0, (size_t)weights * sizeof *g->dw);
        return 0;
    }
    if (td__winograd_grad_fits(g))
        return td__winograd_grad(r, g);
    plan_sums(&p);
    size_t band_bytes = plan_bands(&p);
    int64_t pieces = g->conv_groups * p.groups * p.chunks;
    p.sums = td__run_scratch(r, (size_t)(pieces * p.chunk_sums) * sizeof *p.sums);
    if (!p.sums || (p.copy && td__slots_make(&p.slots, r, band_bytes)))
        return -1;
    double flops = 2.0 * (double)(g->images * g->rows * g->columns * weights);
    in_parallel(pieces, flops, run_piece, &p);
    in_parallel(g->conv_groups * p.chunks, (double)(pieces * p.chunk_sums), reduce_chunk, &p);
    return 0;
}
