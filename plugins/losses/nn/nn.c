/* torch.nn's losses by class name: each compares an input with a target. */
#include <td/td.h>

/* ---- CrossEntropyLoss ---- */

struct ce_params {
    td_floats weight;
    int64_t ignore_index;
    double label_smoothing;
    const char *reduction;
};

static const td_param ce_table[] = {
    TD_PARAM_STRING(struct ce_params, reduction, "mean", "over the targets that count", .choices = "mean|sum|none"),
    TD_PARAM_FLOATS(struct ce_params, weight, "null", "one factor a class", .flags = TD_NULLABLE),
    TD_PARAM_INT(struct ce_params, ignore_index, "-100", "the target value that does not count"),
    TD_PARAM_FLOAT(struct ce_params, label_smoothing, "0", "share of the target spread over all classes", .max = 1),
    TD_PARAM_END};

static td_tensor *ce(td_ctx *c, const void *params, td_tensor *input, td_tensor *target)
{
    const struct ce_params *p = params;
    td_tensor *weight = NULL;
    if (p->weight.n)
        weight = td_cast(c, td_tensor_from(c, TD_FLOAT64, 1, &p->weight.n, p->weight.v), td_desc_of(input)->dtype);
    return td_cross_entropy_with(c, input, target, weight, p->ignore_index, p->label_smoothing,
                                 td_reduction(p->reduction));
}

/* ---- losses between tensors of one shape ---- */

struct reduced {
    const char *reduction;
    double beta;
    int32_t log_target;
};

static const td_param plain_table[] = {
    TD_PARAM_STRING(struct reduced, reduction, "mean", "over all elements", .choices = "mean|sum|none"), TD_PARAM_END};
static const td_param smooth_table[] = {
    TD_PARAM_STRING(struct reduced, reduction, "mean", "over all elements", .choices = "mean|sum|none"),
    TD_PARAM_FLOAT(struct reduced, beta, "1", "where the square becomes a line", .min = 1e-12, .max = 1e12),
    TD_PARAM_END};
static const td_param kl_table[] = {
    TD_PARAM_STRING(struct reduced, reduction, "mean", "batchmean is the divergence itself",
                    .choices = "mean|batchmean|sum|none"),
    TD_PARAM_BOOL(struct reduced, log_target, "false", "whether the target holds log-probabilities"), TD_PARAM_END};

static td_tensor *mse(td_ctx *c, const void *params, td_tensor *x, td_tensor *y)
{
    return td_mse_loss(c, x, y, td_reduction(((const struct reduced *)params)->reduction));
}

static td_tensor *l1(td_ctx *c, const void *params, td_tensor *x, td_tensor *y)
{
    return td_l1_loss(c, x, y, td_reduction(((const struct reduced *)params)->reduction));
}

static td_tensor *smooth_l1(td_ctx *c, const void *params, td_tensor *x, td_tensor *y)
{
    const struct reduced *p = params;
    return td_smooth_l1_loss(c, x, y, p->beta, td_reduction(p->reduction));
}

static td_tensor *kl(td_ctx *c, const void *params, td_tensor *x, td_tensor *y)
{
    const struct reduced *p = params;
    return td_kl_div(c, x, p->log_target ? td_exp(c, y) : y, td_reduction(p->reduction));
}

#define LOSS(key_, text, table, size, fn)                                                                              \
    {                                                                                                                  \
        .type = {.key = key_, .aliases = "torch.nn." key_, .summary = text, .params = table, .params_size = size},     \
        .compare = fn                                                                                                  \
    }

static const td_loss_type losses[] = {
    LOSS("CrossEntropyLoss", "cross entropy of logits with classes", ce_table, sizeof(struct ce_params), ce),
    LOSS("MSELoss", "squared difference", plain_table, sizeof(struct reduced), mse),
    LOSS("L1Loss", "absolute difference", plain_table, sizeof(struct reduced), l1),
    LOSS("SmoothL1Loss", "squared near zero, absolute beyond", smooth_table, sizeof(struct reduced), smooth_l1),
    LOSS("KLDivLoss", "Kullback-Leibler divergence of log-probabilities from a target", kl_table,
         sizeof(struct reduced), kl),
};

TD_PLUGIN(nn, "0.1.0", "MIT", "torch.nn's losses",
          "loss:CrossEntropyLoss loss:MSELoss loss:L1Loss loss:SmoothL1Loss loss:KLDivLoss")
{
    for (unsigned i = 0; i < sizeof losses / sizeof *losses; i++)
        td_register(reg, TD_KIND_LOSS, &losses[i]);
}
