/* Knowledge distillation (Hinton, Vinyals and Dean, 2014, arXiv 1503.02531):
 *
 *     L = alpha CE(z_s, y) + beta T^2 KL(softmax(z_t / T) || softmax(z_s / T)),   beta = 1 - alpha unless given.
 *
 * torchdistill leaves T^2 and the hard loss out where alpha is null or 0; `scale_soft: true` keeps T^2 as in the paper.
 * LogitStdKDLoss gives the soft loss standardized logits (Sun et al., CVPR 2024; standardize.c). */
#include <math.h>

#include "kd.h"

struct kd {
    td_tap student, teacher;
    double temperature, alpha, beta, label_smoothing, eps;
    int64_t ignore_index;
    const char *reduction;
    int32_t scale_soft;
};

#define KD_PARAMS                                                                                                      \
    TD_TAP_STUDENT(struct kd, student, "student_module_path", "student_module_io", NULL),                              \
    TD_TAP_TEACHER(struct kd, teacher, "teacher_module_path", "teacher_module_io", NULL),                              \
    TD_PARAM_FLOAT(struct kd, temperature, NULL, "T: softens both distributions", .min = 1e-6, .max = 1e9),            \
    TD_PARAM_FLOAT(struct kd, alpha, "null", "weight of the hard loss", .flags = TD_NULLABLE),                         \
    TD_PARAM_FLOAT(struct kd, beta, "null", "weight of the soft loss; null: 1 - alpha", .flags = TD_NULLABLE),         \
    TD_PARAM_STRING(struct kd, reduction, "batchmean", "of the soft loss", .choices = "batchmean|mean|sum"),           \
    TD_PARAM_FLOAT(struct kd, label_smoothing, "0", "of the hard loss", .max = 1),                                     \
    TD_PARAM_INT(struct kd, ignore_index, "-100", "label the hard loss leaves out"),                                   \
    TD_PARAM_BOOL(struct kd, scale_soft, "false", "T^2 also where alpha is null or 0 (the paper's equation)")

static const td_param kd_params[] = {KD_PARAMS, TD_PARAM_END_OPEN};
static const td_param logit_std_params[] = {
    KD_PARAMS, TD_PARAM_FLOAT(struct kd, eps, "1e-7", "added to the standard deviation", .max = 1), TD_PARAM_END_OPEN};

/* z_s for the hard loss; soft_s and soft_t are what the soft one compares. */
static td_tensor *kd(td_ctx *c, const struct kd *p, td_tensor *z_s, td_tensor *soft_s, td_tensor *soft_t, td_tensor *y)
{
    double T = p->temperature;
    uint32_t reduction = td_reduction(p->reduction);
    td_tensor *soft = td_soft_kl(c, soft_s, soft_t, T, reduction);
    if (isnan(p->alpha) || p->alpha == 0 || !y)
        return p->scale_soft ? td_scale(c, soft, T * T) : soft;
    td_tensor *hard = td_cross_entropy_with(c, z_s, y, NULL, p->ignore_index, p->label_smoothing,
                                            reduction == TD_BATCHMEAN ? TD_MEAN : reduction);
    double beta = isnan(p->beta) ? 1 - p->alpha : p->beta;
    return td_add(c, td_scale(c, hard, p->alpha), td_scale(c, soft, beta * T * T));
}

static td_tensor *kd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct kd *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    return kd(c, p, s, s, t, td_io_of(io)->target);
}

static td_tensor *logit_std_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct kd *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    return kd(c, p, s, kd_standardize(c, s, p->eps), kd_standardize(c, t, p->eps), td_io_of(io)->target);
}

static const td_loss_type kd_loss = {
    .type = {.key = "KDLoss", .summary = "cross entropy with labels and divergence from the softened teacher",
             .params = kd_params, .params_size = sizeof(struct kd)},
    .forward = kd_forward};
static const td_loss_type logit_std_loss = {
    .type = {.key = "LogitStdKDLoss", .summary = "KDLoss whose soft part sees logits of zero mean and unit deviation",
             .params = logit_std_params, .params_size = sizeof(struct kd)},
    .forward = logit_std_forward};

TD_PLUGIN(kd, "0.2.0", "MIT",
          "Knowledge distillation (Hinton et al., 2014), logit standardization (Sun et al., CVPR 2024)",
          "loss:KDLoss loss:LogitStdKDLoss loss_wrapper:LogitStandardization")
{
    td_register(reg, TD_KIND_LOSS, &kd_loss);
    td_register(reg, TD_KIND_LOSS, &logit_std_loss);
    td_register(reg, TD_KIND_LOSS_WRAPPER, &kd_logit_standardization);
}
