/* Batch normalization; see host/ops/norm.c for the formulas.  Two passes over memory forward, two backward. */
#include <math.h>
#include <string.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/finish.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/backend/cpu/kernels/sums.h"

#define MOST_PIECES 16
#define PIECE 32768 /* elements that are worth a piece */
#define AT_ONCE 2048 /* elements */

/* A tensor as rows of channels, cut into pieces that depend on the shape only. */
struct rows {
    int64_t n, channels, per_piece, pieces, per_chunk;
};

static struct rows rows_of(const td_desc *x)
{
    struct rows s = {.channels = x->shape[1]};
    s.n = s.channels ? td_desc_numel(x) / s.channels : 0;
    int64_t pieces = min(max(s.n * s.channels / PIECE, 1), MOST_PIECES);
    s.per_piece = max(ceil_div(s.n, pieces), 1);
    s.pieces = ceil_div(s.n, s.per_piece);
    s.per_chunk = max(SUM_CHUNK / max(s.channels, 1), 32);
    return s;
}

/* ---- forward ---- */

struct forward {
    struct rows rows;
    const float *x, *residual;
    float *y, *mean, *scale, *shift; /* y = (x - mean) * scale + shift */
    double *means, *deviations;      /* [pieces][channels]: mean and sum of (x - mean)^2 */
    float *sums;                     /* [pieces][2][channels] */
    int relu;
};

/* Joins the statistics of b rows to those of a rows (Chan, Golub & LeVeque 1979). */
static void join(int64_t channels, double a, double *mean, double *deviation, double b, const double *b_mean,
                 const double *b_deviation)
{
    double part = b / (a + b), weight = a * part;
    for (int64_t c = 0; c < channels; c++) {
        double delta = b_mean[c] - mean[c];
        mean[c] += delta * part;
        deviation[c] += b_deviation[c] + delta * delta * weight;
    }
}

static void piece_statistics(void *arg, int64_t piece)
{
    struct forward *f = arg;
    int64_t channels = f->rows.channels, first = piece * f->rows.per_piece,
            last = min(first + f->rows.per_piece, f->rows.n);
    double *mean = f->means + piece * channels, *deviation = f->deviations + piece * channels;
    float *sums = f->sums + piece * 2 * channels, *chunk_mean = sums + channels;
    memset(mean, 0, (size_t)channels * sizeof *mean);
    memset(deviation, 0, (size_t)channels * sizeof *deviation);
    for (int64_t r = first; r < last; r += f->rows.per_chunk) {
        int64_t n = min(f->rows.per_chunk, last - r);
        const float *x = f->x + r * channels; /* read twice, the second time from cache */
        double a = (double)(r - first), part = (double)n / (a + (double)n), weight = a * part;
        td__sum_rows(x, n, channels, sums);
        for (int64_t c = 0; c < channels; c++) {
            double delta = (double)sums[c] / (double)n - mean[c];
            chunk_mean[c] = (float)((double)sums[c] / (double)n);
            mean[c] += delta * part;
            deviation[c] += delta * delta * weight;
        }
        td__sum_square_rows(x, chunk_mean, n, channels, sums);
        for (int64_t c = 0; c < channels; c++)
            deviation[c] += (double)sums[c];
    }
}

TD__INLINE void normalize(int relu, int residual, const struct forward *f, int64_t from, int64_t to)
{
    int64_t channels = f->rows.channels, c = 0;
    for (; c + LANES <= channels; c += LANES) {
        vec mean = load(f->mean + c), scale = load(f->scale + c), shift = load(f->shift + c);
        for (int64_t i = from + c; i < to; i += channels) {
            vec y = (load(f->x + i) - mean) * scale + shift;
            if (residual)
                y += load(f->residual + i);
            if (relu)
                y = (vec)((ivec)y & ~(y <= 0));
            store(f->y + i, y);
        }
    }
    for (int64_t row = from; row < to && c < channels; row += channels)
        for (int64_t k = c; k < channels; k++) {
            float y = (f->x[row + k] - f->mean[k]) * f->scale[k] + f->shift[k];
            if (residual)
                y += f->residual[row + k];
            f->y[row + k] = relu && y <= 0 ? 0 : y;
        }
}

static void normalize_some(const struct forward *f, int64_t from, int64_t to)
{
    if (f->relu && f->residual)
        normalize(1, 1, f, from, to);
    else if (f->relu)
        normalize(1, 0, f, from, to);
    else if (f->residual)
        normalize(0, 1, f, from, to);
    else
        normalize(0, 0, f, from, to);
}

