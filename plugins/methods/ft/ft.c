/* Factor transfer (Kim, Park and Kwak, NeurIPS 2018).  Stage 1 trains the paraphraser as an autoencoder of the
 * teacher's features (equation 1); stage 2 makes the translator's output follow the paraphraser's factors:
 *
 *     L_FT = || f_s / ||f_s||_2 - f_t / ||f_t||_2 ||_p                                  (equation 3)
 *
 * torchdistill's mean for p = 1 is over all elements, its p != 1 averages the norms over the batch. */
#include "ft.h"

struct ft {
    td_tap paraphraser, translator;
    double p;
    const char *reduction;
};

static const td_param ft_params[] = {
    TD_PARAM_FLOAT(struct ft, p, "1", "norm of the difference", .min = 0.1, .max = 100),
    TD_PARAM_STRING(struct ft, reduction, "mean", "over the batch", .choices = "mean|sum"),
    TD_TAP_PATH(struct ft, paraphraser, "paraphraser_path", "paraphraser", TD_SIDE_TEACHER, "the teacher's factors"),
    TD_TAP_PATH(struct ft, translator, "translator_path", "translator", TD_SIDE_STUDENT, "the student's factors"),
    TD_PARAM_END_OPEN};

/* [B,C,H,W] -> [B,CHW] of unit length; 1e-12 keeps a dead factor finite. */
static td_tensor *factor(td_ctx *c, td_tensor *f)
{
    return td_normalize(c, td_flatten(c, f), 2, 1, 1e-12);
}

static td_tensor *ft_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct ft *p = params;
    td_tensor *t = factor(c, td_io_get(io, &p->paraphraser)), *s = factor(c, td_io_get(io, &p->translator));
    uint32_t reduction = td_reduction(p->reduction);
    if (p->p == 1)
        return td_l1_loss(c, s, t, reduction);
    td_tensor *d = td_pow(c, td_abs(c, td_sub(c, s, t)), p->p);
    td_tensor *norms = td_pow(c, td_sum(c, d, TD_DIM(1), 0), 1 / p->p);
    return reduction == TD_MEAN ? td_mean(c, norms, 0, 0) : td_sum(c, norms, 0, 0);
}

static const td_loss_type ft = {
    .type = {.key = "FTLoss", .summary = "the student's factors follow the paraphrased teacher's", .params = ft_params,
             .params_size = sizeof(struct ft)},
    .forward = ft_forward};

TD_PLUGIN(ft, "0.1.0", "MIT", "Factor transfer (Kim et al., NeurIPS 2018)",
          "loss:FTLoss wrapper:Teacher4FactorTransfer wrapper:Student4FactorTransfer")
{
    td_register(reg, TD_KIND_LOSS, &ft);
    td_register(reg, TD_KIND_WRAPPER, &ft_teacher);
    td_register(reg, TD_KIND_WRAPPER, &ft_student);
}
