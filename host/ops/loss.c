/* Losses, as torch.nn.functional's.  {td_loss_attrs}: reduction TD_MEAN, TD_SUM, TD_BATCHMEAN -> [], TD_NO_REDUCTION
 * -> one value a position.
 *
 *   kl_div(input, target)      t (ln t - input), input = log-probabilities; 0 ln 0 = 0
 *   mse_loss(x, y)             (x - y)^2
 *   l1_loss(x, y)              |x - y|
 *   smooth_l1_loss(x, y)       d^2 / (2 beta) where d = |x - y| < beta, else d - beta / 2; beta 0 is l1_loss
 *   soft_kl(s, t), both [B,C] or [B,C,H,W]
 *       p (ln p - ln q) with p = softmax(t / T), q = softmax(s / T) over the classes, T = beta; 0 ln 0 = 0
 *   cross_entropy(logits [B,C] or [B,C,H,W], target int64 [B] or [B,H,W], weight [C]?)
 *       -(1-e) w_t ln p_t - e/C sum_c w_c ln p_c with p = softmax(logits), e = label_smoothing; 0 where target is
 *       ignore_index; TD_MEAN divides by the sum of w_t over the positions that count.
 * what is no loss, but counted of the same:
 *   count_correct(logits [B,C], target int64 [B], counts int64 [2])
 *       adds to counts how many rows' target class comes first, and among the first five.  Of equal logits the first
 *       counts as larger (as argmax), NaN is before all others; a target that is no class is never right.
 * and for gradients (not differentiable again; g is the gradient of the loss and has its shape):
 *   mse_loss_grad(g, x, y), l1_loss_grad(g, x, y), smooth_l1_loss_grad(g, x, y) {td_loss_attrs} -> like x;
 *       the gradient of y is minus that
 *   kl_div_grad(g, input, target) {td_loss_attrs} -> like input
 *   kl_div_target_grad(g, input, target) {td_loss_attrs} -> like target: g (ln t + 1 - input), -g input where t = 0
 *   soft_kl_grad(g, s, t) {td_loss_attrs} -> like s: (q_i sum_k g_k p_k - g_i p_i) / T
 *   soft_kl_target_grad(g, s, t) {td_loss_attrs} -> like t: p_i (h_i - sum_k p_k h_k) / T, h = g (ln p - ln q + 1)
 *   cross_entropy_grad(g, logits, target, weight?) {td_loss_attrs} -> like logits */
#include "host/ops/rule.h"
#include "host/ops/table.h"

static void reduced(const td_desc *x, const td_loss_attrs *a, td_desc *out)
{
    *out = *x;
    if (a->reduction != TD_NO_REDUCTION)
        out->ndim = 0;
}

static int reduction_fits(td_ctx *c, const td_desc *x, const td_loss_attrs *a)
{
    if (a->reduction > TD_NO_REDUCTION || (a->reduction == TD_BATCHMEAN && x->ndim == 0)) {
        td_fail(c, "reduction %u of %s", a->reduction, TD__SHAPE(x));
        return 0;
    }
    return 1;
}

/* in[0] and in[1] compared element by element. */
static int pair_fits(td_ctx *c, const td_desc *in, const td_loss_attrs *a)
{
    if (!td__one_float_dtype(c, in, 2, 0) || !reduction_fits(c, in, a))
        return 0;
    if (!td__same_shape(&in[0], &in[1])) {
        td_fail(c, "input %s and target %s differ in shape", TD__SHAPE(&in[0]), TD__SHAPE(&in[1]));
        return 0;
    }
    return 1;
}

static void gradient_of(td_ctx *c, const td_desc *g, const td_desc *x, const td_desc *loss, td_desc *out)
{
    if (g->dtype != x->dtype || !td__same_shape(g, loss)) {
        td_fail(c, "gradient %s of a loss %s", TD__SHAPE(g), TD__SHAPE(loss));
        return;
    }
    *out = *x;
}

static void pair_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in;
    if (pair_fits(c, in, attrs))
        reduced(in, attrs, out);
}

static void pair_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    td_desc loss;
    (void)n_in;
    if (!pair_fits(c, in + 1, attrs))
        return;
    reduced(&in[1], attrs, &loss);
    gradient_of(c, &in[0], &in[1], &loss, out);
}

static int two_logits(td_ctx *c, const td_desc *x, const td_loss_attrs *a)
{
    if ((x->ndim == 2 || x->ndim == 4) && a->beta > 0)
        return 1;
    td_fail(c, "logits %s at temperature %g: [B, C] or [B, C, H, W] and a positive one are needed", TD__SHAPE(x),
            a->beta);
    return 0;
}

static void soft_kl_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    if (two_logits(c, in, attrs))
        pair_infer(c, in, n_in, attrs, out);
}

static void soft_kl_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    if (two_logits(c, in + 1, attrs))
        pair_grad_infer(c, in, n_in, attrs, out);
}