/* In parts that stay in L1, where each vector of channels is gone through on its own. */
static void normalize_rows(const void *arg, int64_t first, int64_t n)
{
    const struct forward *f = arg;
    int64_t channels = f->rows.channels, some = max(AT_ONCE / max(channels, 1), 1);
    for (; n > 0; first += some, n -= some)
        normalize_some(f, first * channels, (first + min(n, some)) * channels);
}

static void piece_normalize(void *arg, int64_t piece)
{
    const struct forward *f = arg;
    int64_t first = piece * f->rows.per_piece;
    normalize_rows(f, first, min(f->rows.per_piece, f->rows.n - first));
}

static void batch_statistics(struct forward *f, double momentum, float *running_mean, float *running_var)
{
    int64_t channels = f->rows.channels, n = f->rows.n;
    in_parallel(f->rows.pieces, (double)(n * channels) * 4, piece_statistics, f);
    for (int64_t p = 1; p < f->rows.pieces; p++) {
        int64_t before = p * f->rows.per_piece, here = min(f->rows.per_piece, n - before);
        join(channels, (double)before, f->means, f->deviations, (double)here, f->means + p * channels,
             f->deviations + p * channels);
    }
    for (int64_t c = 0; c < channels && running_mean; c++) {
        running_mean[c] = (float)((1 - momentum) * (double)running_mean[c] + momentum * f->means[c]);
        running_var[c] =
            (float)((1 - momentum) * (double)running_var[c] + momentum * f->deviations[c] / (double)(n - 1));
    }
}

/* Scale and shift of a channel; the inverse of its deviation. */
static double set_scale(struct forward *f, int64_t c, double var, const float *weight, const float *bias)
{
    double inverse = 1 / sqrt(var);
    f->scale[c] = (float)(weight ? inverse * (double)weight[c] : inverse);
    f->shift[c] = bias ? bias[c] : 0;
    return inverse;
}

int td__norm_finish(td_run *r, const td_view *y, const td_view norm[5], double eps, int relu, td__finish *out)
{
    int64_t channels = y->d.shape[1];
    struct forward *f = td__run_scratch(r, sizeof *f);
    float *numbers = td__run_scratch(r, (size_t)(2 * channels) * sizeof *numbers);
    if (!f || !numbers)
        return -1;
    *f = (struct forward){.rows = rows_of(&y->d), .x = y->data, .residual = norm[4].data, .y = y->data,
                          .mean = norm[2].data, .scale = numbers, .shift = numbers + channels, .relu = relu};
    for (int64_t c = 0; c < channels; c++)
        set_scale(f, c, (double)((const float *)norm[3].data)[c] + eps, norm[0].data, norm[1].data);
    *out = (td__finish){normalize_rows, f, f->rows.n, channels};
    return 0;
}

static int32_t batch_norm_f32(KERNEL_ARGUMENTS)
{
    const td_batch_norm_attrs *a = attrs;
    const float *weight = in[1].data, *bias = in[2].data;
    float *running_mean = in[3].data, *running_var = in[4].data, *mean = out[1].data, *inverse_std = out[2].data;
    struct forward f = {
        .rows = rows_of(&in[0].d), .x = in[0].data, .residual = in[5].data, .y = out[0].data, .relu = a->relu};
    int64_t channels = f.rows.channels, per_piece = f.rows.pieces * channels;
    f.means = td__run_scratch(r, (size_t)(2 * per_piece) * sizeof *f.means);
    f.sums = td__run_scratch(r, (size_t)(2 * per_piece + 2 * channels) * sizeof *f.sums);
    if (!f.means || !f.sums)
        return TD_ERROR;
    f.deviations = f.means + per_piece;
    f.scale = f.sums + 2 * per_piece;
    f.shift = f.scale + channels;
    f.mean = mean;
    if (a->training)
        batch_statistics(&f, a->momentum, running_mean, running_var);
    for (int64_t c = 0; c < channels; c++) {
        double var = a->training ? f.deviations[c] / (double)f.rows.n : (double)running_var[c];
        mean[c] = a->training ? (float)f.means[c] : running_mean[c];
        inverse_std[c] = (float)set_scale(&f, c, var + a->eps, weight, bias);
    }
    in_parallel(f.rows.pieces, (double)(f.rows.n * channels) * 4, piece_normalize, &f);
    return TD_OK;
}

/* ---- backward ---- */

struct backward {
    struct rows rows;
    const float *x, *g, *y, *mean; /* y NULL: no relu */
    float *gx;
    float *scale, *share, *slope; /* gx = scale * (g - share - (x - mean) * slope) */
    double *sums;                 /* [pieces][2][channels]: of g and of g (x - mean) */
    float *chunk_sums;            /* the same */
    int training;
};

