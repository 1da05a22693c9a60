/* Contrastive representation distillation (Tian, Krishnan and Isola, ICLR 2020).
 *
 * Two memory banks hold a unit vector of every sample: M1 the student's, M2 the teacher's.  With embeddings s, t, a
 * positive and K negatives c_0..c_K per sample, Pn = 1/N and scores
 *
 *     out_t = exp(M1[c] . t / T) / Z1,   out_s = exp(M2[c] . s / T) / Z2,   Z set by the first batch: mean(out) N,
 *
 * each side adds  -(1/B) [ sum_b ln(P / (P + K Pn + eps)) + sum_{b,k} ln(K Pn / (Q + K Pn + eps)) ]  (noise contrastive
 * estimation, equations 17-19 and appendix), P and Q being the scores of positive and negatives.  Then the banks move:
 * M[pos] <- normalise(m M[pos] + (1 - m) e). */
#include <math.h>

#include "crd.h"

struct crd {
    td_tap student, teacher, supp;
    int64_t input_size, output_size, num_negative_samples, num_samples;
    double temperature, momentum, eps;
};

static const td_param crd_params[] = {
    TD_TAP_PATH(struct crd, student, "student_norm_module_path", NULL, TD_SIDE_STUDENT, "the student's embedding"),
    TD_TAP_PATH(struct crd, supp, "student_empty_module_path", NULL, TD_SIDE_STUDENT | TD_TAP_INPUT,
                "takes the side values"),
    TD_TAP_PATH(struct crd, teacher, "teacher_norm_module_path", NULL, TD_SIDE_TEACHER, "the teacher's embedding"),
    TD_PARAM_INT(struct crd, input_size, NULL, "length of the embeddings", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct crd, output_size, NULL, "size of the data set (upstream's second name for it)", .min = 1,
                 .max = 1e12),
    TD_PARAM_INT(struct crd, num_negative_samples, NULL, "K", .min = 1, .max = 1e9),
    TD_PARAM_INT(struct crd, num_samples, NULL, "N: samples in the data set", .min = 1, .max = 1e12),
    TD_PARAM_FLOAT(struct crd, temperature, "0.07", "T", .min = 1e-6, .max = 1e6),
    TD_PARAM_FLOAT(struct crd, momentum, "0.5", "m: how slowly the banks move", .max = 1),
    TD_PARAM_FLOAT(struct crd, eps, "1e-7", "keeps the logarithms finite", .max = 1),
    TD_PARAM_END_OPEN};

/* ---- state: the banks and their constants, kept in checkpoints ---- */

struct state {
    td_tensor *bank[2]; /* [N, d]: student, teacher */
    td_tensor *z[2];    /* scalars, -1 until the first batch */
    int32_t z_known;
};

static const td_module_type state_type = {.name = "CRDLoss", .data_size = sizeof(struct state)};

static td_module *crd_build(td_ctx *c, const void *params)
{
    const struct crd *p = params;
    td_module *m = td_module_new(c, &state_type);
    if (td_failed(c))
        return m;
    struct state *s = td_data(m);
    double bound = 1 / sqrt((double)p->input_size / 3);
    td_desc bank = {TD_FLOAT32, 2, {p->num_samples, p->input_size}}, scalar = {TD_FLOAT32, 0, {0}};
    s->bank[0] = td_buffer(c, m, "memory_v1", &bank, (td_init){TD_INIT_UNIFORM, 0, -bound, bound});
    s->bank[1] = td_buffer(c, m, "memory_v2", &bank, (td_init){TD_INIT_UNIFORM, 0, -bound, bound});
    s->z[0] = td_buffer(c, m, "z_v1", &scalar, (td_init){TD_INIT_CONSTANT, 0, -1, 0});
    s->z[1] = td_buffer(c, m, "z_v2", &scalar, (td_init){TD_INIT_CONSTANT, 0, -1, 0});
    return m;
}

/* ---- loss ---- */

/* exp(bank[contrast] . e / T): [B, K + 1] */
static td_tensor *scores(td_ctx *c, td_tensor *bank, td_tensor *contrast, td_tensor *e, double temperature)
{
    int64_t column[] = {td_dim(e, 0), td_dim(e, 1), 1}, flat[] = {td_dim(e, 0), -1};
    td_tensor *dots = td_matmul(c, td_index_select(c, bank, contrast), td_reshape(c, e, 3, column), 0, 0);
    return td_exp(c, td_scale(c, td_reshape(c, dots, 2, flat), 1 / temperature));
}

