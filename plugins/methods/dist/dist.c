/* DIST: knowledge distillation from a stronger teacher (Huang et al., NeurIPS 2022, arXiv 2205.10536), section 3.
 * With Y = softmax(z / tau) and rho Pearson's correlation,
 *
 *     L_inter = tau^2 (1 - mean_b rho(Y_s[b,:], Y_t[b,:])),   L_intra = tau^2 (1 - mean_c rho(Y_s[:,c], Y_t[:,c])),
 *     L = beta L_inter + gamma L_intra.
 *
 * DIST+ (Huang et al., TPAMI 2025) adds correlations of a pair of feature maps F [B,C,H,W]:
 *
 *     iota (1 - mean_{b,h,w} rho(F_s[b,:,h,w], F_t[b,:,h,w])) + kappa (1 - mean_{h,w} rho(S_s[:,h,w], S_t[:,h,w])),
 *
 * S = sum_c F.  torchdistill adds iota times the mean correlation itself, so that it is made small: `mode: code`. */
#include <td/td.h>

struct dist {
    td_tap student, teacher;
    double beta, gamma, tau, eps;
};
struct dist_plus {
    struct dist dist;
    td_tap student_feature, teacher_feature;
    double iota, kappa;
    const char *mode;
};

/* Both tables: `dist` is where a dist_plus starts. */
#define DIST_PARAMS                                                                                                    \
    TD_PARAM_FLOAT(struct dist, beta, "1", "weight of the relations of a sample's classes"),                           \
    TD_PARAM_FLOAT(struct dist, gamma, "1", "weight of the relations of a class's samples"),                           \
    TD_PARAM_FLOAT(struct dist, tau, "1", "temperature", .min = 1e-6, .max = 1e9),                                     \
    TD_PARAM_FLOAT(struct dist, eps, "1e-8", "keeps a constant row's correlation finite", .max = 1)

static const td_param dist_params[] = {
    TD_TAP_STUDENT(struct dist, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct dist, teacher, "teacher_module_path", "teacher_module_io", NULL), DIST_PARAMS,
    TD_PARAM_END_OPEN};

static const td_param dist_plus_params[] = {
    TD_TAP_STUDENT(struct dist, student, "student_logit_module_path", "student_logit_module_io", NULL),
    TD_TAP_TEACHER(struct dist, teacher, "teacher_logit_module_path", "teacher_logit_module_io", NULL),
    TD_TAP_STUDENT(struct dist_plus, student_feature, "student_feature_module_path", "student_feature_module_io",
                   NULL),
    TD_TAP_TEACHER(struct dist_plus, teacher_feature, "teacher_feature_module_path", "teacher_feature_module_io",
                   NULL),
    DIST_PARAMS,
    TD_PARAM_FLOAT(struct dist_plus, iota, "1", "weight of the channels' correlation at each place"),
    TD_PARAM_FLOAT(struct dist_plus, kappa, "1", "weight of the samples' correlation at each place"),
    TD_PARAM_STRING(struct dist_plus, mode, "code", "the sign of iota's term: torchdistill's or the paper's",
                    .choices = "code|paper"),
    TD_PARAM_END_OPEN};

/* The length of x along the dimension, which stays as 1; the sum is kept from 0, where the root has no slope. */
static td_tensor *length(td_ctx *c, td_tensor *x, uint32_t dim)
{
    return td_sqrt(c, td_clamp(c, td_sum(c, td_square(c, x), dim, 1), 1e-36, 1e300));
}

/* Pearson's correlation along one dimension, averaged over all others: a . b / (|a| |b| + eps), a and b centred. */
static td_tensor *correlation(td_ctx *c, td_tensor *x, td_tensor *y, int64_t dim, double eps)
{
    uint32_t d = TD_DIM(dim);
    td_tensor *a = td_sub(c, x, td_mean(c, x, d, 1)), *b = td_sub(c, y, td_mean(c, y, d, 1));
    td_tensor *lengths = td_mul(c, length(c, a, d), length(c, b, d));
    return td_mean(c, td_div(c, td_sum(c, td_mul(c, a, b), d, 1), td_affine(c, lengths, 1, eps)), 0, 0);
}

/* weight * (1 - mean correlation) */
static td_tensor *relation(td_ctx *c, td_tensor *x, td_tensor *y, int64_t dim, double eps, double weight)
{
    return td_affine(c, correlation(c, x, y, dim, eps), -weight, weight);
}

static td_tensor *dist(td_ctx *c, const struct dist *p, td_io *io)
{
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    if (!td_failed(c) && (td_ndim(s) != 2 || td_dim(s, 0) < 2))
        td_fail(c, "correlations over a batch need logits of [batch, classes] and two samples at least");
    td_tensor *y_s = td_softmax(c, td_scale(c, s, 1 / p->tau), 1), *y_t = td_softmax(c, td_scale(c, t, 1 / p->tau), 1);
    double square = p->tau * p->tau;
    return td_add(c, relation(c, y_s, y_t, 1, p->eps, square * p->beta),
                  relation(c, y_s, y_t, 0, p->eps, square * p->gamma));
}

static td_tensor *dist_forward(td_ctx *c, const void *params, td_io *io)
{
    return dist(c, params, io);
}

static td_tensor *dist_plus_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct dist_plus *p = params;
    double eps = p->dist.eps;
    td_tensor *loss = dist(c, &p->dist, io);
    td_tensor *s = td_io_get(io, &p->student_feature), *t = td_io_get(io, &p->teacher_feature);
    if (!td_failed(c) && (td_ndim(s) != 4 || td_ndim(t) != 4))
        td_fail(c, "DIST+ needs feature maps [batch, channels, height, width] of both networks");
    td_tensor *channels = p->mode[0] == 'c' ? td_scale(c, correlation(c, s, t, 1, eps), p->iota)
                                            : relation(c, s, t, 1, eps, p->iota);
    td_tensor *places = relation(c, td_sum(c, s, TD_DIM(1), 0), td_sum(c, t, TD_DIM(1), 0), 0, eps, p->kappa);
    return td_add(c, loss, td_add(c, channels, places));
}

static const td_loss_type dist_loss = {
    .type = {.key = "DISTLoss", .summary = "the teacher's relations between classes and between samples",
             .params = dist_params, .params_size = sizeof(struct dist)},
    .forward = dist_forward,
    .min_batch = 2};
static const td_loss_type dist_plus_loss = {
    .type = {.key = "DISTPlusLoss", .summary = "DISTLoss and correlations of feature maps", .params = dist_plus_params,
             .params_size = sizeof(struct dist_plus)},
    .forward = dist_plus_forward,
    .min_batch = 2};

TD_PLUGIN(dist, "0.1.0", "MIT", "DIST and DIST+ (Huang et al., NeurIPS 2022, TPAMI 2025)",
          "loss:DISTLoss loss:DISTPlusLoss")
{
    td_register(reg, TD_KIND_LOSS, &dist_loss);
    td_register(reg, TD_KIND_LOSS, &dist_plus_loss);
}
