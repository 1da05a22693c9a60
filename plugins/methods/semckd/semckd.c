/* Cross-layer distillation with semantic calibration (Chen, Mei, Zhang, Wang, Feng and Chen, AAAI 2021): every
 * student layer learns from every teacher layer, as much as attention finds them alike.  With G(F) = F F^T the
 * similarities of the batch's samples (F flattened), Q_i and K_j embeddings of their rows to unit vectors, R_ij a
 * regressor:
 *
 *     a_ij = softmax_j Q_i(G(F_i^s)) . K_j(G(F_j^t))  for each sample   (equations 5, 6)
 *     L = 1 / (B S) sum_b sum_ij a_ij mean (R_ij(F_i^s) - F_j^t)^2   (equation 8)
 *
 * where the larger of two maps is averaged to the smaller's size.  Attention and regressors are the loss's own. */
#include <td/td.h>

#define MOST_LAYERS 8

struct layer {
    td_tap tap;
    int64_t channels;
};
struct semckd {
    td_list student_layers, teacher_layers;
    int64_t batch_size, factor;
};

static const td_param student_table[] = {
    TD_TAP_STUDENT(struct layer, tap, "path", "io", NULL),
    TD_PARAM_INT(struct layer, channels, NULL, "of that feature map", .min = 1, .max = 1e6), TD_PARAM_END};
static const td_param teacher_table[] = {
    TD_TAP_TEACHER(struct layer, tap, "path", "io", NULL),
    TD_PARAM_INT(struct layer, channels, NULL, "of that feature map", .min = 1, .max = 1e6), TD_PARAM_END};
static const td_param semckd_params[] = {
    TD_PARAM_LIST(struct semckd, student_layers, student_table, sizeof(struct layer), NULL,
                  "the student's feature maps"),
    TD_PARAM_LIST(struct semckd, teacher_layers, teacher_table, sizeof(struct layer), NULL, "the teacher's"),
    TD_PARAM_INT(struct semckd, batch_size, NULL, "the loader's; smaller batches count as filled up with zeros",
                 .min = 2, .max = 65536),
    TD_PARAM_INT(struct semckd, factor, "4", "by which embeddings are shorter than the batch", .min = 1, .max = 65536),
    TD_PARAM_END_OPEN};

/* ---- attention and regressors ---- */

struct state {
    td_module *query[MOST_LAYERS], *key[MOST_LAYERS], *regressor[MOST_LAYERS][MOST_LAYERS];
};

static const td_module_type state_type = {.name = "SemCKDLoss", .data_size = sizeof(struct state)};

static td_module *embedding(td_ctx *c, td_module *list, int64_t in, int64_t out)
{
    td_module *m = td_layer(c, list, NULL, "Sequential", "{}");
    td_layer(c, m, NULL, "Linear", "{in_features: %lld, out_features: %lld}", (long long)in, (long long)(2 * out));
    td_layer(c, m, NULL, "ReLU", "{}");
    td_layer(c, m, NULL, "Linear", "{in_features: %lld, out_features: %lld}", (long long)(2 * out), (long long)out);
    return m;
}

static td_module *regressor(td_ctx *c, td_module *list, int64_t in, int64_t out)
{
    td_module *m = td_layer(c, list, NULL, "Sequential", "{}");
    td_conv_layer(c, m, NULL, in, 2 * out, 1, 1);
    td_norm_layer(c, m, NULL, 2 * out);
    td_layer(c, m, NULL, "ReLU", "{}");
    td_conv_layer(c, m, NULL, 2 * out, 2 * out, 3, 1);
    td_norm_layer(c, m, NULL, 2 * out);
    td_layer(c, m, NULL, "ReLU", "{}");
    td_conv_layer(c, m, NULL, 2 * out, out, 1, 1);
    return m;
}

