/* Losses (see host/ops/loss.c for the formulas). */
#include <math.h>

#include "host/backend/reference/real.h"

/* What the sum over all positions is multiplied by; `first` is the length of the first dimension. */
static double factor(const td_loss_attrs *a, int64_t count, int64_t first)
{
    return a->reduction == TD_MEAN ? 1 / (double)count : a->reduction == TD_BATCHMEAN ? 1 / (double)first : 1;
}

/* ---- losses of pairs of elements ---- */

typedef double pair_fn(double x, double y, const td_loss_attrs *a);

TD__INLINE int32_t pairs(const td_view *in, td_view *out, const td_loss_attrs *a, uint32_t t, pair_fn *value)
{
    int64_t count = td_desc_numel(&in->d);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double v = value(td__get(&in[0], t, i), td__get(&in[1], t, i), a);
        if (a->reduction == TD_NO_REDUCTION)
            td__put(out, t, i, v);
        else
            sum += v;
    }
    if (a->reduction != TD_NO_REDUCTION)
        td__put(out, t, 0, sum * factor(a, count, in->d.ndim ? in->d.shape[0] : 1));
    return TD_OK;
}

TD__INLINE int32_t pair_grads(const td_view *in, td_view *out, const td_loss_attrs *a, uint32_t t, pair_fn *slope)
{
    int64_t count = td_desc_numel(&out->d);
    double scale = factor(a, count, out->d.ndim ? out->d.shape[0] : 1);
    for (int64_t i = 0; i < count; i++) {
        double g = td__get(&in[0], t, a->reduction == TD_NO_REDUCTION ? i : 0) * scale;
        td__put(out, t, i, g * slope(td__get(&in[1], t, i), td__get(&in[2], t, i), a));
    }
    return TD_OK;
}

#define PAIR(name, formula) \
    TD__INLINE double name(double x, double y, const td_loss_attrs *a) \
    { \
        (void)a; \
        return formula; \
    }

static double sign(double d) { return (double)((d > 0) - (d < 0)); }

PAIR(kl, y > 0 ? y * (log(y) - x) : y == 0 ? 0 : NAN)
PAIR(kl_slope, -y + 0 * x)
PAIR(kl_target_slope, y > 0 ? log(y) + 1 - x : -x)
PAIR(mse, (x - y) * (x - y))
PAIR(mse_slope, 2 * (x - y))
PAIR(l1, fabs(x - y))
PAIR(l1_slope, sign(x - y))
PAIR(smooth_l1, fabs(x - y) < a->beta ? (x - y) * (x - y) / (2 * a->beta) : fabs(x - y) - a->beta / 2)
PAIR(smooth_l1_slope, fabs(x - y) < a->beta ? (x - y) / a->beta : sign(x - y))

TD__KERNEL(kl_div) { return pairs(in, out, attrs, t, kl); }
TD__KERNEL(kl_div_grad) { return pair_grads(in, out, attrs, t, kl_slope); }
TD__KERNEL(kl_div_target_grad) { return pair_grads(in, out, attrs, t, kl_target_slope); }
TD__KERNEL(mse_loss) { return pairs(in, out, attrs, t, mse); }
TD__KERNEL(mse_loss_grad) { return pair_grads(in, out, attrs, t, mse_slope); }
TD__KERNEL(l1_loss) { return pairs(in, out, attrs, t, l1); }
TD__KERNEL(l1_loss_grad) { return pair_grads(in, out, attrs, t, l1_slope); }
TD__KERNEL(smooth_l1_loss) { return pairs(in, out, attrs, t, smooth_l1); }
TD__KERNEL(smooth_l1_loss_grad) { return pair_grads(in, out, attrs, t, smooth_l1_slope); }

/* ---- cross entropy: rows of C logits, as channels-last memory has them for images too ---- */

/* The views of one call; weight->data is NULL for ones. */
struct classes {
    const td_view *logits, *weight;
    const int64_t *target;
    int64_t rows, n; /* n classes */
    double smoothing, weights; /* sum of the class weights */
};

TD__INLINE double weight_of(const struct classes *s, uint32_t t, int64_t k)
{
    return s->weight->data ? td__get(s->weight, t, k) : 1;
}

/* 0, or an error where a target is no class. */
TD__INLINE int32_t classes_of(td_run *r, const td_view *in, const td_loss_attrs *a, uint32_t t, struct classes *s)
{
    *s = (struct classes){&in[0], &in[2], in[1].data, td_desc_numel(&in[1].d), in[0].d.shape[1], a->label_smoothing, 0};
    for (int64_t i = 0; i < s->rows; i++)
        if (s->target[i] != a->ignore_index && (s->target[i] < 0 || s->target[i] >= s->n)) {
            td__run_fail(r, "target %lld is not a class: the input has %lld", (long long)s->target[i], (long long)s->n);
            return TD_ERROR;
        }
    for (int64_t k = 0; k < s->n; k++)
        s->weights += weight_of(s, t, k);
    return TD_OK;
}

