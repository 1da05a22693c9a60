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
    TD_PARAM_INT(struct crd, num_samples, NULL, "N: samples in the data set", .min = 1, .max = 1e12,
                 .flags = TD_PARAM_SAMPLES),
    TD_PARAM_FLOAT(struct crd, temperature, "0.07", "T", .min = 1e-6, .max = 1e6),
    TD_PARAM_FLOAT(struct crd, momentum, "0.5", "m: how slowly the banks move", .max = 1),
    TD_PARAM_FLOAT(struct crd, eps, "1e-7", "keeps the logarithms finite", .max = 1),
    TD_PARAM_END_OPEN};

/* ---- state: the banks and their constants, kept in checkpoints ---- */

struct state {
    td_tensor *bank[2]; /* [N, d]: student, teacher */
    td_tensor *z[2];    /* scalars, -1 until the first batch */
    double z_value[2];  /* the same, once known */
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

/* exp(bank[contrast] . e / T), the scores times Z: [B, K + 1]. */
static td_tensor *scores(td_ctx *c, td_tensor *bank, td_tensor *contrast, td_tensor *e, double T)
{
    return td_exp(c, td_gather_matmul(c, td_scale(c, e, 1 / T), bank, contrast));
}

/* Z of bank i: set by the first batch, which stays. */
static double constant(td_ctx *c, const struct crd *p, struct state *s, int i, td_tensor *scores)
{
    double z = 0;
    if (s->z_value[i] > 0)
        return s->z_value[i];
    if (td_host->read(c, s->z[i], TD_FLOAT64, &z, 1) == TD_OK && z < 0) {
        td_copy(c, s->z[i], td_scale(c, td_mean(c, scores, 0, 0), (double)p->num_samples));
        td_host->read(c, s->z[i], TD_FLOAT64, &z, 1);
    }
    return s->z_value[i] = z;
}

/* Noise contrastive estimation of one embedding e against bank M of index i, its positives first in contrast.  With the
 * scores x Z of positives and negatives and y = x Z + Z (K Pn + eps)
 *
 *     L = (1/B) [ sum_{b, k} ln y - sum_b M[pos_b] . e_b / T ] - K ln(Z K Pn),
 *     dL/de_b = (1 / (B T)) [ sum_k (x Z / y) M[c_k] - M[pos_b] ],
 *
 * computed at once, for the bank moves before the backward pass: what is returned has this value and this gradient. */
static td_tensor *contrast_loss(td_ctx *c, const struct crd *p, struct state *s, int i, td_tensor *contrast,
                                td_tensor *e)
{
    int32_t was = td_host->set_grad(c, 0);
    td_tensor *bank = s->bank[i], *x = scores(c, bank, contrast, e, p->temperature);
    int64_t k = td_dim(contrast, 1) - 1, column[] = {td_dim(e, 0)};
    double batch = (double)td_dim(e, 0), noise = (double)k / (double)p->num_samples, z = constant(c, p, s, i, x);

    td_tensor *y = td_affine(c, x, 1, z * (noise + p->eps));
    td_tensor *positive = td_index_select(c, bank, td_reshape(c, td_slice(c, contrast, 1, 0, 1, 1), 1, column));
    td_tensor *ln_positive = td_scale(c, td_sum(c, td_mul(c, positive, e), 0, 0), 1 / p->temperature);
    td_tensor *value =
        td_affine(c, td_sub(c, td_sum(c, td_log(c, y), 0, 0), ln_positive), 1 / batch, -(double)k * log(z * noise));
    td_tensor *pulls = td_scatter_matmul(c, td_div(c, x, y), bank, contrast);
    td_tensor *gradient = td_scale(c, td_sub(c, pulls, positive), 1 / (batch * p->temperature));
    td_host->set_grad(c, was);

    td_tensor *linear = td_sum(c, td_mul(c, e, gradient), 0, 0);
    return td_add(c, linear, td_sub(c, value, td_detach(c, linear)));
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

    td_tensor *loss = td_add(c, contrast_loss(c, p, st, 0, contrast, t), contrast_loss(c, p, st, 1, contrast, s));
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
