/* Normalized knowledge distillation (Yang et al., "From knowledge distillation to self-knowledge distillation", ICCV
 * 2023, arXiv 2303.13005).  With p = softmax(z), y the label and p^ the softmax of z / T over the other classes,
 *
 *     L = mean_b [ -p_t[y] ln p_s[y] - gamma T^2 sum_{k != y} p^_t[k] ln p^_s[k] ]. */
#include <td/td.h>

struct nkd {
    td_tap student, teacher;
    double temperature, gamma;
};

static const td_param nkd_params[] = {
    TD_TAP_STUDENT(struct nkd, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct nkd, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOAT(struct nkd, temperature, "1", "T: softens the other classes", .min = 1e-6, .max = 1e9),
    TD_PARAM_FLOAT(struct nkd, gamma, "1.5", "weight of the other classes"), TD_PARAM_END};

static td_tensor *nkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct nkd *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher), *y = td_io_of(io)->target;
    if (!td_failed(c) && (td_ndim(s) != 2 || td_dim(s, 1) < 2))
        td_fail(c, "the logits must be [batch, classes] with two classes at least");
    td_tensor *certainty = td_exp(c, td_neg(c, td_cross_entropy_each(c, t, y)));
    td_tensor *label = td_mean(c, td_mul(c, certainty, td_cross_entropy_each(c, s, y)), 0, 0);

    td_tensor *hot = td_one_hot(c, y, td_dim(s, 1), td_desc_of(s)->dtype);
    td_tensor *others_t = td_softmax(c, td_without(c, hot, td_scale(c, t, 1 / p->temperature)), 1);
    td_tensor *others_s = td_log_softmax(c, td_without(c, hot, td_scale(c, s, 1 / p->temperature)), 1);
    td_tensor *others = td_mean(c, td_sum(c, td_mul(c, others_t, others_s), TD_DIM(1), 0), 0, 0);
    return td_sub(c, label, td_scale(c, others, p->gamma * p->temperature * p->temperature));
}

static const td_loss_type nkd = {
    .type = {.key = "NKDLoss", .summary = "cross entropy with the teacher's label certainty and its other classes",
             .params = nkd_params, .params_size = sizeof(struct nkd)},
    .needs = TD_NEEDS_TARGET,
    .forward = nkd_forward};

TD_PLUGIN(nkd, "0.1.0", "MIT", "Normalized knowledge distillation (Yang et al., ICCV 2023)", "loss:NKDLoss")
{
    td_register(reg, TD_KIND_LOSS, &nkd);
}
