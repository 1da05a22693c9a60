/* A gift from knowledge distillation (Yim, Joo, Bae and Kim, CVPR 2017): the flow from a map F1 to a later F2,
 *
 *     G = F1 F2^T / (h w) in [B, C1, C2],   F in [B, C, hw]                                        (equation 1)
 *
 * of the student follows the teacher's.  Maps of one pair of different size are first max-pooled to the smaller.
 *
 *     code:   L = (1/B) sum_pairs w sum_b sum_j ||(G_s - G_t)[:, j]||_2      (torchdistill: norms of the columns)
 *     paper:  L = (1/B) sum_pairs w sum_b ||G_s - G_t||_F^2                  (equation 2) */
#include <td/td.h>

struct pair {
    td_tap teacher_first, teacher_second, student_first, student_second;
    double weight;
};
struct fsp {
    td_list fsp_pairs;
    const char *mode;
};

static const td_param pair_params[] = {
    TD_PARAM_TAP(struct pair, teacher_first, td_teacher_tap, "where the teacher's flow begins"),
    TD_PARAM_TAP(struct pair, teacher_second, td_teacher_tap, "where it ends"),
    TD_PARAM_TAP(struct pair, student_first, td_student_tap, "where the student's flow begins"),
    TD_PARAM_TAP(struct pair, student_second, td_student_tap, "where it ends"),
    TD_PARAM_FLOAT(struct pair, weight, "1", "factor of the pair"),
    TD_PARAM_END};
static const td_param fsp_params[] = {
    TD_PARAM_MAP(struct fsp, fsp_pairs, pair_params, sizeof(struct pair), NULL,
                 "pairs of flows; both networks' maps have equally many channels"),
    TD_PARAM_STRING(struct fsp, mode, "code", "which of the two definitions", .choices = "code|paper"),
    TD_PARAM_END_OPEN};

static td_tensor *pooled(td_ctx *c, td_tensor *f, int64_t h, int64_t w)
{
    return td_flatten_spatial(c, td_dim(f, 2) > h || td_dim(f, 3) > w ? td_adaptive_max_pool2d(c, f, h, w) : f);
}

static td_tensor *flow(td_ctx *c, td_io *io, const td_tap *first, const td_tap *second)
{
    td_tensor *a = td_io_get(io, first), *b = td_io_get(io, second);
    int64_t h = td_dim(a, 2) < td_dim(b, 2) ? td_dim(a, 2) : td_dim(b, 2);
    int64_t w = td_dim(a, 3) < td_dim(b, 3) ? td_dim(a, 3) : td_dim(b, 3);
    return td_scale(c, td_matmul(c, pooled(c, a, h, w), pooled(c, b, h, w), 0, 1), 1 / (double)(h * w));
}

static td_tensor *fsp_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct fsp *p = params;
    const struct pair *pairs = p->fsp_pairs.v;
    td_tensor *sum = NULL;
    for (int64_t i = 0; i < p->fsp_pairs.n && !td_failed(c); i++) {
        if (pairs[i].weight == 0)
            continue;
        td_tensor *s = flow(c, io, &pairs[i].student_first, &pairs[i].student_second),
                  *t = flow(c, io, &pairs[i].teacher_first, &pairs[i].teacher_second);
        td_tensor *d2 = td_square(c, td_sub(c, s, t));
        if (p->mode[0] == 'c')
            d2 = td_sqrt(c, td_clamp(c, td_sum(c, d2, TD_DIM(1), 0), 1e-30, 1e300));
        sum = td_add_term(c, sum, pairs[i].weight / (double)td_dim(s, 0), td_sum(c, d2, 0, 0));
    }
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
}

static const td_loss_type fsp = {.type = {.key = "FSPLoss",
                                          .summary = "the flow between the student's layers follows the teacher's",
                                          .params = fsp_params,
                                          .params_size = sizeof(struct fsp)},
                                 .forward = fsp_forward};

TD_PLUGIN(fsp, "0.1.0", "MIT", "Flow of solution procedure (Yim et al., CVPR 2017)", "loss:FSPLoss")
{
    td_register(reg, TD_KIND_LOSS, &fsp);
}
