/* Losses; see host/ops/loss.c for the formulas. */
#include <math.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/backend/cpu/kernels/lines.h"
#include "host/backend/cpu/kernels/sums.h"
#include "host/backend/cpu/slots.h"

/* What the sum over all positions is multiplied by; `first` is the length of the first dimension. */
static double factor(const td_loss_attrs *a, int64_t count, int64_t first)
{
    return a->reduction == TD_MEAN ? 1 / (double)count : a->reduction == TD_BATCHMEAN ? 1 / (double)first : 1;
}

/* ---- losses of pairs of elements ---- */

/* z[i] = f(x[i], y[i]) */
typedef void pair_fn(const float *restrict x, const float *restrict y, float *restrict z, int64_t n, float beta);

struct pairs {
    pair_fn *fn;
    const float *x, *y, *g; /* g: of a gradient, one value a position or one for all */
    float *z, beta, scale;
    int64_t n;
    double *sums; /* per piece of SUM_CHUNK terms; NULL: the terms go to z */
    int each;     /* g has one value a position */
};

static void sum_piece(void *arg, int64_t piece)
{
    const struct pairs *p = arg;
    int64_t begin = piece * SUM_CHUNK, n = min(SUM_CHUNK, p->n - begin);
    float terms[SUM_CHUNK], *z = p->sums ? terms : p->z + begin;
    p->fn(p->x + begin, p->y + begin, z, n, p->beta);
    if (p->sums)
        p->sums[piece] = (double)td__sum(terms, n);
}

static int32_t pairs(td_run *r, const td_view *in, td_view *out, const td_loss_attrs *a, pair_fn *fn)
{
    const td_desc *d = &in[0].d;
    struct pairs p = {
        .fn = fn, .x = in[0].data, .y = in[1].data, .z = out[0].data, .n = td_desc_numel(d), .beta = (float)a->beta};
    int64_t pieces = ceil_div(p.n, SUM_CHUNK);
    double sum = 0;
    if (a->reduction != TD_NO_REDUCTION && !(p.sums = td__run_scratch(r, (size_t)pieces * sizeof *p.sums)))
        return TD_ERROR;
    in_parallel(pieces, 8 * (double)p.n, sum_piece, &p);
    if (!p.sums)
        return TD_OK;
    for (int64_t i = 0; i < pieces; i++)
        sum += p.sums[i];
    p.z[0] = (float)(sum * factor(a, p.n, d->ndim ? d->shape[0] : 1));
    return TD_OK;
}

static void gradient_range(void *arg, int64_t begin, int64_t end)
{
    const struct pairs *p = arg;
    float *restrict z = p->z;
    p->fn(p->x + begin, p->y + begin, z + begin, end - begin, p->beta);
    if (p->each) {
        const float *restrict g = p->g;
        for (int64_t i = begin; i < end; i++)
            z[i] *= g[i] * p->scale;
    } else {
        float g = p->g[0] * p->scale;
        for (int64_t i = begin; i < end; i++)
            z[i] *= g;
    }
}

static int32_t pair_gradient(const td_view *in, td_view *out, const td_loss_attrs *a, pair_fn *slope)
{
    const td_desc *d = &out[0].d;
    struct pairs p = {.fn = slope,
                      .x = in[1].data,
                      .y = in[2].data,
                      .g = in[0].data,
                      .z = out[0].data,
                      .n = td_desc_numel(d),
                      .beta = (float)a->beta,
                      .each = a->reduction == TD_NO_REDUCTION};
    p.scale = (float)factor(a, p.n, d->ndim ? d->shape[0] : 1);
    td__parallel_range(p.n, SUM_CHUNK, LANES, gradient_range, &p);
    return TD_OK;
}

#define PAIR(name, expression)                                                                                         \
    static void name##_terms(const float *restrict x_, const float *restrict y_, float *restrict z_, int64_t n_,       \
                             float beta)                                                                               \
    {                                                                                                                  \
        (void)beta;                                                                                                    \
        for (int64_t i = 0; i < n_; i++) {                                                                             \
            float x = x_[i], y = y_[i];                                                                                \
            z_[i] = expression;                                                                                        \
        }                                                                                                              \
    }
