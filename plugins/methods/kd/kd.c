/* Knowledge distillation (Hinton, Vinyals and Dean, 2014, arXiv 1503.02531):
 *
 *     L = alpha CE(z_s, y) + beta T^2 KL(softmax(z_t / T) || softmax(z_s / T)),   beta = 1 - alpha unless given.
 *
 * torchdistill leaves T^2 and the hard loss out where alpha is null or 0; `scale_soft: true` keeps T^2 as in the paper. */
#include <math.h>
#include <td/td.h>

struct kd {
    td_tap student, teacher;
    double temperature, alpha, beta, label_smoothing;
    int64_t ignore_index;
    const char *reduction;
    int32_t scale_soft;
};

static const td_param kd_params[] = {
    TD_TAP_STUDENT(struct kd, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct kd, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_FLOAT(struct kd, temperature, NULL, "T: softens both distributions", .min = 1e-6, .max = 1e9),
    TD_PARAM_FLOAT(struct kd, alpha, "null", "weight of the hard loss", .flags = TD_NULLABLE),
    TD_PARAM_FLOAT(struct kd, beta, "null", "weight of the soft loss; null: 1 - alpha", .flags = TD_NULLABLE),
    TD_PARAM_STRING(struct kd, reduction, "batchmean", "of the soft loss", .choices = "batchmean|mean|sum"),
    TD_PARAM_FLOAT(struct kd, label_smoothing, "0", "of the hard loss", .max = 1),
    TD_PARAM_INT(struct kd, ignore_index, "-100", "label the hard loss leaves out"),
    TD_PARAM_BOOL(struct kd, scale_soft, "false", "T^2 also where alpha is null or 0 (the paper's equation)"),
    TD_PARAM_END_OPEN};

static td_tensor *kd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct kd *p = params;
    double T = p->temperature;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher), *y = td_io_of(io)->target;
    td_tensor *soft = td_kl_div(c, td_log_softmax(c, td_scale(c, s, 1 / T), 1), td_softmax(c, td_scale(c, t, 1 / T), 1),
                                td_reduction(p->reduction));
    if (isnan(p->alpha) || p->alpha == 0 || !y)
        return p->scale_soft ? td_scale(c, soft, T * T) : soft;
    uint32_t hard_reduction = td_reduction(p->reduction) == TD_BATCHMEAN ? TD_MEAN : td_reduction(p->reduction);
    td_tensor *hard = td_cross_entropy_with(c, s, y, NULL, p->ignore_index, p->label_smoothing, hard_reduction);
    double beta = isnan(p->beta) ? 1 - p->alpha : p->beta;
    return td_add(c, td_scale(c, hard, p->alpha), td_scale(c, soft, beta * T * T));
}

static const td_loss_type kd = {
    .type = {.key = "KDLoss", .summary = "cross entropy with labels and divergence from the softened teacher",
             .params = kd_params, .params_size = sizeof(struct kd)},
    .forward = kd_forward};

TD_PLUGIN(kd, "0.1.0", "MIT", "Knowledge distillation (Hinton et al., 2014)", "loss:KDLoss")
{
    td_register(reg, TD_KIND_LOSS, &kd);
}
