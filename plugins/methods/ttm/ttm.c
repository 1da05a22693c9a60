/* Transformed teacher matching (Zheng and Yang, ICLR 2024, arXiv 2402.11148): distillation without a temperature on the
 * student.  The teacher's probabilities p are sharpened or flattened by a power, whose sum says how flat they were:
 *
 *     q = p^gamma / U,   U = sum_c p_c^gamma,
 *     TTM = mean_b KL(q || softmax(z_s)),   WTTM = mean_b U_b KL(q || softmax(z_s)).
 *
 * With gamma = 1 / T, q is the teacher at temperature T. */
#include <td/td.h>

struct ttm {
    td_tap student, teacher;
    double gamma;
};

static const td_param ttm_params[] = {
    TD_TAP_STUDENT(struct ttm, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct ttm, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOAT(struct ttm, gamma, NULL, "power of the teacher's probabilities: 1 / T", .min = 1e-6, .max = 1e6),
    TD_PARAM_END};

/* KL(q || softmax(z_s)) of each sample, [B]; ln p^gamma, [B,C], in *powers. */
static td_tensor *divergences(td_ctx *c, const struct ttm *p, td_io *io, td_tensor **powers)
{
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    *powers = td_scale(c, td_log_softmax(c, t, 1), p->gamma);
    td_tensor *kl = td_kl_div(c, td_log_softmax(c, s, 1), td_softmax(c, *powers, 1), TD_NO_REDUCTION);
    return td_sum(c, kl, TD_DIM(1), 0);
}

static td_tensor *ttm_forward(td_ctx *c, const void *params, td_io *io)
{
    td_tensor *powers;
    return td_mean(c, divergences(c, params, io, &powers), 0, 0);
}

static td_tensor *wttm_forward(td_ctx *c, const void *params, td_io *io)
{
    td_tensor *powers, *kl = divergences(c, params, io, &powers);
    return td_mean(c, td_mul(c, td_sum(c, td_exp(c, powers), TD_DIM(1), 0), kl), 0, 0);
}

static const td_loss_type ttm = {
    .type = {.key = "TTMLoss", .summary = "divergence from a power of the teacher's probabilities",
             .params = ttm_params, .params_size = sizeof(struct ttm)},
    .forward = ttm_forward};
static const td_loss_type wttm = {
    .type = {.key = "WTTMLoss", .summary = "TTMLoss, flat teacher distributions counting more", .params = ttm_params,
             .params_size = sizeof(struct ttm)},
    .forward = wttm_forward};

TD_PLUGIN(ttm, "0.1.0", "MIT", "Transformed teacher matching, weighted too (Zheng and Yang, ICLR 2024)",
          "loss:TTMLoss loss:WTTMLoss")
{
    td_register(reg, TD_KIND_LOSS, &ttm);
    td_register(reg, TD_KIND_LOSS, &wttm);
}
