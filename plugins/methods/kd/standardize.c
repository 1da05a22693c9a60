/* Logit standardization in knowledge distillation (Sun et al., CVPR 2024, arXiv 2403.01427), algorithm 1: each sample's
 * logits become
 *
 *     Z(z) = (z - mean(z)) / (std(z) + eps),   std with C - 1 below the root, as PyTorch's
 *
 * before any loss between logits sees them, so that the student need not match the teacher's range. */
#include "kd.h"

struct standardization {
    td_tap student, teacher;
    double eps;
};

static const td_param table[] = {
    TD_TAP_STUDENT(struct standardization, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct standardization, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOAT(struct standardization, eps, "1e-7", "added to the standard deviation", .max = 1),
    TD_PARAM_END};

td_tensor *kd_standardize(td_ctx *c, td_tensor *z, double eps)
{
    int64_t classes = td_dim(z, 1);
    if (!td_failed(c) && (td_ndim(z) != 2 || classes < 2))
        td_fail(c, "standardized logits are [batch, classes] with two classes at least");
    td_tensor *d = td_sub(c, z, td_mean(c, z, TD_DIM(1), 1));
    td_tensor *variance = td_scale(c, td_sum(c, td_square(c, d), TD_DIM(1), 1), 1.0 / (double)(classes - 1));
    td_tensor *std = td_sqrt(c, td_clamp(c, variance, 1e-30, 1e300)); /* of equal logits the root has no gradient */
    return td_div(c, d, td_affine(c, std, 1, eps));
}

static void cover(td_ctx *c, td_io *io, const td_tap *tap, double eps)
{
    td_io_cover(io, tap, kd_standardize(c, td_io_get(io, tap), eps));
}

static td_tensor *forward(td_ctx *c, const void *params, const td_loss_type *loss, const void *loss_params, td_io *io)
{
    const struct standardization *p = params;
    cover(c, io, &p->student, p->eps);
    cover(c, io, &p->teacher, p->eps);
    return loss->forward(c, loss_params, io);
}

const td_loss_wrapper_type kd_logit_standardization = {
    .type = {.key = "LogitStandardization",
             .summary = "logits of zero mean and unit deviation for the loss behind it",
             .params = table,
             .params_size = sizeof(struct standardization)},
    .forward = forward,
    .wraps = TD_WRAPS_FORWARD};
