/* Attention transfer (Zagoruyko and Komodakis, ICLR 2017, section 3.1): with Q(F) = flatten(sum_c F_c^2), row-normalised,
 *
 *     code:   L = sum_pairs w mean_{b,n} (Q_s - Q_t)^2   with mean_c in Q   (the authors' code)
 *     paper:  L = sum_pairs w (1/B) sum_b ||Q_s - Q_t||_2                   (equation 2)
 */
#include <td/td.h>

struct pair {
    td_tap student, teacher;
    double weight;
};
struct at {
    td_list at_pairs;
    const char *mode;
};

static const td_param pair_params[] = {
    TD_PARAM_TAP(struct pair, student, td_student_tap, "the student's feature map"),
    TD_PARAM_TAP(struct pair, teacher, td_teacher_tap, "the teacher's feature map"),
    TD_PARAM_FLOAT(struct pair, weight, "1", "factor of the pair"), TD_PARAM_END};
static const td_param at_params[] = {
    TD_PARAM_MAP(struct at, at_pairs, pair_params, sizeof(struct pair), NULL,
                 "pairs of feature maps of equal height and width"),
    TD_PARAM_STRING(struct at, mode, "code", "which of the two definitions", .choices = "code|paper"),
    TD_PARAM_END_OPEN};

/* [B,C,H,W] -> [B,HW], unit length; the factor between sum and mean over channels cancels in the normalisation. */
static td_tensor *attention_map(td_ctx *c, td_tensor *f)
{
    return td_normalize(c, td_flatten(c, td_mean(c, td_square(c, f), TD_DIM(1), 0)), 2, 1, 1e-12);
}

static td_tensor *at_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct at *p = params;
    const struct pair *pairs = p->at_pairs.v;
    td_tensor *sum = NULL;
    for (int64_t i = 0; i < p->at_pairs.n; i++) {
        if (pairs[i].weight == 0)
            continue;
        td_tensor *q_s = attention_map(c, td_io_get(io, &pairs[i].student)),
                  *q_t = attention_map(c, td_io_get(io, &pairs[i].teacher));
        td_tensor *d2 = td_square(c, td_sub(c, q_s, q_t));
        td_tensor *term =
            p->mode[0] == 'c' ? td_mean(c, d2, 0, 0) : td_mean(c, td_sqrt(c, td_sum(c, d2, TD_DIM(1), 0)), 0, 0);
        sum = td_add_term(c, sum, pairs[i].weight, term);
    }
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
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
