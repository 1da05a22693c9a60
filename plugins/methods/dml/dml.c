/* Deep mutual learning (Zhang et al., CVPR 2018, arXiv 1706.00384), equations 5 and 6, of two networks: each follows
 * the other's predictions, which are constants to it,
 *
 *     L = T^2 [ KL(p_2 || p_1) + KL(p_1 || p_2) ],   p_k = softmax(z_k / T),
 *
 * the first part training network 1 (the student), the second network 2 (in the teacher's place, requires_grad). */
#include <td/td.h>

struct dml {
    td_tap student, teacher;
    double temperature;
};

static const td_param dml_params[] = {
    TD_TAP_STUDENT(struct dml, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct dml, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOAT(struct dml, temperature, "1", "T: softens both predictions", .min = 1e-6, .max = 1e9), TD_PARAM_END};

static td_tensor *dml_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct dml *p = params;
    double T = p->temperature;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    td_tensor *one = td_soft_kl(c, s, td_detach(c, t), T, TD_BATCHMEAN);
    td_tensor *two = td_soft_kl(c, t, td_detach(c, s), T, TD_BATCHMEAN);
    return td_scale(c, td_add(c, one, two), T * T);
}

static const td_loss_type dml = {
    .type = {.key = "DMLLoss", .summary = "two networks in training follow each other's predictions",
             .params = dml_params, .params_size = sizeof(struct dml)},
    .needs = TD_NEEDS_TEACHER_GRAD | TD_NOT_CACHEABLE,
    .forward = dml_forward};

TD_PLUGIN(dml, "0.1.0", "MIT", "Deep mutual learning (Zhang et al., CVPR 2018)", "loss:DMLLoss")
{
    td_register(reg, TD_KIND_LOSS, &dml);
}
