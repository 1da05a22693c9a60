/* Inter-channel correlation (Liu et al., ICCV 2021, section 3): with the channels' similarities over the map,
 *
 *     E = F F^T in [B, C, C], F in [B, C, HW], rows of E made of unit length,
 *
 * the student's follow the teacher's:  L = sum (E_s - E_t)^2 / (C B^2);  the authors' code divides by C B. */
#include "ickd.h"

struct ickd {
    td_list feature_pairs;
    const char *normalization;
};

static const td_param ickd_params[] = {
    TD_PARAM_PAIRS(struct ickd, feature_pairs, "pairs of feature maps of equally many channels"),
    TD_PARAM_STRING(struct ickd, normalization, "torchdistill", "divisor: C B^2, or C B as in the authors' code",
                    .choices = "torchdistill|authors"),
    TD_PARAM_END_OPEN};

static td_tensor *similarities(td_ctx *c, td_tensor *f)
{
    f = td_flatten_spatial(c, f);
    return td_normalize(c, td_matmul(c, f, f, 0, 1), 2, 2, 1e-12);
}

static td_tensor *pair_loss(td_ctx *c, const void *params, td_tensor *s, td_tensor *t)
{
    const struct ickd *p = params;
    double batch = (double)td_dim(s, 0), channels = (double)td_dim(s, 1);
    double divisor = p->normalization[0] == 't' ? channels * batch * batch : channels * batch;
    return td_scale(c, td_mse_loss(c, similarities(c, s), similarities(c, t), TD_SUM), 1 / divisor);
}

static td_tensor *ickd_forward(td_ctx *c, const void *params, td_io *io)
{
    (void)c;
    return td_sum_pairs(io, &((const struct ickd *)params)->feature_pairs, params, pair_loss);
}

static const td_loss_type ickd = {.type = {.key = "ChSimLoss",
                                           .summary = "the similarities between channels follow the teacher's",
                                           .params = ickd_params,
                                           .params_size = sizeof(struct ickd)},
                                  .forward = ickd_forward};

TD_PLUGIN(ickd, "0.1.0", "MIT", "Inter-channel correlation (Liu et al., ICCV 2021)",
          "loss:ChSimLoss wrapper:Student4ICKD")
{
    td_register(reg, TD_KIND_LOSS, &ickd);
    td_register(reg, TD_KIND_WRAPPER, &ickd_student);
}