static void piece_gradient_sums(void *arg, int64_t piece)
{
    struct backward *b = arg;
    int64_t channels = b->rows.channels, first = piece * b->rows.per_piece,
            last = min(first + b->rows.per_piece, b->rows.n);
    double *sums = b->sums + piece * 2 * channels;
    float *chunk = b->chunk_sums + piece * 2 * channels;
    memset(sums, 0, (size_t)(2 * channels) * sizeof *sums);
    for (int64_t r = first; r < last; r += b->rows.per_chunk) {
        int64_t n = min(b->rows.per_chunk, last - r), at = r * channels;
        td__sum_gradient_rows(b->g + at, b->y ? b->y + at : NULL, b->x + at, b->mean, n, channels, chunk);
        for (int64_t i = 0; i < 2 * channels; i++)
            sums[i] += (double)chunk[i];
    }
}

TD__INLINE void input_gradient(int relu, int training, const struct backward *b, int64_t from, int64_t to)
{
    int64_t channels = b->rows.channels;
    for (int64_t i = from; i < to; i += channels) {
        int64_t c = 0;
        for (; c + LANES <= channels; c += LANES) {
            vec g = load(b->g + i + c);
            if (relu)
                g = where_positive(g, load(b->y + i + c));
            if (training)
                g -= load(b->share + c) + (load(b->x + i + c) - load(b->mean + c)) * load(b->slope + c);
            store(b->gx + i + c, g * load(b->scale + c));
        }
        for (; c < channels; c++) {
            float g = relu && !(b->y[i + c] > 0) ? 0 : b->g[i + c];
            if (training)
                g -= b->share[c] + (b->x[i + c] - b->mean[c]) * b->slope[c];
            b->gx[i + c] = g * b->scale[c];
        }
    }
}

static void piece_input_gradient(void *arg, int64_t piece)
{
    const struct backward *b = arg;
    int64_t first = piece * b->rows.per_piece, last = min(first + b->rows.per_piece, b->rows.n);
    int64_t from = first * b->rows.channels, to = last * b->rows.channels;
    if (b->y && b->training)
        input_gradient(1, 1, b, from, to);
    else if (b->y)
        input_gradient(1, 0, b, from, to);
    else if (b->training)
        input_gradient(0, 1, b, from, to);
    else
        input_gradient(0, 0, b, from, to);
}

static int32_t batch_norm_grad_f32(KERNEL_ARGUMENTS)
{
    const td_batch_norm_attrs *a = attrs;
    const float *weight = in[2].data, *inverse_std = in[4].data;
    float *gweight = out[1].data, *gbias = out[2].data;
    struct backward b = {.rows = rows_of(&in[1].d),
                         .gx = out[0].data,
                         .training = a->training,
                         .x = in[1].data,
                         .g = in[0].data,
                         .y = a->relu ? in[5].data : NULL,
                         .mean = in[3].data};
    int64_t channels = b.rows.channels, all = 2 * b.rows.pieces * channels;
    b.sums = td__run_scratch(r, (size_t)max(all, 2 * channels) * sizeof *b.sums);
    b.chunk_sums = td__run_scratch(r, (size_t)(all + 3 * channels) * sizeof *b.chunk_sums);
    if (!b.sums || !b.chunk_sums)
        return TD_ERROR;
    b.scale = b.chunk_sums + all;
    b.share = b.scale + channels;
    b.slope = b.share + channels;
    memset(b.sums, 0, (size_t)(2 * channels) * sizeof *b.sums); /* there may be no rows */
    in_parallel(b.rows.pieces, (double)(b.rows.n * channels) * 4, piece_gradient_sums, &b);
    for (int64_t i = 2 * channels; i < all; i++)
        b.sums[i % (2 * channels)] += b.sums[i];
    for (int64_t c = 0; c < channels; c++) {
        double inverse = (double)inverse_std[c], dot = b.sums[channels + c] * inverse, n = (double)b.rows.n;
        gweight[c] = (float)dot;
        gbias[c] = (float)b.sums[c];
        b.scale[c] = (float)(weight ? inverse * (double)weight[c] : inverse);
        b.share[c] = (float)(b.sums[c] / n);
        b.slope[c] = (float)(dot * inverse / n);
    }
    in_parallel(b.rows.pieces, (double)(b.rows.n * channels) * 4, piece_input_gradient, &b);
    return TD_OK;
}

FLOAT32_KERNEL(batch_norm)
FLOAT32_KERNEL(batch_norm_grad)

const td__kernel_row td__cpu_norm[] = {ROW(batch_norm), ROW(batch_norm_grad), {NULL, NULL}};
