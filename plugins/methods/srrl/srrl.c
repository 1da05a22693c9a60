/* Softmax regression representation learning (Yang, Martinez, Bulat and Tzimiropoulos, ICLR 2021): the student's
 * feature, behind a connector R, follows the teacher's, and so does what the teacher's frozen classifier makes of it
 * (equations 3 and 5):
 *
 *     L = alpha mean (R(f_s) - f_t)^2 + beta mean (W_t avgpool(R(f_s)) + b_t - z_t)^2. */
#include "srrl.h"

struct srrl {
    td_tap student_feature, student_logits, teacher_feature, teacher_logits;
    double alpha, beta;
};

static const td_param srrl_params[] = {
    TD_TAP_STUDENT(struct srrl, student_feature, "student_feature_module_path", "student_feature_module_io",
                   "connector"),
    TD_TAP_STUDENT(struct srrl, student_logits, "student_logits_module_path", "student_logits_module_io", "classifier"),
    TD_TAP_TEACHER(struct srrl, teacher_feature, "teacher_feature_module_path", "teacher_feature_module_io", NULL),
    TD_TAP_TEACHER(struct srrl, teacher_logits, "teacher_logits_module_path", "teacher_logits_module_io", "."),
    TD_PARAM_FLOAT(struct srrl, alpha, "1", "weight of the features"),
    TD_PARAM_FLOAT(struct srrl, beta, "1", "weight of the logits"),
    TD_PARAM_END_OPEN};

static td_tensor *srrl_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct srrl *p = params;
    td_tensor *sum = td_scale(
        c, td_mse_loss(c, td_io_get(io, &p->student_feature), td_io_get(io, &p->teacher_feature), TD_MEAN), p->alpha);
    return td_add_term(c, sum, p->beta,
                       td_mse_loss(c, td_io_get(io, &p->student_logits), td_io_get(io, &p->teacher_logits), TD_MEAN));
}

static const td_loss_type srrl = {
    .type = {.key = "SRRLLoss",
             .summary = "feature and the teacher's classification of it follow the teacher's",
             .params = srrl_params,
             .params_size = sizeof(struct srrl)},
    .forward = srrl_forward};

TD_PLUGIN(srrl, "0.1.0", "MIT", "Softmax regression representation learning (Yang et al., ICLR 2021)",
          "loss:SRRLLoss wrapper:Student4SRRL")
{
    td_register(reg, TD_KIND_LOSS, &srrl);
    td_register(reg, TD_KIND_WRAPPER, &srrl_student);
}
