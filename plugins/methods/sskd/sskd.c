/* Self-supervision (Xu, Liu, Li and Loy, ECCV 2020).  Of each sample's four images (SSKDDatasetWrapper) the first is
 * the normal one, the others are turned.  A_ij is the cosine of the embeddings of turned image i and normal image j.
 *
 * Stage 1 trains the teacher's embedding: cross entropy of the rows of A with the turned image's own sample.
 *
 * Stage 2:  L = w_1 CE(normal) + w_2 kl_T^2 KL(normal) + w_3 ss_T^2 KL(A) + w_4 tf_T^2 KL(turned)
 *
 * with selective transfer: the last two leave out rows in which the teacher errs.  Kept are those where it ranks the
 * right answer first, and of the others the share ss_ratio or tf_ratio in which it ranks it best. */
#include "sskd.h"

/* [4B, d] -> the normal images [B, d]; the turned ones [3B, d] */
static td_tensor *normal(td_ctx *c, td_tensor *x) { return td_slice(c, x, 0, 0, td_dim(x, 0), 4); }

static td_tensor *turned(td_ctx *c, td_tensor *x)
{
    int64_t b = td_dim(x, 0) / 4, d = td_dim(x, 1), apart[] = {b, 4, d}, flat[] = {3 * b, d};
    return td_reshape(c, td_slice(c, td_reshape(c, x, 3, apart), 1, 1, 4, 1), 2, flat);
}

/* A: [3B, B] */
static td_tensor *similarities(td_ctx *c, td_tensor *e)
{
    return td_matmul(c, td_normalize(c, turned(c, e), 2, 1, 1e-8), td_normalize(c, normal(c, e), 2, 1, 1e-8), 0, 1);
}

static int32_t check(td_ctx *c, const char *loss, td_tensor *x, const td_tap *tap)
{
    if (td_ndim(x) != 2 || td_dim(x, 0) % 4 || !td_dim(x, 0))
        td_fail(c, "%s: '%s' has %lld rows, not four a sample: SSKDDatasetWrapper and forward_batch4sskd make them",
                loss, tap->path, (long long)td_dim(x, 0));
    return td_failed(c);
}

/* The sample each of 3B turned images belongs to. */
static int64_t *own_samples(td_ctx *c, int64_t n)
{
    int64_t *own = td_alloc(c, (size_t)n * sizeof *own);
    for (int64_t i = 0; own && i < n; i++)
        own[i] = i / 3;
    return own;
}

/* ---- stage 1 ---- */

struct aux {
    td_tap tap;
    const char *reduction;
};

static const td_param aux_params[] = {
    TD_TAP_TEACHER(struct aux, tap, "module_path", "module_io", "ss_module"),
    TD_PARAM_STRING(struct aux, reduction, "mean", "over the turned images", .choices = "mean|sum"), TD_PARAM_END_OPEN};

static td_tensor *aux_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct aux *p = params;
    td_tensor *e = td_io_get(io, &p->tap);
    if (check(c, "AuxSSKDLoss", e, &p->tap))
        return e;
    td_tensor *a = similarities(c, e);
    int64_t n = td_dim(a, 0), *own = own_samples(c, n);
    td_tensor *target = td_tensor_from(c, TD_INT64, 1, &n, own);
    return td_cross_entropy_with(c, a, target, NULL, -100, 0, td_reduction(p->reduction));
}

static const td_loss_type aux = {.type = {.key = "AuxSSKDLoss",
                                          .summary = "turned images are most similar to their own sample",
                                          .params = aux_params,
                                          .params_size = sizeof(struct aux)},
                                 .needs = TD_NEEDS_TEACHER_GRAD | TD_NOT_CACHEABLE,
                                 .forward = aux_forward};

/* ---- stage 2 ---- */

struct sskd {
    td_tap student, teacher, student_ss, teacher_ss;
    double kl_temp, ss_temp, tf_temp, ss_ratio, tf_ratio;
    td_floats loss_weights;
    const char *reduction;
};

#define TEMPERATURE(name, doc) TD_PARAM_FLOAT(struct sskd, name, NULL, doc, .min = 1e-6, .max = 1e9)
static const td_param sskd_params[] = {
    TD_TAP_STUDENT(struct sskd, student, "student_linear_module_path", "student_linear_module_io", NULL),
    TD_TAP_TEACHER(struct sskd, teacher, "teacher_linear_module_path", "teacher_linear_module_io", NULL),
    TD_TAP_STUDENT(struct sskd, student_ss, "student_ss_module_path", "student_ss_module_io", NULL),
    TD_TAP_TEACHER(struct sskd, teacher_ss, "teacher_ss_module_path", "teacher_ss_module_io", NULL),
    TEMPERATURE(kl_temp, "of the normal images' logits"),
    TEMPERATURE(ss_temp, "of the similarities"),
    TEMPERATURE(tf_temp, "of the turned images' logits"),
    TD_PARAM_FLOAT(struct sskd, ss_ratio, NULL, "share kept of similarities in which the teacher errs", .max = 1),
    TD_PARAM_FLOAT(struct sskd, tf_ratio, NULL, "share kept of turned images on which the teacher errs", .max = 1),
    TD_PARAM_FLOATS(struct sskd, loss_weights, "null", "w_1 to w_4; null: 1 each", .flags = TD_NULLABLE),
    TD_PARAM_STRING(struct sskd, reduction, "batchmean", "of the divergences", .choices = "batchmean|sum"),
    TD_PARAM_END_OPEN};

