/* Overhaul of feature distillation (Heo, Kim, Yun, Park, Kwak and Choi, ICCV 2019).  Features are taken before their
 * ReLU.  The teacher's go through a margin ReLU, t' = max(t, m) (equation 2; the margin is wrapper.c's), the
 * student's through a connector; the partial distance leaves out where both are off anyway (equation 5):
 *
 *     L = sum_pairs w / B  sum_elements (t' - s)^2 1(s > t' or t' > 0). */
#include "ofd.h"

struct ofd {
    td_list feature_pairs;
    const char *reduction;
};

static const td_param ofd_params[] = {
    TD_PARAM_PAIRS(struct ofd, feature_pairs,
                   "pairs of equal shape: the student's behind its connector, the teacher's behind its margin ReLU"),
    TD_PARAM_STRING(struct ofd, reduction, "mean", "mean: over the batch; all else is summed", .choices = "mean|sum"),
    TD_PARAM_END_OPEN};

static td_tensor *partial_distance(td_ctx *c, const void *params, td_tensor *s, td_tensor *t)
{
    t = td_detach(c, t);
    td_tensor *counts = td_maximum(c, td_greater(c, s, t), td_greater(c, t, td_scalar(c, td_desc_of(t)->dtype, 0)));
    td_tensor *sum = td_sum(c, td_mul(c, counts, td_square(c, td_sub(c, s, t))), 0, 0);
    return td_scale(c, sum, td_batch_factor(s, ((const struct ofd *)params)->reduction));
}

static td_tensor *ofd_forward(td_ctx *c, const void *params, td_io *io)
{
    (void)c;
    return td_sum_pairs(io, &((const struct ofd *)params)->feature_pairs, params, partial_distance);
}

static const td_loss_type ofd = {.type = {.key = "OFDLoss",
                                          .summary = "partial squared distance of features before their activation",
                                          .params = ofd_params,
                                          .params_size = sizeof(struct ofd)},
                                 .forward = ofd_forward};

TD_PLUGIN(ofd, "0.1.0", "MIT", "Overhaul of feature distillation (Heo et al., ICCV 2019)",
          "loss:OFDLoss wrapper:Margin4OFD")
{
    td_register(reg, TD_KIND_LOSS, &ofd);
    td_register(reg, TD_KIND_WRAPPER, &ofd_margins);
}