/* What the sum over the rows is multiplied by. */
TD__INLINE double class_factor(const struct classes *s, const td_loss_attrs *a, uint32_t t, int64_t batch)
{
    double counted = 0;
    if (a->reduction != TD_MEAN)
        return factor(a, s->rows, batch);
    for (int64_t i = 0; i < s->rows; i++)
        counted += s->target[i] == a->ignore_index ? 0 : weight_of(s, t, s->target[i]);
    return 1 / counted;
}

TD__INLINE double row_loss(const struct classes *s, uint32_t t, int64_t row)
{
    double whole = td__log_sum_exp(s->logits, t, row * s->n, s->n, 1, 1), spread = 0;
    for (int64_t k = 0; k < s->n && s->smoothing != 0; k++)
        spread += weight_of(s, t, k) * (whole - td__get(s->logits, t, row * s->n + k));
    double hard = weight_of(s, t, s->target[row]) * (whole - td__get(s->logits, t, row * s->n + s->target[row]));
    return (1 - s->smoothing) * hard + s->smoothing / (double)s->n * spread;
}

TD__KERNEL(cross_entropy)
{
    const td_loss_attrs *a = attrs;
    struct classes s;
    double sum = 0;
    if (classes_of(r, in, a, t, &s))
        return TD_ERROR;
    for (int64_t i = 0; i < s.rows; i++) {
        double v = s.target[i] == a->ignore_index ? 0 : row_loss(&s, t, i);
        if (a->reduction == TD_NO_REDUCTION)
            td__put(out, t, i, v);
        else
            sum += v;
    }
    if (a->reduction != TD_NO_REDUCTION)
        td__put(out, t, 0, sum * class_factor(&s, a, t, in->d.shape[0]));
    return TD_OK;
}

TD__KERNEL(cross_entropy_grad)
{
    const td_loss_attrs *a = attrs;
    struct classes s;
    if (classes_of(r, in + 1, a, t, &s))
        return TD_ERROR;
    double scale = class_factor(&s, a, t, in[1].d.shape[0]);
    for (int64_t i = 0; i < s.rows; i++) {
        double g = td__get(in, t, a->reduction == TD_NO_REDUCTION ? i : 0) * scale,
               whole = td__log_sum_exp(s.logits, t, i * s.n, s.n, 1, 1);
        for (int64_t k = 0; k < s.n; k++) {
            double p = exp(td__get(s.logits, t, i * s.n + k) - whole);
            double hard = s.target[i] == a->ignore_index ? 0 : weight_of(&s, t, s.target[i]) * (p - (k == s.target[i]));
            double spread = p * s.weights - weight_of(&s, t, k);
            double slope = (1 - s.smoothing) * hard + s.smoothing / (double)s.n * spread;
            td__put(out, t, i * s.n + k, s.target[i] == a->ignore_index ? 0 : g * slope);
        }
    }
    return TD_OK;
}

/* How many classes come before class y of the n from `first` on. */
TD__INLINE int64_t rank_of(const td_view *logits, uint32_t t, int64_t first, int64_t n, int64_t y)
{
    const double own = td__get(logits, t, first + y);
    int64_t rank = 0;
    for (int64_t k = 0; k < n; k++) {
        double other = td__get(logits, t, first + k);
        rank += k != y && !(other < own || (other == own && k > y));
    }
    return rank;
}

TD__KERNEL(count_correct)
{
    const int64_t n = in->d.shape[1], *target = in[1].data;
    int64_t *counts = in[2].data;
    for (int64_t i = 0; i < in->d.shape[0]; i++)
        if (target[i] >= 0 && target[i] < n) {
            int64_t rank = rank_of(in, t, i * n, n, target[i]);
            counts[0] += rank < 1;
            counts[1] += rank < 5;
        }
    return TD_OK;
}

/* ---- divergence of two softmaxes: rows of logits likewise ---- */

struct soft {
    const td_view *s, *t, *g; /* g: of a gradient, one value an element or one for all; else NULL */
    int64_t rows, n;
    double inverse, scale; /* 1 / T; of the sum */
    int each;
};

