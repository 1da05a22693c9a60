/* Knowledge translation and adaptation with affinity distillation (He et al., CVPR 2019), for segmentation.
 *
 * Stage 1 trains an autoencoder of the teacher's features (Teacher4FactorTransfer, MSELoss) whose code is kept small:
 *
 *     L_reg = || E(F_t) ||_p                                                                  (section 3.2)
 *
 * Stage 2: the student's adapted features A(F_s) follow that code, and the affinities of its positions the teacher's:
 *
 *     L_adapt = mean | A(F_s) / ||A(F_s)||_q  -  E(F_t) / ||E(F_t)||_q |^p                    (section 3.3)
 *     L_aff   = mean_b sum_c || (s_c s_c^T - t_c t_c^T) / N ||_F,  channels flattened to unit vectors of N positions
 *
 * torchdistill compares affinities channel by channel, which needs no N x N matrix: for s and t of length 1 (or 0)
 * ||s s^T - t t^T||_F^2 = |s|^4 + |t|^4 - 2 (s.t)^2 = |s - t|^2 (1 + s.t). */
#include "ktaad.h"

/* ---- adaptation ---- */

struct kta {
    td_tap translator, adapter;
    double p, q;
    const char *reduction;
};

static const td_param kta_params[] = {
    TD_PARAM_FLOAT(struct kta, p, "1", "norm of the difference", .min = 0.1, .max = 100),
    TD_PARAM_FLOAT(struct kta, q, "2", "norm that is made 1", .min = 0.1, .max = 100),
    TD_PARAM_STRING(struct kta, reduction, "mean", "over the batch; for p = 1 over all elements",
                    .choices = "mean|sum"),
    TD_TAP_PATH(struct kta, translator, "knowledge_translator_path", "paraphraser", TD_SIDE_TEACHER,
                "the code of the teacher's features"),
    TD_TAP_PATH(struct kta, adapter, "feature_adapter_path", "feature_adapter", TD_SIDE_STUDENT,
                "the student's adapted features"),
    TD_PARAM_END_OPEN};

static td_tensor *p_norms(td_ctx *c, td_tensor *rows, double p)
{
    td_tensor *sum = td_sum(c, td_pow(c, td_abs(c, rows), p), TD_DIM(1), 0);
    return td_pow(c, td_clamp(c, sum, 1e-37, 1e300), 1 / p);
}

static td_tensor *kta_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct kta *p = params;
    uint32_t reduction = td_reduction(p->reduction);
    td_tensor *t = td_normalize(c, td_flatten(c, td_io_get(io, &p->translator)), p->q, 1, 1e-12);
    td_tensor *s = td_normalize(c, td_flatten(c, td_io_get(io, &p->adapter)), p->q, 1, 1e-12);
    if (p->p == 1)
        return td_l1_loss(c, s, t, reduction);
    td_tensor *norms = p_norms(c, td_sub(c, t, s), p->p);
    return reduction == TD_MEAN ? td_mean(c, norms, 0, 0) : td_sum(c, norms, 0, 0);
}

static const td_loss_type kta = {.type = {.key = "KTALoss",
                                          .summary = "the student's adapted features follow the teacher's code",
                                          .params = kta_params,
                                          .params_size = sizeof(struct kta)},
                                 .forward = kta_forward};

/* ---- affinity ---- */

struct affinity {
    td_tap student, teacher;
    const char *reduction;
};

static const td_param affinity_params[] = {
    TD_TAP_STUDENT(struct affinity, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct affinity, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_STRING(struct affinity, reduction, "mean", "over the batch", .choices = "mean|sum"), TD_PARAM_END_OPEN};

static td_tensor *affinity_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct affinity *p = params;
    td_tensor *s = td_normalize(c, td_flatten_spatial(c, td_io_get(io, &p->student)), 2, 2, 1e-12);
    td_tensor *t = td_normalize(c, td_flatten_spatial(c, td_io_get(io, &p->teacher)), 2, 2, 1e-12);
    td_tensor *product = td_sum(c, td_mul(c, s, t), TD_DIM(2), 0); /* [B, C] */
    td_tensor *apart = td_sum(c, td_square(c, td_sub(c, s, t)), TD_DIM(2), 0);
    td_tensor *d2 = td_mul(c, apart, td_affine(c, product, 1, 1));
    td_tensor *norms = td_scale(c, td_sqrt(c, td_clamp(c, d2, 1e-30, 1e300)), 1 / (double)td_dim(s, 2));
    double batch = td_reduction(p->reduction) == TD_MEAN ? (double)td_dim(s, 0) : 1;
    return td_scale(c, td_sum(c, norms, 0, 0), 1 / batch);
}

static const td_loss_type affinity = {.type = {.key = "AffinityLoss",
                                               .summary = "affinities of positions follow the teacher's",
                                               .params = affinity_params,
                                               .params_size = sizeof(struct affinity)},
                                      .forward = affinity_forward};

/* ---- regularization ---- */

struct regularization {
    int32_t is_from_teacher;
    td_tap tap;
    double p;
};

static const td_param regularization_params[] = {
    TD_PARAM_BOOL(struct regularization, is_from_teacher, "false", "whose module it is"),
    TD_TAP_EITHER(struct regularization, tap, "module_path", "io_type", NULL),
    TD_PARAM_FLOAT(struct regularization, p, "1", "which norm", .min = 0.1, .max = 100), TD_PARAM_END_OPEN};

static td_tensor *regularization_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct regularization *p = params;
    td_tensor *x = td_io_get(io, &p->tap);
    int64_t row[] = {1, -1};
    return td_sum(c, p_norms(c, td_reshape(c, x, 2, row), p->p), 0, 0);
}

static const td_loss_type regularization = {.type = {.key = "RegularizationLoss",
                                                     .summary = "norm of a tapped tensor",
                                                     .params = regularization_params,
                                                     .params_size = sizeof(struct regularization)},
                                            .needs = TD_NEEDS_TEACHER_GRAD,
                                            .forward = regularization_forward};

TD_PLUGIN(ktaad, "0.1.0", "MIT", "Knowledge adaptation with affinity distillation (He et al., CVPR 2019)",
          "loss:KTALoss loss:AffinityLoss loss:RegularizationLoss wrapper:Student4KTAAD")
{
    td_register(reg, TD_KIND_LOSS, &kta);
    td_register(reg, TD_KIND_LOSS, &affinity);
    td_register(reg, TD_KIND_LOSS, &regularization);
    td_register(reg, TD_KIND_WRAPPER, &ktaad_student);
}
