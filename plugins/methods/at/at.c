/* Attention transfer (Zagoruyko and Komodakis, ICLR 2017, section 3.1): with Q(F) = flatten(sum_c F_c^2), unit rows,
 *
 *     code:   L = sum_pairs w mean_{b,n} (Q_s - Q_t)^2   with mean_c in Q   (the authors' code)
 *     paper:  L = sum_pairs w (1/B) sum_b ||Q_s - Q_t||_2                   (equation 2)
 */
#include <td/td.h>

struct at {
    td_list at_pairs;
    const char *mode;
};

static const td_param at_params[] = {
    TD_PARAM_PAIRS(struct at, at_pairs, "pairs of feature maps of equal height and width"),
    TD_PARAM_STRING(struct at, mode, "code", "which of the two definitions", .choices = "code|paper"),
    TD_PARAM_END_OPEN};

/* [B,C,H,W] -> [B,HW], unit length; the factor between sum and mean over channels cancels in the normalisation. */
static td_tensor *attention_map(td_ctx *c, td_tensor *f)
{
    return td_normalize(c, td_flatten(c, td_mean(c, td_square(c, f), TD_DIM(1), 0)), 2, 1, 1e-12);
}

static td_tensor *pair_loss(td_ctx *c, const void *params, td_tensor *s, td_tensor *t)
{
    const struct at *p = params;
    td_tensor *d2 = td_square(c, td_sub(c, attention_map(c, s), attention_map(c, t)));
    return p->mode[0] == 'c' ? td_mean(c, d2, 0, 0) : td_mean(c, td_sqrt(c, td_sum(c, d2, TD_DIM(1), 0)), 0, 0);
}

static td_tensor *at_forward(td_ctx *c, const void *params, td_io *io)
{
    (void)c;
    return td_sum_pairs(io, &((const struct at *)params)->at_pairs, params, pair_loss);
}

static const td_loss_type at = {.type = {.key = "ATLoss",
                                         .summary = "the student's spatial attention maps follow the teacher's",
                                         .params = at_params,
                                         .params_size = sizeof(struct at)},
                                .forward = at_forward};

TD_PLUGIN(at, "0.1.0", "MIT", "Attention transfer (Zagoruyko and Komodakis, ICLR 2017)", "loss:ATLoss")
{
    td_register(reg, TD_KIND_LOSS, &at);
}