static td_module *semckd_build(td_ctx *c, const void *params)
{
    const struct semckd *p = params;
    const struct layer *s = p->student_layers.v, *t = p->teacher_layers.v;
    int64_t n_s = p->student_layers.n, n_t = p->teacher_layers.n, length = p->batch_size / p->factor;
    td_module *m = td_module_new(c, &state_type);
    if (n_s < 1 || n_t < 1 || n_s > MOST_LAYERS || n_t > MOST_LAYERS)
        td_fail(c, "SemCKDLoss takes 1 to %d layers of each network, not %lld and %lld", MOST_LAYERS, (long long)n_s,
                (long long)n_t);
    if (length < 1)
        td_fail(c, "factor %lld leaves nothing of batch_size %lld", (long long)p->factor, (long long)p->batch_size);
    if (td_failed(c))
        return m;
    struct state *d = td_data(m);
    td_module *query = td_layer(c, m, "query", "ModuleList", "{}"), *key = td_layer(c, m, "key", "ModuleList", "{}"),
              *regressors = td_layer(c, m, "regressor", "ModuleList", "{}");
    for (int64_t j = 0; j < n_t; j++)
        d->key[j] = embedding(c, key, p->batch_size, length);
    for (int64_t i = 0; i < n_s; i++) {
        d->query[i] = embedding(c, query, p->batch_size, length);
        td_module *row = td_layer(c, regressors, NULL, "ModuleList", "{}");
        for (int64_t j = 0; j < n_t; j++)
            d->regressor[i][j] = regressor(c, row, s[i].channels, t[j].channels);
    }
    return m;
}

/* ---- loss ---- */

/* Row b: how alike sample b is to each sample of the batch, [B, batch_size], embedded as a unit vector. */
static td_tensor *embed(td_ctx *c, const struct semckd *p, td_module *embedding, td_tensor *f)
{
    f = td_flatten(c, f);
    td_tensor *g = td_pad(c, td_matmul(c, f, f, 0, 1), 1, 0, p->batch_size - td_dim(f, 0), 0);
    return td_normalize(c, td_call(c, embedding, g), 2, 1, 1e-12);
}

/* mean (R(s) - t)^2 of each sample, [B,1], on the smaller map. */
static td_tensor *distance(td_ctx *c, td_module *regressor, td_tensor *s, td_tensor *t)
{
    if (td_dim(s, 2) > td_dim(t, 2))
        s = td_adaptive_avg_pool2d(c, s, td_dim(t, 2), td_dim(t, 3));
    else if (td_dim(s, 2) < td_dim(t, 2))
        t = td_adaptive_avg_pool2d(c, t, td_dim(s, 2), td_dim(s, 3));
    td_tensor *d = td_square(c, td_sub(c, td_call(c, regressor, s), t));
    return td_mean(c, td_flatten(c, d), TD_DIM(1), 1);
}

static td_tensor *semckd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct semckd *p = params;
    const struct state *d = td_data(td_io_of(io)->state);
    const struct layer *s = p->student_layers.v, *t = p->teacher_layers.v;
    int64_t batch = td_dim(td_io_get(io, &s[0].tap), 0);
    td_tensor *key[MOST_LAYERS], *sum = NULL;
    if (batch > p->batch_size)
        td_fail(c, "SemCKDLoss: batch_size is %lld, but the batch has %lld samples", (long long)p->batch_size,
                (long long)batch);
    for (int64_t j = 0; j < p->teacher_layers.n; j++)
        key[j] = embed(c, p, d->key[j], td_io_get(io, &t[j].tap));
    for (int64_t i = 0; i < p->student_layers.n && !td_failed(c); i++) {
        td_tensor *f = td_io_get(io, &s[i].tap), *query = embed(c, p, d->query[i], f), *energy = NULL, *error = NULL;
        for (int64_t j = 0; j < p->teacher_layers.n; j++) {
            td_tensor *e = td_sum(c, td_mul(c, query, key[j]), TD_DIM(1), 1),
                      *x = distance(c, d->regressor[i][j], f, td_io_get(io, &t[j].tap));
            energy = energy ? td_cat(c, energy, e, 1) : e;
            error = error ? td_cat(c, error, x, 1) : x;
        }
        sum = td_add_term(c, sum, 1, td_sum(c, td_mul(c, td_softmax(c, energy, 1), error), 0, 0));
    }
    return sum ? td_scale(c, sum, 1 / (double)(batch * p->student_layers.n)) : td_scalar(c, TD_FLOAT32, 0);
}

static const td_loss_type semckd = {
    .type = {.key = "SemCKDLoss",
             .summary = "every student layer learns from every teacher layer, weighed by attention",
             .params = semckd_params,
             .params_size = sizeof(struct semckd)},
    .forward = semckd_forward,
    .build = semckd_build};

TD_PLUGIN(semckd, "0.1.0", "MIT", "Semantic calibration (SemCKD: Chen et al., AAAI 2021)", "loss:SemCKDLoss")
{
    td_register(reg, TD_KIND_LOSS, &semckd);
}
