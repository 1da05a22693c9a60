/* Correlation congruence (Peng et al., ICCV 2019, section 3): the correlations of the embeddings f in a batch,
 *
 *     bilinear:  K_ij = f_i . f_j
 *     gaussian:  K_ij = exp(-gamma |f_i - f_j|^2) ~ e^(-2 gamma) sum_{p=0..P} (2 gamma)^p / p! (f_i . f_j)^p,
 *
 * the second by its Taylor series for embeddings of unit length, as the paper computes it.  The student's follow the
 * teacher's:  L = ||K_s - K_t||_F, over B^2 for `batchmean`; the paper squares the norm (`squared`).
 *
 * CorrelationLoss is the form of Tian et al. (ICLR 2020), of neighbours in the batch, with d_i = |s_i - t_i|:
 *
 *     L = (1 / (B - 1)) sum_{i < B} d_i . d_{i+1} */
#include <math.h>

#include "cckd.h"

struct kernel {
    const char *type;
    double gamma;
    int64_t max_p;
};
struct cckd {
    td_tap student, teacher;
    struct kernel kernel_config, kernel_params; /* the names in torchdistill's code and in its sample configuration */
    const char *reduction;
    int32_t squared;
};

#define KERNEL_PARAMS(name_)                                                                                           \
    {.name = (name_),                                                                                                  \
     .type = TD_P_STRING,                                                                                              \
     .offset = offsetof(struct kernel, type),                                                                          \
     .doc = "which kernel",                                                                                            \
     .choices = "gaussian|bilinear"},                                                                                  \
        TD_PARAM_FLOAT(struct kernel, gamma, "0.4", "of the gaussian kernel", .min = 0, .max = 1e3),                   \
        TD_PARAM_INT(struct kernel, max_p, "2", "P: degree of the gaussian kernel's series", .min = 0, .max = 64),     \
        TD_PARAM_END

static const td_param config_params[] = {KERNEL_PARAMS("type")};
static const td_param sample_params[] = {KERNEL_PARAMS("key")};

#define LINEAR_TAPS(s)                                                                                                 \
    TD_TAP_PATH(s, student, "student_linear_path", NULL, TD_SIDE_STUDENT, "the student's embedding"),                  \
        TD_TAP_PATH(s, teacher, "teacher_linear_path", NULL, TD_SIDE_TEACHER, "the teacher's embedding")

static const td_param cckd_params[] = {
    LINEAR_TAPS(struct cckd),
    TD_PARAM_STRUCT(struct cckd, kernel_config, config_params, sizeof(struct kernel), "null", "the kernel",
                    .flags = TD_NULLABLE),
    TD_PARAM_STRUCT(struct cckd, kernel_params, sample_params, sizeof(struct kernel), "null",
                    "the kernel, as torchdistill's sample configuration writes it", .flags = TD_NULLABLE),
    TD_PARAM_STRING(struct cckd, reduction, "batchmean", "batchmean: divided by B^2", .choices = "batchmean|sum"),
    TD_PARAM_BOOL(struct cckd, squared, "false", "the squared norm, as in the paper"),
    TD_PARAM_END_OPEN};

/* [B, B] */
static td_tensor *correlations(td_ctx *c, td_tensor *features, const struct kernel *k)
{
    td_tensor *f = td_flatten(c, features), *products = td_matmul(c, f, f, 0, 1);
    if (k->type[0] == 'b')
        return products;
    double factor = exp(-2 * k->gamma);
    td_tensor *power = products, *sum = NULL;
    for (int64_t p = 1; p <= k->max_p; p++) {
        factor *= 2 * k->gamma / (double)p;
        sum = td_add_term(c, sum, factor, power);
        power = p < k->max_p ? td_mul(c, power, products) : power;
    }
    return sum ? td_affine(c, sum, 1, exp(-2 * k->gamma)) : td_affine(c, products, 0, factor);
}

static td_tensor *cckd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct cckd *p = params;
    const struct kernel *kernel = p->kernel_config.type ? &p->kernel_config : &p->kernel_params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    double batch = (double)td_dim(s, 0);
    if (!kernel->type)
        td_fail(c, "CCKDLoss: kernel_config is missing, e.g. {type: gaussian, gamma: 0.4, max_p: 2}");
    if (batch < 2)
        td_fail(c, "CCKDLoss compares the samples of a batch: it needs 2 or more, not %g", batch);
    if (td_failed(c))
        return s;
    td_tensor *loss = td_mse_loss(c, correlations(c, s, kernel), correlations(c, t, kernel), TD_SUM);
    if (!p->squared)
        loss = td_sqrt(c, td_clamp(c, loss, 1e-30, 1e300));
    return td_reduction(p->reduction) == TD_BATCHMEAN ? td_scale(c, loss, 1 / (batch * batch)) : loss;
}

static const td_loss_type cckd = {.type = {.key = "CCKDLoss",
                                           .summary = "the correlations between samples follow the teacher's",
                                           .params = cckd_params,
                                           .params_size = sizeof(struct cckd)},
                                  .needs = TD_NEEDS_TEACHER_GRAD,
                                  .forward = cckd_forward,
                                  .min_batch = 2};

/* ---- of neighbours in the batch ---- */

struct correlation {
    td_tap student, teacher;
};

static const td_param correlation_params[] = {LINEAR_TAPS(struct correlation), TD_PARAM_END_OPEN};

static td_tensor *correlation_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct correlation *p = params;
    td_tensor *d = td_abs(c, td_sub(c, td_io_get(io, &p->student), td_io_get(io, &p->teacher)));
    int64_t batch = td_dim(d, 0);
    if (batch < 2)
        td_fail(c, "CorrelationLoss compares the samples of a batch: it needs 2 or more, not %lld", (long long)batch);
    d = td_flatten(c, d);
    td_tensor *products = td_mul(c, td_slice(c, d, 0, 0, batch - 1, 1), td_slice(c, d, 0, 1, batch, 1));
    return td_scale(c, td_sum(c, products, 0, 0), 1 / (double)(batch - 1));
}

static const td_loss_type correlation = {.type = {.key = "CorrelationLoss",
                                                  .summary = "differences from the teacher do not correlate",
                                                  .params = correlation_params,
                                                  .params_size = sizeof(struct correlation)},
                                         .needs = TD_NEEDS_TEACHER_GRAD,
                                         .forward = correlation_forward,
                                         .min_batch = 2};

TD_PLUGIN(cckd, "0.1.0", "MIT", "Correlation congruence (Peng et al., ICCV 2019)",
          "loss:CCKDLoss loss:CorrelationLoss wrapper:Linear4CCKD")
{
    td_register(reg, TD_KIND_LOSS, &cckd);
    td_register(reg, TD_KIND_LOSS, &correlation);
    td_register(reg, TD_KIND_WRAPPER, &cckd_linear);
}
