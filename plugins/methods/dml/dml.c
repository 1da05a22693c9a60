/* Deep mutual learning (Zhang et al., CVPR 2018, arXiv 1706.00384): K networks learn together, and each follows the
 * others' predictions p_l = softmax(z_l / T), which are constants to it,
 *
 *     L = sum_k L_k,   L_k = L_Ck + T^2 / (K - 1) sum_{l != k} KL(p_l || p_k)                        (equation 7)
 *
 * of which two networks are K = 2 (equations 5 and 6).  L_Ck is network k's own cross entropy.
 *
 * The paper's algorithm 1 updates one network after the other, each from new predictions of those before it.  Here, as
 * in most programs, one step updates all from the predictions of the same forward passes: only network k gets gradients
 * of L_k, so their sum serves them all. */
#include <td/td.h>

/* T^2 sum_k 1 / (K - 1) sum_{l != k} KL(p_l || p_k) */
static td_tensor *mutual(td_ctx *c, td_tensor *const *z, int64_t n, double T)
{
    td_tensor *sum = NULL;
    for (int64_t k = 0; k < n; k++)
        for (int64_t l = 0; l < n; l++)
            if (l != k)
                sum = td_add_term(c, sum, T * T / (double)(n - 1),
                                  td_soft_kl(c, z[k], td_detach(c, z[l]), T, TD_BATCHMEAN));
    return sum;
}

/* ---- two networks: a student, and a peer in the teacher's place ---- */

struct pair {
    td_tap student, teacher;
    double temperature;
};

#define TEMPERATURE(s) TD_PARAM_FLOAT(s, temperature, "1", "T: softens all predictions", .min = 1e-6, .max = 1e9)
static const td_param pair_params[] = {
    TD_TAP_STUDENT(struct pair, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct pair, teacher, "teacher_module_path", "teacher_module_io", "."), TEMPERATURE(struct pair),
    TD_PARAM_END};

static td_tensor *pair_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct pair *p = params;
    td_tensor *z[] = {td_io_get(io, &p->student), td_io_get(io, &p->teacher)};
    return mutual(c, z, 2, p->temperature);
}

static const td_loss_type pair = {
    .type = {.key = "DMLLoss", .summary = "two networks in training follow each other's predictions",
             .params = pair_params, .params_size = sizeof(struct pair)},
    .needs = TD_NEEDS_TEACHER_GRAD | TD_NOT_CACHEABLE,
    .forward = pair_forward};

/* ---- any number of them: the parts of one model ---- */

struct peers {
    td_list student_module_paths; /* of td_tap */
    double temperature, ce_weight;
};

static const td_param one_tap[] = {
    {.name = "", .type = TD_P_TAP, .doc = "path of one network's logits", .flags = TD_SIDE_STUDENT}, TD_PARAM_END};
static const td_param peers_params[] = {
    TD_PARAM_LIST(struct peers, student_module_paths, one_tap, sizeof(td_tap), NULL,
                  "of the networks' logits, e.g. [0, 1, 2]"),
    TEMPERATURE(struct peers),
    TD_PARAM_FLOAT(struct peers, ce_weight, "1", "of each network's own cross entropy; 0: other terms have it"),
    TD_PARAM_END};

static td_tensor *peers_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct peers *p = params;
    const td_tap *taps = p->student_module_paths.v;
    int64_t n = p->student_module_paths.n;
    td_tensor **z = td_alloc(c, (size_t)n * sizeof *z), *sum = NULL;
    if (n < 2)
        td_fail(c, "DMLPeersLoss: 'student_module_paths' needs two networks at least, not %lld", (long long)n);
    for (int64_t k = 0; z && k < n; k++)
        z[k] = td_io_get(io, &taps[k]);
    if (td_failed(c))
        return td_scalar(c, TD_FLOAT32, 0);
    for (int64_t k = 0; p->ce_weight != 0 && k < n; k++)
        sum = td_add_term(c, sum, p->ce_weight, td_cross_entropy(c, z[k], td_io_of(io)->target));
    td_tensor *follow = mutual(c, z, n, p->temperature);
    return sum ? td_add(c, sum, follow) : follow;
}

static const td_loss_type peers = {
    .type = {.key = "DMLPeersLoss", .summary = "networks in training, any number, learn labels and from each other",
             .params = peers_params, .params_size = sizeof(struct peers)},
    .needs = TD_NEEDS_TARGET,
    .forward = peers_forward};

TD_PLUGIN(dml, "0.1.0", "MIT", "Deep mutual learning (Zhang et al., CVPR 2018)", "loss:DMLLoss loss:DMLPeersLoss")
{
    td_register(reg, TD_KIND_LOSS, &pair);
    td_register(reg, TD_KIND_LOSS, &peers);
}