/* How many of n scores are above that of the answer: its rank. */
static int64_t rank_of(const float *scores, int64_t n, int64_t answer)
{
    int64_t rank = 0;
    for (int64_t i = 0; i < n; i++)
        rank += scores[i] > scores[answer];
    return rank;
}

/* Positions of the kept of m rows of n scores, as an index; answers[i / each] is that of row i. */
static td_tensor *kept_rows(td_ctx *c, td_tensor *scores, const int64_t *answers, int64_t each, double ratio)
{
    int64_t m = td_dim(scores, 0), n = td_dim(scores, 1), right = 0, kept = 0;
    float *v = td_alloc(c, (size_t)(m * n) * sizeof *v);
    int64_t *rank = td_alloc(c, (size_t)m * sizeof *rank), *keep = td_alloc(c, (size_t)m * sizeof *keep);
    if (!v || !rank || !keep || td_host->read(c, scores, TD_FLOAT32, v, m * n))
        return scores;
    for (int64_t i = 0; i < m; i++) {
        int64_t answer = answers[i / each];
        if (answer < 0 || answer >= n) {
            td_fail(c, "SSKDLoss: label %lld of %lld classes", (long long)answer, (long long)n);
            return scores;
        }
        rank[i] = rank_of(v + i * n, n, answer);
        right += !rank[i];
    }
    int64_t most = right + (int64_t)((double)(m - right) * ratio);
    for (int64_t r = 0; r < n; r++)
        for (int64_t i = 0; i < m && kept < most; i++)
            if (rank[i] == r)
                keep[kept++] = i;
    return td_tensor_from(c, TD_INT64, 1, &kept, keep);
}

/* T^2 KL of the kept rows (all where kept is NULL) at temperature T. */
static td_tensor *divergence(td_ctx *c, const struct sskd *p, td_tensor *s, td_tensor *t, td_tensor *kept, double T)
{
    if (kept && !td_dim(kept, 0))
        return td_scale(c, td_sum(c, s, 0, 0), 0);
    if (kept) {
        s = td_index_select(c, s, kept);
        t = td_index_select(c, t, kept);
    }
    return td_scale(c, td_soft_kl(c, s, t, T, td_reduction(p->reduction)), T * T);
}

static td_tensor *sskd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct sskd *p = params;
    static const double ones[] = {1, 1, 1, 1};
    const double *w = p->loss_weights.n == 4 ? p->loss_weights.v : ones;
    td_tensor *s = td_io_get(io, &p->student), *t = td_detach(c, td_io_get(io, &p->teacher)),
              *e_s = td_io_get(io, &p->student_ss), *e_t = td_detach(c, td_io_get(io, &p->teacher_ss)),
              *y = td_io_of(io)->target, *sum = NULL;
    if (p->loss_weights.n && p->loss_weights.n != 4)
        td_fail(c, "SSKDLoss: loss_weights has %lld numbers, not 4", (long long)p->loss_weights.n);
    if (check(c, "SSKDLoss", s, &p->student) || check(c, "SSKDLoss", t, &p->teacher) ||
        check(c, "SSKDLoss", e_s, &p->student_ss) || check(c, "SSKDLoss", e_t, &p->teacher_ss))
        return s;
    int64_t b = td_dim(s, 0) / 4, *labels = td_alloc(c, (size_t)b * sizeof *labels), *own = own_samples(c, 3 * b);
    if (!labels || !own || td_host->read(c, y, TD_INT64, labels, b))
        return s;

    td_tensor *a_t = similarities(c, e_t), *turned_t = turned(c, t);
    if (w[0] != 0)
        sum = td_add_term(c, sum, w[0], td_cross_entropy(c, normal(c, s), y));
    if (w[1] != 0)
        sum = td_add_term(c, sum, w[1], divergence(c, p, normal(c, s), normal(c, t), NULL, p->kl_temp));
    if (w[2] != 0)
        sum = td_add_term(
            c, sum, w[2],
            divergence(c, p, similarities(c, e_s), a_t, kept_rows(c, a_t, own, 1, p->ss_ratio), p->ss_temp));
    if (w[3] != 0)
        sum = td_add_term(
            c, sum, w[3],
            divergence(c, p, turned(c, s), turned_t, kept_rows(c, turned_t, labels, 3, p->tf_ratio), p->tf_temp));
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
}

static const td_loss_type sskd = {.type = {.key = "SSKDLoss",
                                           .summary = "logits and similarities of turned images follow the teacher's",
                                           .params = sskd_params,
                                           .params_size = sizeof(struct sskd)},
                                  .needs = TD_NEEDS_TARGET | TD_NOT_CACHEABLE,
                                  .forward = sskd_forward};

TD_PLUGIN(sskd, "0.1.0", "MIT", "Self-supervision (Xu et al., ECCV 2020)",
          "loss:AuxSSKDLoss loss:SSKDLoss wrapper:SSWrapper4SSKD dataset_wrapper:SSKDDatasetWrapper "
          "forward_proc:forward_batch4sskd")
{
    td_register(reg, TD_KIND_LOSS, &aux);
    td_register(reg, TD_KIND_LOSS, &sskd);
    td_register(reg, TD_KIND_WRAPPER, &sskd_wrapper);
    td_register(reg, TD_KIND_DATASET_WRAPPER, &sskd_rotations);
    td_register(reg, TD_KIND_FORWARD_PROC, &sskd_forward_proc);
}
