/* Similarity-preserving knowledge distillation (Tung and Mori, ICCV 2019, section 3): the similarities of a batch,
 *
 *     G~ = Q Q^T,  Q = flatten(F) in [B, CHW],   G the rows of G~ made of norm 1
 *
 * of the student follow the teacher's:  L = (1/B^2) ||G_t - G_s||_F^2.
 *
 * The paper's norm is L2; torchdistill's is L1. */
#include <td/td.h>

struct spkd {
    td_tap student, teacher;
    const char *reduction;
    int64_t norm;
};

static const td_param spkd_params[] = {
    TD_TAP_PATH(struct spkd, student, "student_output_path", NULL, TD_SIDE_STUDENT, "the student's features"),
    TD_TAP_PATH(struct spkd, teacher, "teacher_output_path", NULL, TD_SIDE_TEACHER, "the teacher's features"),
    TD_PARAM_STRING(struct spkd, reduction, "batchmean", "batchmean: divided by B^2", .choices = "batchmean|sum"),
    TD_PARAM_INT(struct spkd, norm, "1", "norm of the rows: 1 torchdistill's, 2 the paper's", .min = 1, .max = 2),
    TD_PARAM_END_OPEN};

static td_tensor *similarities(td_ctx *c, td_tensor *features, int64_t norm)
{
    td_tensor *q = td_flatten(c, features);
    return td_normalize(c, td_matmul(c, q, q, 0, 1), (double)norm, 1, 1e-12);
}

static td_tensor *spkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct spkd *p = params;
    td_tensor *s = td_io_get(io, &p->student);
    double batch = (double)td_dim(s, 0);
    if (batch < 2)
        td_fail(c, "SPKDLoss compares the samples of a batch: it needs 2 or more, not %g", batch);
    td_tensor *loss =
        td_mse_loss(c, similarities(c, s, p->norm), similarities(c, td_io_get(io, &p->teacher), p->norm), TD_SUM);
    return td_reduction(p->reduction) == TD_BATCHMEAN ? td_scale(c, loss, 1 / (batch * batch)) : loss;
}

static const td_loss_type spkd = {.type = {.key = "SPKDLoss",
                                           .summary = "the similarities between samples follow the teacher's",
                                           .params = spkd_params,
                                           .params_size = sizeof(struct spkd)},
                                  .forward = spkd_forward,
                                  .min_batch = 2};

TD_PLUGIN(spkd, "0.1.0", "MIT", "Similarity-preserving knowledge distillation (Tung and Mori, ICCV 2019)",
          "loss:SPKDLoss")
{
    td_register(reg, TD_KIND_LOSS, &spkd);
}
