/* Weighted soft labels (Zhou et al., "Rethinking soft labels for knowledge distillation: a bias-variance tradeoff
 * perspective", ICLR 2021, arXiv 2102.00650): each sample's soft loss counts the more, the worse the student
 * does on its label compared with the teacher,
 *
 *     L = T^2 mean_b [ (1 - exp(-CE(z_s, y) / CE(z_t, y))) CE(softmax(z_t / T), softmax(z_s / T)) ].
 *
 * The weights are constants; eps keeps the quotient finite where the teacher is certain. */
#include <td/td.h>

struct wsld {
    td_tap student, teacher;
    double temperature, eps;
};

static const td_param wsld_params[] = {
    TD_TAP_STUDENT(struct wsld, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct wsld, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOAT(struct wsld, temperature, "2", "T: softens both distributions", .min = 1e-6, .max = 1e9),
    TD_PARAM_FLOAT(struct wsld, eps, "1e-7", "added to the teacher's cross entropy", .max = 1), TD_PARAM_END};

static td_tensor *wsld_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct wsld *p = params;
    double T = p->temperature;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher), *y = td_io_of(io)->target;
    td_tensor *quotient = td_div(c, td_cross_entropy_each(c, td_detach(c, s), y),
                                 td_affine(c, td_cross_entropy_each(c, td_detach(c, t), y), 1, p->eps));
    td_tensor *weight = td_affine(c, td_exp(c, td_neg(c, quotient)), -1, 1);
    td_tensor *q = td_softmax(c, td_scale(c, t, 1 / T), 1), *log_p = td_log_softmax(c, td_scale(c, s, 1 / T), 1);
    td_tensor *soft = td_sum(c, td_mul(c, q, log_p), TD_DIM(1), 0);
    return td_scale(c, td_mean(c, td_mul(c, weight, soft), 0, 0), -T * T);
}

static const td_loss_type wsld = {
    .type = {.key = "WSLDLoss", .summary = "soft cross entropy, weighted by how much the student has to learn",
             .params = wsld_params, .params_size = sizeof(struct wsld)},
    .needs = TD_NEEDS_TARGET,
    .forward = wsld_forward};

TD_PLUGIN(wsld, "0.1.0", "MIT", "Weighted soft-label distillation (Zhou et al., ICLR 2021)", "loss:WSLDLoss")
{
    td_register(reg, TD_KIND_LOSS, &wsld);
}
