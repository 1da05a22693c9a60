/* Decoupled knowledge distillation (Zhao et al., CVPR 2022, arXiv 2203.08679), equation 7: with p the softmax of z / T,
 * y the label and p^ the softmax over the other classes alone,
 *
 *     L = alpha TCKD + beta NCKD,   TCKD = T^2 KL((p_y, 1 - p_y)_t || (p_y, 1 - p_y)_s),   NCKD = T^2 KL(p^_t || p^_s),
 *
 * times min(epoch / W, 1) as in the authors' recipe. */
#include <td/td.h>

struct dkd {
    td_tap student, teacher;
    double alpha, beta, temperature;
    int64_t warmup_epochs;
};

static const td_param dkd_params[] = {
    TD_TAP_STUDENT(struct dkd, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct dkd, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOAT(struct dkd, alpha, "1", "weight of the divergence between label and other classes"),
    TD_PARAM_FLOAT(struct dkd, beta, "8", "weight of the divergence among the other classes"),
    TD_PARAM_FLOAT(struct dkd, temperature, "4", "T: softens all distributions", .min = 1e-6, .max = 1e9),
    TD_PARAM_INT(struct dkd, warmup_epochs, "20", "W: the loss grows over that many epochs", .min = 0, .max = 1e9),
    TD_PARAM_END};

/* Logarithms, so that none of them overflows: ln p_y and ln (1 - p_y), both [B], and ln p^, [B,C]. */
struct parts {
    td_tensor *label, *rest, *others;
};

static struct parts decouple(td_ctx *c, td_tensor *z, td_tensor *y, td_tensor *hot, double T)
{
    double classes = (double)td_dim(z, 1);
    z = td_scale(c, z, 1 / T);
    td_tensor *others = td_log_softmax(c, td_without(c, hot, z), 1);
    /* p_k = (1 - p_y) p^_k for each of the other classes: the mean over them. */
    td_tensor *ratios = td_mul(c, td_sub(c, td_log_softmax(c, z, 1), others), td_affine(c, hot, -1, 1));
    td_tensor *label = td_neg(c, td_cross_entropy_each(c, z, y));
    return (struct parts){label, td_scale(c, td_sum(c, ratios, TD_DIM(1), 0), 1 / (classes - 1)), others};
}

/* p (ln p - ln q), from logarithms. */
static td_tensor *divergence(td_ctx *c, td_tensor *p, td_tensor *q)
{
    return td_mul(c, td_exp(c, p), td_sub(c, p, q));
}

static td_tensor *dkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct dkd *p = params;
    td_tensor *z_s = td_io_get(io, &p->student), *z_t = td_io_get(io, &p->teacher), *y = td_io_of(io)->target;
    if (!td_failed(c) && (td_ndim(z_s) != 2 || td_dim(z_s, 1) < 2))
        td_fail(c, "the logits must be [batch, classes] with two classes at least (with two only TCKD is not 0)");
    td_tensor *hot = td_one_hot(c, y, td_dim(z_s, 1), td_desc_of(z_s)->dtype);
    struct parts s = decouple(c, z_s, y, hot, p->temperature), t = decouple(c, z_t, y, hot, p->temperature);
    td_tensor *tckd = td_mean(c, td_add(c, divergence(c, t.label, s.label), divergence(c, t.rest, s.rest)), 0, 0);
    td_tensor *nckd = td_kl_div(c, s.others, td_exp(c, t.others), TD_BATCHMEAN);
    td_tensor *loss = td_add(c, td_scale(c, tckd, p->alpha), td_scale(c, nckd, p->beta));
    return td_scale(c, loss, p->temperature * p->temperature * td_warmth(io, p->warmup_epochs));
}

static const td_loss_type dkd = {
    .type = {.key = "DKDLoss", .summary = "divergence from the teacher, the label's part and the rest apart",
             .params = dkd_params, .params_size = sizeof(struct dkd)},
    .needs = TD_NEEDS_TARGET,
    .forward = dkd_forward};

TD_PLUGIN(dkd, "0.1.0", "MIT", "Decoupled knowledge distillation (Zhao et al., CVPR 2022)", "loss:DKDLoss")
{
    td_register(reg, TD_KIND_LOSS, &dkd);
}
