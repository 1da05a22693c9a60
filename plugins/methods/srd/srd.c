/* A simple recipe for distillation (Miles and Mikolajczyk, "Understanding the role of the projector in knowledge
 * distillation", AAAI 2024, arXiv 2303.11098).  Features go through a projector (the student's) and are normalized over
 * the batch (both; see wrapper.c); then
 *
 *     L = 2 ln sum_{b,d} |f_s - f_t|^e + KL(softmax(z_t / T) || softmax(z_s / T)),
 *
 * the soft part without T^2, as torchdistill has it. */
#include "srd.h"

struct srd {
    td_tap student_feature, teacher_feature, student_linear, teacher_linear;
    double exponent, temperature;
    const char *reduction;
};

static const td_param srd_params[] = {
    TD_TAP_STUDENT(struct srd, student_feature, "student_feature_module_path", "student_feature_module_io", NULL),
    TD_TAP_TEACHER(struct srd, teacher_feature, "teacher_feature_module_path", "teacher_feature_module_io", NULL),
    TD_TAP_STUDENT(struct srd, student_linear, "student_linear_module_path", "student_linear_module_io", NULL),
    TD_TAP_TEACHER(struct srd, teacher_linear, "teacher_linear_module_path", "teacher_linear_module_io", NULL),
    TD_PARAM_FLOAT(struct srd, exponent, "1", "e: of the features' differences", .min = 1, .max = 100),
    TD_PARAM_FLOAT(struct srd, temperature, "1", "T: softens both distributions", .min = 1e-6, .max = 1e9),
    TD_PARAM_STRING(struct srd, reduction, "batchmean", "of the soft part", .choices = "batchmean|mean|sum"),
    TD_PARAM_END_OPEN};

static td_tensor *srd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct srd *p = params;
    td_tensor *d = td_abs(c, td_sub(c, td_io_get(io, &p->student_feature), td_io_get(io, &p->teacher_feature)));
    td_tensor *sum = td_sum(c, p->exponent == 1 ? d : td_pow(c, d, p->exponent), 0, 0);
    td_tensor *feature = td_scale(c, td_log(c, td_clamp(c, sum, 1e-30, 1e300)), 2); /* equal features: no gradient */
    return td_add(c, feature, td_soft_kl(c, td_io_get(io, &p->student_linear), td_io_get(io, &p->teacher_linear),
                                         p->temperature, td_reduction(p->reduction)));
}

static const td_loss_type srd = {
    .type = {.key = "SRDLoss", .summary = "logarithm of the features' distance, and the softened teacher",
             .params = srd_params, .params_size = sizeof(struct srd)},
    .forward = srd_forward};

TD_PLUGIN(srd, "0.1.0", "MIT", "Simple recipe distillation (Miles and Mikolajczyk, AAAI 2024)",
          "loss:SRDLoss wrapper:SRDModelWrapper")
{
    td_register(reg, TD_KIND_LOSS, &srd);
    td_register(reg, TD_KIND_WRAPPER, &srd_wrapper);
}
