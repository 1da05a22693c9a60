/* Overhaul of feature distillation (Heo, Kim, Yun, Park, Kwak and Choi, ICCV 2019).  Features are taken before their
 * ReLU.  The teacher's go through a margin ReLU, t' = max(t, m) (equation 2; the margin is wrapper.c's), the
 * student's through a connector; the partial distance leaves out where both are off anyway (equation 5):
 *
 *     L = sum_pairs w / B  sum_elements (t' - s)^2 1(s > t' or t' > 0). */
#include "ofd.h"

struct pair {
    td_tap student, teacher;
    double weight;
};
struct ofd {
    td_list feature_pairs;
    const char *reduction;
};

static const td_param pair_params[] = {
    TD_PARAM_TAP(struct pair, student, td_student_tap, "the student's feature map, behind its connector"),
    TD_PARAM_TAP(struct pair, teacher, td_teacher_tap, "the teacher's feature map, behind its margin ReLU"),
    TD_PARAM_FLOAT(struct pair, weight, "1", "factor of the pair"), TD_PARAM_END};
static const td_param ofd_params[] = {
    TD_PARAM_MAP(struct ofd, feature_pairs, pair_params, sizeof(struct pair), NULL,
                 "pairs of feature maps of equal shape"),
    TD_PARAM_STRING(struct ofd, reduction, "mean", "mean: over the batch; all else is summed", .choices = "mean|sum"),
    TD_PARAM_END_OPEN};

static td_tensor *partial_distance(td_ctx *c, td_tensor *s, td_tensor *t)
{
    td_tensor *counts = td_maximum(c, td_greater(c, s, t), td_greater(c, t, td_scalar(c, td_desc_of(t)->dtype, 0)));
    return td_sum(c, td_mul(c, counts, td_square(c, td_sub(c, s, t))), 0, 0);
}

static td_tensor *ofd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct ofd *p = params;
    const struct pair *pairs = p->feature_pairs.v;
    int by_batch = td_reduction(p->reduction) == TD_MEAN;
    td_tensor *sum = NULL;
    for (int64_t i = 0; i < p->feature_pairs.n; i++) {
        if (pairs[i].weight == 0)
            continue;
        td_tensor *s = td_io_get(io, &pairs[i].student), *t = td_detach(c, td_io_get(io, &pairs[i].teacher));
        double batch = by_batch ? (double)td_dim(s, 0) : 1;
        sum = td_add_term(c, sum, pairs[i].weight / batch, partial_distance(c, s, t));
    }
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
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
