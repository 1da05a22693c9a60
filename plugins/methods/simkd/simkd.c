/* Simple knowledge distillation (Chen, Mei, Zhang, Wang, Feng and Chen, CVPR 2022): the student predicts with the
 * teacher's classifier, so its last feature map f_s only has to become the teacher's f_t behind a projector P
 * (equation 4):
 *
 *     L = mean (P(f_s) - f_t)^2,   with f_t averaged to P(f_s)'s height and width where it is larger. */
#include "simkd.h"

struct simkd {
    td_tap student, teacher;
};

static const td_param simkd_params[] = {
    TD_TAP_STUDENT(struct simkd, student, "student_module_path", "student_module_io", "projector"),
    TD_TAP_TEACHER(struct simkd, teacher, "teacher_module_path", "teacher_module_io", NULL), TD_PARAM_END_OPEN};

static td_tensor *simkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct simkd *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    if (td_dim(t, 2) > td_dim(s, 2) || td_dim(t, 3) > td_dim(s, 3))
        t = td_adaptive_avg_pool2d(c, t, td_dim(s, 2), td_dim(s, 3));
    return td_mse_loss(c, s, t, TD_MEAN);
}

static const td_loss_type simkd = {
    .type = {.key = "SimKDLoss",
             .summary = "squared difference of the projected and the teacher's last feature map",
             .params = simkd_params,
             .params_size = sizeof(struct simkd)},
    .forward = simkd_forward};

TD_PLUGIN(simkd, "0.1.0", "MIT", "Simple knowledge distillation (Chen et al., CVPR 2022)",
          "loss:SimKDLoss wrapper:Student4SimKD")
{
    td_register(reg, TD_KIND_LOSS, &simkd);
    td_register(reg, TD_KIND_WRAPPER, &simkd_student);
}