/* Whether logits, target and weight fit; the shape of the loss goes to *loss. */
static int classes_fit(td_ctx *c, const td_desc *in, uint32_t n_in, const td_loss_attrs *a, td_desc *loss)
{
    const td_desc *x = &in[0], *t = &in[1];
    if (!td__one_float_dtype(c, in, n_in, 1u << 1) || !reduction_fits(c, x, a))
        return 0;
    if (t->dtype != TD_INT64) {
        td_fail(c, "the target is %s %s, int64 class numbers are needed", td__dtype_name(t->dtype), TD__SHAPE(t));
        return 0;
    }
    int fits = (x->ndim == 2 || x->ndim == 4) && t->ndim == x->ndim - 1 && t->shape[0] == x->shape[0];
    for (uint32_t i = 1; fits && i < t->ndim; i++)
        fits = t->shape[i] == x->shape[i + 1];
    if (!fits) {
        td_fail(c, "logits %s and target %s do not fit: [B, C] and [B], or [B, C, H, W] and [B, H, W] are needed",
                TD__SHAPE(x), TD__SHAPE(t));
        return 0;
    }
    if (td__given(in, n_in, 2) && (in[2].ndim != 1 || in[2].shape[0] != x->shape[1])) {
        td_fail(c, "weight %s for logits %s with %lld classes", TD__SHAPE(&in[2]), TD__SHAPE(x),
                (long long)x->shape[1]);
        return 0;
    }
    reduced(t, a, loss);
    loss->dtype = x->dtype;
    return 1;
}

static void cross_entropy_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    classes_fit(c, in, n_in, attrs, out);
}

static void cross_entropy_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    td_desc loss;
    if (classes_fit(c, in + 1, n_in - 1, attrs, &loss))
        gradient_of(c, &in[0], &in[1], &loss, out);
}

static void count_correct_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_loss_attrs each = {TD_NO_REDUCTION, 0, 0, 0, 1};
    (void)attrs;
    (void)n_in;
    if (classes_fit(c, in, 2, &each, out) && (in->ndim != 2 || in[2].dtype != TD_INT64 || td_desc_numel(&in[2]) != 2))
        td_fail(c, "logits %s are counted into %s %s: [B, C] and int64 [2] are needed", TD__SHAPE(in),
                td__dtype_name(in[2].dtype), TD__SHAPE(&in[2]));
}

static void cross_entropy_grad(td_ctx *c, const td_grad *g)
{
    td_tensor *in[4] = {g->gout[0], g->in[0], g->in[1], g->in[2]}, *out[1];
    if (g->needs[0])
        g->gin[0] = td_host->apply(c, "cross_entropy_grad", in, 4, g->attrs, sizeof(td_loss_attrs), out, 1);
}

static td_tensor *pair_grad(td_ctx *c, const char *op, const td_grad *g)
{
    return td__op3(c, op, g->gout[0], g->in[0], g->in[1], g->attrs, sizeof(td_loss_attrs));
}

/* Losses of x - y: the two gradients are opposite. */
static void difference_grad(td_ctx *c, const char *op, const td_grad *g)
{
    td_tensor *gx = pair_grad(c, op, g);
    if (g->needs[0])
        g->gin[0] = gx;
    if (g->needs[1])
        g->gin[1] = td_neg(c, gx);
}

static void mse_loss_grad(td_ctx *c, const td_grad *g) { difference_grad(c, "mse_loss_grad", g); }
static void l1_loss_grad(td_ctx *c, const td_grad *g) { difference_grad(c, "l1_loss_grad", g); }
static void smooth_l1_loss_grad(td_ctx *c, const td_grad *g) { difference_grad(c, "smooth_l1_loss_grad", g); }

static void each_grad(td_ctx *c, const char *input, const char *target, const td_grad *g)
{
    if (g->needs[0])
        g->gin[0] = pair_grad(c, input, g);
    if (g->needs[1])
        g->gin[1] = pair_grad(c, target, g);
}

static void kl_div_grad(td_ctx *c, const td_grad *g) { each_grad(c, "kl_div_grad", "kl_div_target_grad", g); }
static void soft_kl_grad(td_ctx *c, const td_grad *g) { each_grad(c, "soft_kl_grad", "soft_kl_target_grad", g); }

#define ROW(op, least, most, rule, ...) \
    {.name = #op, .min_in = (least), .max_in = (most), .n_out = 1, .attrs_size = sizeof(td_loss_attrs), \
     .infer = (rule), __VA_ARGS__}
#define LOSS(op) ROW(op, 2, 2, pair_infer, .save_in = 3, .grad = op##_grad)
#define GRADIENT(op) ROW(op, 3, 3, pair_grad_infer, .flags = TD_OP_NONDIFF)

const td_op_type td__ops_loss[] = {
    LOSS(kl_div),
    LOSS(mse_loss),
    LOSS(l1_loss),
    LOSS(smooth_l1_loss),
    ROW(soft_kl, 2, 2, soft_kl_infer, .save_in = 3, .grad = soft_kl_grad),
    ROW(cross_entropy, 2, 3, cross_entropy_infer, .save_in = 7, .grad = cross_entropy_grad),
    GRADIENT(kl_div_grad),
    GRADIENT(kl_div_target_grad),
    GRADIENT(mse_loss_grad),
    GRADIENT(l1_loss_grad),
    GRADIENT(smooth_l1_loss_grad),
    ROW(soft_kl_grad, 3, 3, soft_kl_grad_infer, .flags = TD_OP_NONDIFF),
    ROW(soft_kl_target_grad, 3, 3, soft_kl_grad_infer, .flags = TD_OP_NONDIFF),
    ROW(cross_entropy_grad, 3, 4, cross_entropy_grad_infer, .flags = TD_OP_NONDIFF),
    {.name = "count_correct", .min_in = 3, .max_in = 3, .n_out = 0, .attrs_size = 0, .flags = TD_OP_NONDIFF,
     .mutates = 1u << 2, .infer = count_correct_infer},
    {.name = NULL},
};
