/* Variational information distillation (Ahn et al., CVPR 2019): the mutual information of the networks' feature maps is
 * raised through a variational distribution q(t | s), a Gaussian with mean mu(s) and one variance a channel:
 *
 *     -ln q(t | s) = sum_{c,h,w} ln sigma_c + (t - mu(s))^2 / (2 sigma_c^2) + constant       (section 3)
 *     L = sum_pairs w mean[ ((t - mu)^2 / sigma_c^2 + ln sigma_c^2) / 2 ]                    (torchdistill: the mean)
 *
 * The student's side of a pair is a regressor of VariationalDistributor4VID, whose output is (mu, sigma^2). */
#include "vid.h"

struct vid {
    td_list feature_pairs;
};

static const td_param vid_params[] = {
    TD_PARAM_PAIRS(struct vid, feature_pairs, "pairs of a regressor and a feature map of the teacher"),
    TD_PARAM_END_OPEN};

static td_tensor *vid_forward(td_ctx *c, const void *params, td_io *io)
{
    const td_list *list = &((const struct vid *)params)->feature_pairs;
    const td_pair *pairs = list->v;
    td_tensor *sum = NULL;
    for (int64_t i = 0; i < list->n && !td_failed(c); i++) {
        if (pairs[i].weight == 0)
            continue;
        td_value predicted = td_io_value(io, &pairs[i].student);
        if (predicted.kind != TD_VALUE_TUPLE || predicted.n != 2) {
            td_fail(c, "VIDLoss: '%s' gives no mean and variance; a regressor of VariationalDistributor4VID does",
                    pairs[i].student.path);
            break;
        }
        td_tensor *mean = td_tensor_of(c, predicted.items[0]), *variance = td_tensor_of(c, predicted.items[1]);
        td_tensor *d2 = td_square(c, td_sub(c, mean, td_io_get(io, &pairs[i].teacher)));
        td_tensor *twice = td_add(c, td_div(c, d2, variance), td_log(c, variance));
        sum = td_add_term(c, sum, pairs[i].weight / 2, td_mean(c, twice, 0, 0));
    }
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
}

static const td_loss_type vid = {.type = {.key = "VIDLoss",
                                          .summary = "the teacher's feature maps are likely, given the student's",
                                          .params = vid_params,
                                          .params_size = sizeof(struct vid)},
                                 .forward = vid_forward};

TD_PLUGIN(vid, "0.1.0", "MIT", "Variational information distillation (Ahn et al., CVPR 2019)",
          "loss:VIDLoss wrapper:VariationalDistributor4VID")
{
    td_register(reg, TD_KIND_LOSS, &vid);
    td_register(reg, TD_KIND_WRAPPER, &vid_student);
}
