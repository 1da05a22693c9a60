/* Probabilistic knowledge transfer (Passalis and Tefas, ECCV 2018, section 3): within a batch, with the cosine kernel
 *
 *     K(x_i, x_j) = (x_i . x_j / (|x_i| |x_j|) + 1) / 2
 *     p_j|i = K(x_i, x_j) / sum_k K(x_i, x_k)
 *
 * the student's probabilities follow the teacher's:  L = sum_{i, j} p_j|i ln (p_j|i / q_j|i).
 *
 *     code:   every j and k counts, i too, and L is the mean over the B x B pairs     (the authors' code, torchdistill)
 *     paper:  j, k != i, and L is the sum */
#include <td/td.h>

struct pkt {
    td_tap student, teacher;
    double eps;
    const char *mode;
};

static const td_param pkt_params[] = {
    TD_TAP_STUDENT(struct pkt, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct pkt, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_FLOAT(struct pkt, eps, "1e-7", "keeps quotients and logarithms finite", .min = 1e-30, .max = 1),
    TD_PARAM_STRING(struct pkt, mode, "code", "which of the two definitions", .choices = "code|paper"),
    TD_PARAM_END_OPEN};

/* p_j|i: [B, B]; counts [B, B] is 1 where a pair counts, NULL where all do. */
static td_tensor *probabilities(td_ctx *c, td_tensor *features, td_tensor *counts, double eps)
{
    td_tensor *x = td_flatten(c, features);
    td_tensor *norm = td_sqrt(c, td_clamp(c, td_sum(c, td_square(c, x), TD_DIM(1), 1), 1e-30, 1e300));
    x = td_div(c, x, td_affine(c, norm, 1, eps));
    td_tensor *k = td_affine(c, td_matmul(c, x, x, 0, 1), 0.5, 0.5);
    if (counts)
        k = td_mul(c, k, counts);
    return td_div(c, k, td_clamp(c, td_sum(c, k, TD_DIM(1), 1), eps, 1e300));
}

static td_tensor *pkt_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct pkt *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    if (td_dim(s, 0) < 2)
        td_fail(c, "PKTLoss compares the samples of a batch: it needs 2 or more, not %lld", (long long)td_dim(s, 0));
    int32_t is_paper = p->mode[0] == 'p';
    td_tensor *others = is_paper ? td_affine(c, td_eye(c, td_desc_of(s)->dtype, td_dim(s, 0)), -1, 1) : NULL;
    s = probabilities(c, s, others, p->eps);
    t = probabilities(c, t, others, p->eps);
    td_tensor *ratio = td_div(c, td_affine(c, t, 1, p->eps), td_affine(c, s, 1, p->eps));
    td_tensor *terms = td_mul(c, t, td_log(c, ratio));
    return is_paper ? td_sum(c, terms, 0, 0) : td_mean(c, terms, 0, 0);
}

static const td_loss_type pkt = {
    .type = {.key = "PKTLoss",
             .summary = "which samples are neighbours, in probability, follows the teacher",
             .params = pkt_params,
             .params_size = sizeof(struct pkt)},
    .forward = pkt_forward,
    .min_batch = 2};

TD_PLUGIN(pkt, "0.1.0", "MIT", "Probabilistic knowledge transfer (Passalis and Tefas, ECCV 2018)", "loss:PKTLoss")
{
    td_register(reg, TD_KIND_LOSS, &pkt);
}
