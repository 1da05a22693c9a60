/* Teacher-free knowledge distillation with a virtual teacher (Yuan et al., "Revisiting knowledge distillation via label
 * smoothing regularization", CVPR 2020, arXiv 1909.11723), section 5: in the teacher's place stands a distribution made
 * by hand, p^d_y = a for the label y and (1 - a) / (C - 1) for each other class,
 *
 *     L = KL(p^d_T || softmax(z_s / T)),   p^d_T proportional to (p^d)^(1/T)                            `mode: paper`
 *     L = KL(softmax(p^d / T) || softmax(z_s))                                                          `mode: code`
 *
 * The second is the authors' program. */
#include <td/td.h>

struct tfkd {
    td_tap student;
    double correct_prob, temperature;
    const char *mode, *reduction;
};

static const td_param tfkd_params[] = {
    TD_TAP_STUDENT(struct tfkd, student, "student_module_path", "student_module_io", "."),
    TD_PARAM_FLOAT(struct tfkd, correct_prob, "0.99", "a: the teacher's certainty", .min = 1e-6, .max = 0.999999),
    TD_PARAM_FLOAT(struct tfkd, temperature, "20", "T: softens the virtual teacher", .min = 1e-6, .max = 1e9),
    TD_PARAM_STRING(struct tfkd, mode, "code", "what T softens", .choices = "code|paper"),
    TD_PARAM_STRING(struct tfkd, reduction, "batchmean", "of the divergence; the authors' program has mean",
                    .choices = "batchmean|mean|sum"),
    TD_PARAM_END};

static td_tensor *tfkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct tfkd *p = params;
    td_tensor *s = td_io_get(io, &p->student);
    int64_t classes = td_dim(s, 1);
    if (!td_failed(c) && (td_ndim(s) != 2 || classes < 2))
        td_fail(c, "the logits must be [batch, classes] with two classes at least");
    double a = p->correct_prob, other = (1 - a) / (double)(classes - 1);
    td_tensor *teacher = td_one_hot(c, td_io_of(io)->target, classes, td_desc_of(s)->dtype);
    teacher = td_affine(c, teacher, a - other, other);
    if (p->mode[0] == 'c')
        return td_kl_div(c, td_log_softmax(c, s, 1), td_softmax(c, td_scale(c, teacher, 1 / p->temperature), 1),
                         td_reduction(p->reduction));
    return td_soft_kl(c, s, td_log(c, teacher), p->temperature, td_reduction(p->reduction));
}

static const td_loss_type tfkd = {
    .type = {.key = "TfKDLoss", .summary = "divergence from a teacher made by hand from the label",
             .params = tfkd_params, .params_size = sizeof(struct tfkd)},
    .needs = TD_NEEDS_TARGET,
    .forward = tfkd_forward};

TD_PLUGIN(tfkd, "0.1.0", "MIT", "Teacher-free distillation, virtual teacher (Yuan et al., CVPR 2020)", "loss:TfKDLoss")
{
    td_register(reg, TD_KIND_LOSS, &tfkd);
}