/* The constants are set by the first batch and stay. */
static void set_constants(td_ctx *c, struct state *s, td_tensor *const out[2], int64_t n)
{
    float z = 0;
    if (!s->z_known && td_host->read(c, s->z[0], TD_FLOAT32, &z, 1) == TD_OK && z < 0)
        for (int i = 0; i < 2; i++)
            td_copy(c, s->z[i], td_scale(c, td_mean(c, td_detach(c, out[i]), 0, 0), (double)n));
    s->z_known = 1;
}

/* Noise contrastive estimation of one side; x [B, K + 1], the positive first. */
static td_tensor *contrast_loss(td_ctx *c, const struct crd *p, td_tensor *x)
{
    int64_t batch = td_dim(x, 0), k = td_dim(x, 1) - 1;
    double noise = (double)k / (double)p->num_samples;
    td_tensor *pos = td_slice(c, x, 1, 0, 1, 1), *neg = td_slice(c, x, 1, 1, k + 1, 1);
    td_tensor *ln_pos = td_log(c, td_div(c, pos, td_affine(c, pos, 1, noise + p->eps)));
    td_tensor *ln_neg = td_affine(c, td_log(c, td_affine(c, neg, 1, noise + p->eps)), -1, log(noise));
    return td_scale(c, td_add(c, td_sum(c, ln_pos, 0, 0), td_sum(c, ln_neg, 0, 0)), -1 / (double)batch);
}

static void move_bank(td_ctx *c, td_tensor *bank, td_tensor *pos, td_tensor *e, double momentum)
{
    td_tensor *row =
        td_add(c, td_scale(c, td_index_select(c, bank, pos), momentum), td_scale(c, td_detach(c, e), 1 - momentum));
    td_index_copy(c, bank, pos, td_normalize(c, row, 2, 1, 1e-12));
}

/* Embeddings, bank and index sets must fit each other before anything is computed. */
static int32_t check(td_ctx *c, const struct crd *p, td_tensor *s, td_tensor *t, td_tensor *pos, td_tensor *contrast)
{
    if (td_ndim(s) != 2 || td_dim(s, 1) != p->input_size || td_ndim(t) != 2 || td_dim(t, 1) != p->input_size)
        td_fail(c, "CRDLoss: input_size is %lld, but the embeddings at '%s' and '%s' have %lld and %lld numbers",
                (long long)p->input_size, p->student.path, p->teacher.path, (long long)td_dim(s, -1),
                (long long)td_dim(t, -1));
    else if (td_ndim(pos) != 1 || td_ndim(contrast) != 2 || td_dim(contrast, 1) != p->num_negative_samples + 1)
        td_fail(c, "CRDLoss: num_negative_samples is %lld, but the data set wrapper draws %lld",
                (long long)p->num_negative_samples, (long long)td_dim(contrast, 1) - 1);
    return td_failed(c);
}

static td_tensor *crd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct crd *p = params;
    struct state *st = td_data(td_io_of(io)->state);
    td_value supp = td_io_value(io, &p->supp);
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    td_tensor *pos = td_tensor_of(c, td_dict_get(supp, "pos_idx")),
              *contrast = td_tensor_of(c, td_dict_get(supp, "contrast_idx"));
    if (check(c, p, s, t, pos, contrast))
        return s;

    td_tensor *out[2] = {scores(c, st->bank[0], contrast, t, p->temperature),
                         scores(c, st->bank[1], contrast, s, p->temperature)};
    set_constants(c, st, out, p->num_samples);
    td_tensor *loss =
        td_add(c, contrast_loss(c, p, td_div(c, out[0], st->z[0])), contrast_loss(c, p, td_div(c, out[1], st->z[1])));
    move_bank(c, st->bank[0], pos, s, p->momentum);
    move_bank(c, st->bank[1], pos, t, p->momentum);
    return loss;
}

static const td_loss_type crd = {.type = {.key = "CRDLoss",
                                          .summary = "contrasts student and teacher embeddings over memory banks",
                                          .params = crd_params,
                                          .params_size = sizeof(struct crd)},
                                 .needs = TD_NEEDS_INDEX | TD_NEEDS_TEACHER_GRAD | TD_NOT_CACHEABLE,
                                 .forward = crd_forward,
                                 .build = crd_build};

TD_PLUGIN(crd, "0.1.0", "MIT", "Contrastive representation distillation (Tian et al., ICLR 2020)",
          "loss:CRDLoss wrapper:Linear4CRD dataset_wrapper:CRDDatasetWrapper")
{
    td_register(reg, TD_KIND_LOSS, &crd);
    td_register(reg, TD_KIND_WRAPPER, &crd_linear);
    td_register(reg, TD_KIND_DATASET_WRAPPER, &crd_dataset);
}
