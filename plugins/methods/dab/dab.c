/* Transfer of activation boundaries (Heo, Lee, Yun and Choi, AAAI 2019, equation 3 with the margin of equation 5):
 * where the teacher's neuron is off the student's stays below -m, where it is on above m.  With t the teacher's
 * tensor before its activation, s the student's behind a connector, m the margin:
 *
 *     L = sum_pairs w / B  sum_elements [ (s + m)^2 1(s > -m, t <= 0) + (m - s)^2 1(s <= m, t > 0) ]
 *       = sum_pairs w / B  sum_elements max(0, m - s sign(t))^2,   sign(0) = -1. */
#include "dab.h"

struct dab {
    td_list feature_pairs;
    double margin;
    const char *reduction;
};

static const td_param dab_params[] = {
    TD_PARAM_PAIRS(struct dab, feature_pairs,
                   "pairs of equal shape: the student's behind its connector, in the paper before the activation"),
    TD_PARAM_FLOAT(struct dab, margin, NULL, "m: how far from zero the student's neurons are pushed", .min = 0,
                   .max = 1e6),
    TD_PARAM_STRING(struct dab, reduction, NULL, "mean: over the batch; all else is summed", .choices = "mean|sum"),
    TD_PARAM_END_OPEN};

static td_tensor *boundary_loss(td_ctx *c, const void *params, td_tensor *s, td_tensor *t)
{
    const struct dab *p = params;
    td_tensor *sign = td_affine(c, td_greater(c, t, td_scalar(c, td_desc_of(t)->dtype, 0)), 2, -1);
    td_tensor *beyond = td_relu(c, td_affine(c, td_mul(c, s, sign), -1, p->margin));
    return td_scale(c, td_sum(c, td_square(c, beyond), 0, 0), td_batch_factor(s, p->reduction));
}

static td_tensor *dab_forward(td_ctx *c, const void *params, td_io *io)
{
    (void)c;
    return td_sum_pairs(io, &((const struct dab *)params)->feature_pairs, params, boundary_loss);
}

static const td_loss_type dab = {
    .type = {.key = "AltActTransferLoss",
             .summary = "the student's neurons are on where the teacher's are, off where they are not",
             .params = dab_params,
             .params_size = sizeof(struct dab)},
    .forward = dab_forward};

TD_PLUGIN(dab, "0.1.0", "MIT", "Distillation of activation boundaries (Heo et al., AAAI 2019)",
          "loss:AltActTransferLoss wrapper:Connector4DAB")
{
    td_register(reg, TD_KIND_LOSS, &dab);
    td_register(reg, TD_KIND_WRAPPER, &dab_connectors);
}
