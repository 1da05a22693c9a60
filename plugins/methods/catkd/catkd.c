/* Class attention transfer (Guo, Yan, Li and Lin, CVPR 2023): the class activation maps A_k = sum_c W_kc F_c of all
 * classes, averaged to r x r and made unit length, follow the teacher's (equation 5):
 *
 *     code:   L = mean_{b,k,pixel} (phi(A^s)/||phi(A^s)|| - phi(A^t)/||phi(A^t)||)^2       (the authors' code)
 *     paper:  the squares summed over the pixels, not averaged. */
#include "catkd.h"

struct catkd {
    td_tap student, teacher;
    int64_t resolution;
    const char *mode;
    int32_t normalizes;
};

static const td_param catkd_params[] = {
    TD_TAP_STUDENT(struct catkd, student, "student_module_path", "student_module_io", "cam"),
    TD_TAP_TEACHER(struct catkd, teacher, "teacher_module_path", "teacher_module_io", "cam"),
    TD_PARAM_INT(struct catkd, resolution, "2", "r: side to which the maps are averaged", .min = 1, .max = 65536),
    TD_PARAM_BOOL(struct catkd, normalizes, "true", "whether each map is made unit length"),
    TD_PARAM_STRING(struct catkd, mode, "code", "which of the two definitions", .choices = "code|paper"),
    TD_PARAM_END_OPEN};

/* [B,K,H,W] -> [B,K,r^2] */
static td_tensor *phi(td_ctx *c, const struct catkd *p, td_tensor *cam)
{
    int64_t shape[] = {td_dim(cam, 0), td_dim(cam, 1), -1};
    td_tensor *a = td_reshape(c, td_adaptive_avg_pool2d(c, cam, p->resolution, p->resolution), 3, shape);
    return p->normalizes ? td_normalize(c, a, 2, 2, 1e-12) : a;
}

static td_tensor *catkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct catkd *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    td_tensor *loss = td_mse_loss(c, phi(c, p, s), phi(c, p, t), TD_MEAN);
    return p->mode[0] == 'p' ? td_scale(c, loss, (double)(p->resolution * p->resolution)) : loss;
}

static const td_loss_type catkd = {.type = {.key = "CATKDLoss",
                                            .summary = "the student's class activation maps follow the teacher's",
                                            .params = catkd_params,
                                            .params_size = sizeof(struct catkd)},
                                   .forward = catkd_forward};

TD_PLUGIN(catkd, "0.1.0", "MIT", "Class attention transfer (Guo et al., CVPR 2023)", "loss:CATKDLoss wrapper:CAM4CATKD")
{
    td_register(reg, TD_KIND_LOSS, &catkd);
    td_register(reg, TD_KIND_WRAPPER, &catkd_cam);
}
