/* Streamlined knowledge distillation (Jeong et al., CVPR 2026), of logits alone.
 *
 * Instance: KL(softmax(z_t / T) || softmax(z_s / T)), without T^2 and without labels.
 *
 * Direction: with z^ the logits made unit length, D = z^_s z^_s^T - z^_t z^_t^T compares the angles between the samples
 * of a batch, [B,B] with columns D_i; their lengths are measured in the columns' own spread,
 *
 *     L = mean_i sqrt(D_i^T S^-1 D_i),   S = cov(D_1 .. D_B) + lambda I,   cov with B - 1 below. */
#include <td/td.h>

struct skd {
    td_tap student, teacher;
    double temperature, tikhonov;
};

#define TAPS                                                                                                           \
    TD_TAP_STUDENT(struct skd, student, "student_module_path", "student_module_io", NULL),                             \
        TD_TAP_TEACHER(struct skd, teacher, "teacher_module_path", "teacher_module_io", NULL)

static const td_param instance_params[] = {
    TAPS, TD_PARAM_FLOAT(struct skd, temperature, "4", "T: softens both distributions", .min = 1e-6, .max = 1e9),
    TD_PARAM_END_OPEN};
static const td_param direction_params[] = {
    TAPS, TD_PARAM_FLOAT(struct skd, tikhonov, "0.1", "lambda: of the covariance", .min = 1e-9, .max = 1e9),
    TD_PARAM_END_OPEN};

static td_tensor *instance_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct skd *p = params;
    return td_soft_kl(c, td_io_get(io, &p->student), td_io_get(io, &p->teacher), p->temperature, TD_BATCHMEAN);
}

/* The cosines of the angles between the rows of z, [B,B]. */
static td_tensor *cosines(td_ctx *c, td_tensor *z)
{
    td_tensor *unit = td_normalize(c, z, 2, 1, 1e-12);
    return td_matmul(c, unit, unit, 0, 1);
}

static td_tensor *direction_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct skd *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    int64_t batch = td_dim(s, 0);
    if (!td_failed(c) && (td_ndim(s) != 2 || batch < 2))
        td_fail(c, "angles between samples need logits of [batch, classes] and two samples at least");
    td_tensor *d = td_sub(c, cosines(c, s), cosines(c, t));
    td_tensor *centred = td_sub(c, d, td_mean(c, d, TD_DIM(1), 1));
    td_tensor *covariance = td_scale(c, td_matmul(c, centred, centred, 0, 1), 1.0 / (double)(batch - 1));
    td_tensor *ridge = td_scale(c, td_eye(c, td_desc_of(s)->dtype, batch), p->tikhonov);
    td_tensor *solved = td_solve_spd(c, td_add(c, covariance, ridge), d);
    td_tensor *squares = td_sum(c, td_mul(c, d, solved), TD_DIM(0), 0);
    return td_mean(c, td_sqrt(c, td_clamp(c, squares, 1e-30, 1e300)), 0, 0); /* the root has no slope at 0 */
}

static const td_loss_type instance = {
    .type = {.key = "SKDInstanceLoss", .summary = "divergence from the softened teacher, nothing else",
             .params = instance_params, .params_size = sizeof(struct skd)},
    .forward = instance_forward};
static const td_loss_type direction = {
    .type = {.key = "SKDDirectionLoss", .summary = "Mahalanobis distance of the angles between the batch's logits",
             .params = direction_params, .params_size = sizeof(struct skd)},
    .forward = direction_forward,
    .min_batch = 2};

TD_PLUGIN(skd, "0.1.0", "MIT", "Streamlined knowledge distillation (Jeong et al., CVPR 2026)",
          "loss:SKDInstanceLoss loss:SKDDirectionLoss")
{
    td_register(reg, TD_KIND_LOSS, &instance);
    td_register(reg, TD_KIND_LOSS, &direction);
}