TD__INLINE struct soft soft_of(const td_view *in, const td_view *g, const td_loss_attrs *a)
{
    const int64_t count = td_desc_numel(&in->d), n = in->d.shape[1];
    return (struct soft){&in[0],      &in[1], g, n ? count / n : 0, n, 1 / a->beta, factor(a, count, in->d.shape[0]),
                         a->reduction == TD_NO_REDUCTION};
}

/* Where a row begins, and the logarithms of the sums its two softmaxes divide by. */
struct soft_row {
    int64_t first;
    double whole_s, whole_t;
};

TD__INLINE struct soft_row soft_row(const struct soft *x, uint32_t t, int64_t row)
{
    const int64_t first = row * x->n;
    return (struct soft_row){first, td__log_sum_exp(x->s, t, first, x->n, 1, x->inverse),
                             td__log_sum_exp(x->t, t, first, x->n, 1, x->inverse)};
}

TD__INLINE double ln_q(const struct soft *x, const struct soft_row *w, uint32_t t, int64_t k)
{
    return td__get(x->s, t, w->first + k) * x->inverse - w->whole_s;
}

TD__INLINE double ln_p(const struct soft *x, const struct soft_row *w, uint32_t t, int64_t k)
{
    return td__get(x->t, t, w->first + k) * x->inverse - w->whole_t;
}

TD__INLINE double upstream(const struct soft *x, const struct soft_row *w, uint32_t t, int64_t k)
{
    return td__get(x->g, t, x->each ? w->first + k : 0) * x->scale;
}

TD__KERNEL(soft_kl)
{
    const struct soft x = soft_of(in, NULL, attrs);
    double sum = 0;
    for (int64_t i = 0; i < x.rows; i++) {
        const struct soft_row w = soft_row(&x, t, i);
        for (int64_t k = 0; k < x.n; k++) {
            double p = exp(ln_p(&x, &w, t, k)), v = p == 0 ? 0 : p * (ln_p(&x, &w, t, k) - ln_q(&x, &w, t, k));
            if (x.each)
                td__put(out, t, w.first + k, v);
            sum += v;
        }
    }
    if (!x.each)
        td__put(out, t, 0, sum * x.scale);
    return TD_OK;
}

TD__KERNEL(soft_kl_grad)
{
    const struct soft x = soft_of(in + 1, in, attrs);
    for (int64_t i = 0; i < x.rows; i++) {
        const struct soft_row w = soft_row(&x, t, i);
        double all = 0;
        for (int64_t k = 0; k < x.n; k++)
            all += upstream(&x, &w, t, k) * exp(ln_p(&x, &w, t, k));
        for (int64_t k = 0; k < x.n; k++)
            td__put(out, t, w.first + k,
                    x.inverse * (all * exp(ln_q(&x, &w, t, k)) - upstream(&x, &w, t, k) * exp(ln_p(&x, &w, t, k))));
    }
    return TD_OK;
}

/* p (h - less), 0 where p is. */
TD__INLINE double soft_slope(const struct soft *x, const struct soft_row *w, uint32_t t, int64_t k, double less)
{
    double p = exp(ln_p(x, w, t, k));
    return p == 0 ? 0 : p * (upstream(x, w, t, k) * (ln_p(x, w, t, k) - ln_q(x, w, t, k) + 1) - less);
}

TD__KERNEL(soft_kl_target_grad)
{
    const struct soft x = soft_of(in + 1, in, attrs);
    for (int64_t i = 0; i < x.rows; i++) {
        const struct soft_row w = soft_row(&x, t, i);
        double all = 0;
        for (int64_t k = 0; k < x.n; k++)
            all += soft_slope(&x, &w, t, k, 0);
        for (int64_t k = 0; k < x.n; k++)
            td__put(out, t, w.first + k, x.inverse * soft_slope(&x, &w, t, k, all));
    }
    return TD_OK;
}

const td__kernel_row td__reference_loss[] = {
    {"count_correct", count_correct},
    {"soft_kl", soft_kl},
    {"soft_kl_grad", soft_kl_grad},
    {"soft_kl_target_grad", soft_kl_target_grad},
    {"kl_div", kl_div},
    {"kl_div_grad", kl_div_grad},
    {"kl_div_target_grad", kl_div_target_grad},
    {"mse_loss", mse_loss},
    {"mse_loss_grad", mse_loss_grad},
    {"l1_loss", l1_loss},
    {"l1_loss_grad", l1_loss_grad},
    {"smooth_l1_loss", smooth_l1_loss},
    {"smooth_l1_loss_grad", smooth_l1_loss_grad},
    {"cross_entropy", cross_entropy},
    {"cross_entropy_grad", cross_entropy_grad},
    {NULL, NULL},
};