#define LOSS(name, expression)                                                                                         \
    PAIR(name, expression)                                                                                             \
    static int32_t name##_f32(KERNEL_ARGUMENTS)                                                                        \
    {                                                                                                                  \
        return pairs(r, in, out, attrs, name##_terms);                                                                 \
    }                                                                                                                  \
    FLOAT32_KERNEL(name)
#define GRADIENT(name, expression)                                                                                     \
    PAIR(name, expression)                                                                                             \
    static int32_t name##_f32(KERNEL_ARGUMENTS)                                                                        \
    {                                                                                                                  \
        (void)r;                                                                                                       \
        return pair_gradient(in, out, attrs, name##_terms);                                                            \
    }                                                                                                                  \
    FLOAT32_KERNEL(name)

TD__INLINE float sign(float x)
{
    return (float)(x > 0) - (float)(x < 0);
}

LOSS(kl_div, y > 0 ? y * (logf(y) - x) : y == 0 ? 0 : NAN)
GRADIENT(kl_div_grad, -y + 0 * x)
GRADIENT(kl_div_target_grad, y > 0 ? logf(y) + 1 - x : -x)
LOSS(mse_loss, (x - y) * (x - y))
GRADIENT(mse_loss_grad, 2 * (x - y))
LOSS(l1_loss, fabsf(x - y))
GRADIENT(l1_loss_grad, sign(x - y))
LOSS(smooth_l1_loss, fabsf(x - y) < beta ? (x - y) * (x - y) / (2 * beta) : fabsf(x - y) - beta / 2)
GRADIENT(smooth_l1_loss_grad, fabsf(x - y) < beta ? (x - y) / beta : sign(x - y))

/* ---- cross entropy: rows of logits, as channels-last memory has them for images too ---- */

struct classes {
    const float *logits, *weight; /* weight NULL: ones */
    const int64_t *target;
    int64_t rows, n, ignore;
    double smoothing, weights; /* weights: sum of weight */
    double *losses;            /* per row */
    const float *g;            /* of the gradient: one value a row or one for all */
    float *gradient, scale;
    int each;
    td__slots slots; /* n floats */
};

static double weight_of(const struct classes *s, int64_t k)
{
    return s->weight ? (double)s->weight[k] : 1;
}

static int classes_of(td_run *r, struct classes *s, const td_view *in, const td_loss_attrs *a)
{
    *s = (struct classes){.logits = in[0].data,
                          .weight = in[2].data,
                          .target = in[1].data,
                          .rows = td_desc_numel(&in[1].d),
                          .n = in[0].d.shape[1],
                          .ignore = a->ignore_index,
                          .smoothing = a->label_smoothing,
                          .each = a->reduction == TD_NO_REDUCTION};
    for (int64_t i = 0; i < s->rows; i++)
        if (s->target[i] != s->ignore && (s->target[i] < 0 || s->target[i] >= s->n)) {
            td__run_fail(r, "target %lld is not a class: the input has %lld", (long long)s->target[i], (long long)s->n);
            return -1;
        }
    for (int64_t k = 0; k < s->n; k++)
        s->weights += weight_of(s, k);
    return td__slots_make(&s->slots, r, (size_t)s->n * sizeof(float));
}

/* What the sum over the rows is multiplied by. */
static double class_factor(const struct classes *s, const td_loss_attrs *a, int64_t batch)
{
    double counted = 0;
    if (a->reduction != TD_MEAN)
        return factor(a, s->rows, batch);
    for (int64_t i = 0; i < s->rows; i++)
        counted += s->target[i] == s->ignore ? 0 : weight_of(s, s->target[i]);
    return 1 / counted;
}

/* -(1-e) w_t ln p_t - e/C sum of w_c ln p_c, with ln p_c = x_c - whole. */
static double row_loss(const struct classes *s, const float *x, int64_t target, double whole)
{
    double spread = 0;
    if (s->smoothing != 0)
        for (int64_t k = 0; k < s->n; k++)
            spread += weight_of(s, k) * (whole - (double)x[k]);
    return (1 - s->smoothing) * weight_of(s, target) * (whole - (double)x[target]) +
           s->smoothing / (double)s->n * spread;
}

static void loss_rows(void *arg, int64_t begin, int64_t end)
{
    struct classes *s = arg;
    float *e = td__slot_take(&s->slots);
    for (int64_t i = begin; i < end; i++) {
        const float *x = s->logits + i * s->n;
        if (s->target[i] == s->ignore) {
            s->losses[i] = 0;
            continue;
        }
        float most = td__largest(x, s->n);
        s->losses[i] = row_loss(s, x, s->target[i], (double)most + log(td__exp_sum(x, most, e, s->n)));
    }
    td__slot_give(&s->slots, e);
}

static int32_t cross_entropy_f32(KERNEL_ARGUMENTS)
{
    const td_loss_attrs *a = attrs;
    struct classes s;
    float *loss = out[0].data;
    double sum = 0;
    if (classes_of(r, &s, in, a) || !(s.losses = td__run_scratch(r, (size_t)s.rows * sizeof *s.losses)))
        return TD_ERROR;
    td__parallel_range(s.rows, max(GRAIN / 4 / max(s.n, 1), 1), 1, loss_rows, &s);
    for (int64_t i = 0; i < s.rows; i++) {
        if (s.each)
            loss[i] = (float)s.losses[i];
        sum += s.losses[i];
    }
    if (!s.each)
        loss[0] = (float)(sum * class_factor(&s, a, in[0].d.shape[0]));
    return TD_OK;
}

/* d/dx_c = p_c ((1-e) w_t + e/C sum w) - (1-e) w_t [c = t] - e/C w_c */
static void gradient_rows(void *arg, int64_t begin, int64_t end)
{
    const struct classes *s = arg;
    double share = s->smoothing / (double)s->n;
    for (int64_t i = begin; i < end; i++) {
        const float *restrict x = s->logits + i * s->n;
        float *restrict y = s->gradient + i * s->n;
        if (s->target[i] == s->ignore) {
            for (int64_t k = 0; k < s->n; k++)
                y[k] = 0;
            continue;
        }
        double g = (double)s->g[s->each ? i : 0] * (double)s->scale,
               hard = (1 - s->smoothing) * weight_of(s, s->target[i]);
        double sum = td__exp_sum(x, td__largest(x, s->n), y, s->n);
        float scale = (float)(g * (hard + share * s->weights) / sum);
        for (int64_t k = 0; k < s->n; k++)
            y[k] *= scale;
        y[s->target[i]] -= (float)(g * hard);
        if (s->smoothing != 0)
            for (int64_t k = 0; k < s->n; k++)
                y[k] -= (float)(g * share * weight_of(s, k));
    }
}

static int32_t cross_entropy_grad_f32(KERNEL_ARGUMENTS)
{
    const td_loss_attrs *a = attrs;
    struct classes s;
    if (classes_of(r, &s, in + 1, a))
        return TD_ERROR;
    s.g = in[0].data;
    s.gradient = out[0].data;
    s.scale = (float)class_factor(&s, a, in[1].d.shape[0]);
    td__parallel_range(s.rows, max(GRAIN / 4 / max(s.n, 1), 1), 1, gradient_rows, &s);
    return TD_OK;
}

FLOAT32_KERNEL(cross_entropy)
FLOAT32_KERNEL(cross_entropy_grad)

/* ---- divergence of two softmaxes: rows of logits likewise ---- */

struct soft {
    const float *s, *t, *g; /* g: of a gradient, one value an element or one for all */
    float *y;               /* a value an element, or the loss */
    double *sums;           /* per row */
    int64_t rows, n;
    float inverse, scale; /* 1 / T; of the sum */
    int each;
    td__slots slots; /* four lines of n floats */
};

/* Logarithms and probabilities of a row at the temperature. */
struct soft_line {
    float *ln_q, *q, *ln_p, *p;
};

static int soft_of(td_run *r, struct soft *x, const td_view *in, const td_loss_attrs *a)
{
    const int64_t count = td_desc_numel(&in->d), n = in->d.shape[1];
    *x = (struct soft){.s = in[0].data,
                       .t = in[1].data,
                       .rows = n ? count / n : 0,
                       .n = n,
                       .inverse = (float)(1 / a->beta),
                       .scale = (float)factor(a, count, in->d.shape[0]),
                       .each = a->reduction == TD_NO_REDUCTION};
    return td__slots_make(&x->slots, r, 4 * (size_t)n * sizeof(float));
}

static void softened(const float *restrict x, float inverse, float *restrict ln, float *restrict p, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        ln[k] = x[k] * inverse;
    float most = td__largest(ln, n);
    double sum = td__exp_sum(ln, most, p, n);
    float log_sum = (float)log(sum), share = (float)(1 / sum);
    for (int64_t k = 0; k < n; k++) {
        ln[k] = (ln[k] - most) - log_sum;
        p[k] *= share;
    }
}

static struct soft_line soft_line(const struct soft *x, int64_t row, float *slot)
{
    const int64_t n = x->n;
    softened(x->s + row * n, x->inverse, slot, slot + n, n);
    softened(x->t + row * n, x->inverse, slot + 2 * n, slot + 3 * n, n);
    return (struct soft_line){slot, slot + n, slot + 2 * n, slot + 3 * n};
}

static double line_sum(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += SUM_CHUNK)
        sum += (double)td__sum(x + i, min(SUM_CHUNK, n - i));
    return sum;
}

static void soft_rows(void *arg, int64_t begin, int64_t end)
{
    struct soft *x = arg;
    float *slot = td__slot_take(&x->slots);
    for (int64_t i = begin; i < end; i++) {
        const struct soft_line l = soft_line(x, i, slot);
        float *terms = x->each ? x->y + i * x->n : l.q;
        for (int64_t k = 0; k < x->n; k++)
            terms[k] = l.p[k] == 0 ? 0 : l.p[k] * (l.ln_p[k] - l.ln_q[k]);
        if (!x->each)
            x->sums[i] = line_sum(terms, x->n);
    }
    td__slot_give(&x->slots, slot);
}

static void soft_gradient_rows(void *arg, int64_t begin, int64_t end)
{
    struct soft *x = arg;
    float *slot = td__slot_take(&x->slots);
    for (int64_t i = begin; i < end; i++) {
        const struct soft_line l = soft_line(x, i, slot);
        float *y = x->y + i * x->n, scale = x->scale * x->inverse;
        const float *g = x->g + (x->each ? i * x->n : 0);
        for (int64_t k = 0; k < x->n; k++)
            y[k] = g[x->each ? k : 0] * l.p[k];
        const float all = (float)line_sum(y, x->n);
        for (int64_t k = 0; k < x->n; k++)
            y[k] = scale * (all * l.q[k] - y[k]);
    }
    td__slot_give(&x->slots, slot);
}

static void soft_target_gradient_rows(void *arg, int64_t begin, int64_t end)
{
    struct soft *x = arg;
    float *slot = td__slot_take(&x->slots);
    for (int64_t i = begin; i < end; i++) {
        const struct soft_line l = soft_line(x, i, slot);
        float *y = x->y + i * x->n, scale = x->scale * x->inverse;
        const float *g = x->g + (x->each ? i * x->n : 0);
        for (int64_t k = 0; k < x->n; k++)
            y[k] = l.p[k] == 0 ? 0 : l.p[k] * g[x->each ? k : 0] * (l.ln_p[k] - l.ln_q[k] + 1);
        const float all = (float)line_sum(y, x->n);
        for (int64_t k = 0; k < x->n; k++)
            y[k] = scale * (y[k] - all * l.p[k]);
    }
    td__slot_give(&x->slots, slot);
}

static void each_soft_row(struct soft *x, void (*rows)(void *arg, int64_t begin, int64_t end))
{
    td__parallel_range(x->rows, max(GRAIN / 8 / max(x->n, 1), 1), 1, rows, x);
}

static int32_t soft_kl_f32(KERNEL_ARGUMENTS)
{
    struct soft x;
    double sum = 0;
    if (soft_of(r, &x, in, attrs) || !(x.sums = td__run_scratch(r, (size_t)x.rows * sizeof *x.sums)))
        return TD_ERROR;
    x.y = out[0].data;
    each_soft_row(&x, soft_rows);
    for (int64_t i = 0; i < x.rows && !x.each; i++)
        sum += x.sums[i];
    if (!x.each)
        x.y[0] = (float)(sum * (double)x.scale);
    return TD_OK;
}

static int32_t soft_gradient(td_run *r, const td_view *in, td_view *out, const void *attrs,
                             void (*rows)(void *arg, int64_t begin, int64_t end))
{
    struct soft x;
    if (soft_of(r, &x, in + 1, attrs))
        return TD_ERROR;
    x.g = in[0].data;
    x.y = out[0].data;
    each_soft_row(&x, rows);
    return TD_OK;
}

static int32_t soft_kl_grad_f32(KERNEL_ARGUMENTS)
{
    return soft_gradient(r, in, out, attrs, soft_gradient_rows);
}

static int32_t soft_kl_target_grad_f32(KERNEL_ARGUMENTS)
{
    return soft_gradient(r, in, out, attrs, soft_target_gradient_rows);
}

FLOAT32_KERNEL(soft_kl)
FLOAT32_KERNEL(soft_kl_grad)
FLOAT32_KERNEL(soft_kl_target_grad)

const td__kernel_row td__cpu_loss[] = {
    ROW(kl_div),        ROW(kl_div_grad),        ROW(kl_div_target_grad),
    ROW(mse_loss),      ROW(mse_loss_grad),      ROW(l1_loss),
    ROW(l1_loss_grad),  ROW(smooth_l1_loss),     ROW(smooth_l1_loss_grad),
    ROW(cross_entropy), ROW(cross_entropy_grad), ROW(soft_kl),
    ROW(soft_kl_grad),  ROW(soft_kl_target_grad), {NULL, NULL},
};
