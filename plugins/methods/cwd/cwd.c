/* Channel-wise distillation (Shu et al., ICCV 2021, section 3): each channel of a map becomes a distribution over its
 * positions, phi(F)_{c,i} = softmax_i(F_{c,i} / T), and the student's follow the teacher's:
 *
 *     L = (1/B) sum_b (T^2 / C) sum_c sum_i phi(F_t)_{c,i} ln (phi(F_t)_{c,i} / phi(F_s)_{c,i}) */
#include <td/td.h>

struct cwd {
    td_tap student, teacher;
    double temperature;
};

static const td_param cwd_params[] = {
    TD_TAP_STUDENT(struct cwd, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct cwd, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_FLOAT(struct cwd, temperature, "4", "T: the larger, the more positions count", .min = 1e-6, .max = 1e9),
    TD_PARAM_END_OPEN};

/* A row of positions for each channel: [B C, HW]. */
static td_tensor *positions(td_ctx *c, td_tensor *f)
{
    const int64_t shape[2] = {td_dim(f, 0) * td_dim(f, 1), -1};
    return td_reshape(c, f, 2, shape);
}

static td_tensor *cwd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct cwd *p = params;
    double T = p->temperature;
    td_tensor *s = positions(c, td_io_get(io, &p->student)), *t = positions(c, td_io_get(io, &p->teacher));
    return td_scale(c, td_soft_kl(c, s, t, T, TD_BATCHMEAN), T * T);
}

static const td_loss_type cwd = {.type = {.key = "CWDLoss",
                                          .summary = "where each channel is active follows the teacher's",
                                          .params = cwd_params,
                                          .params_size = sizeof(struct cwd)},
                                 .forward = cwd_forward};

TD_PLUGIN(cwd, "0.1.0", "MIT", "Channel-wise distillation (Shu et al., ICCV 2021)", "loss:CWDLoss")
{
    td_register(reg, TD_KIND_LOSS, &cwd);
}
