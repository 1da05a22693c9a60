/* Relational knowledge distillation (Park et al., CVPR 2019, section 3.2).  Of the batch's flattened features e:
 *
 *     distance:  psi_D(i, j) = |e_i - e_j| / mu,  mu the mean of the distances between different samples
 *     angle:     psi_A(j, i, k) = <u_ij, u_ik>,   u_ij = (e_j - e_i) / |e_j - e_i|
 *
 * The student's follow the teacher's under the smooth L1 loss:  L = d L_D + a L_A.
 *
 * The e_j - e_i, B x B x d numbers, are never made: all comes from the products g_ij = <e_i, e_j>,
 *
 *     |e_i - e_j|^2 = g_ii + g_jj - 2 g_ij,   <e_j - e_i, e_k - e_i> = g_jk - g_ij - g_ik + g_ii,
 *
 * of features without their mean, which changes no difference and keeps the sums from cancelling. */
#include <td/td.h>

struct rkd {
    td_tap student, teacher;
    double dist_factor, angle_factor;
    const char *reduction;
};

static const td_param rkd_params[] = {
    TD_TAP_PATH(struct rkd, student, "student_output_path", NULL, TD_SIDE_STUDENT, "the student's features"),
    TD_TAP_PATH(struct rkd, teacher, "teacher_output_path", NULL, TD_SIDE_TEACHER, "the teacher's features"),
    TD_PARAM_FLOAT(struct rkd, dist_factor, NULL, "d: factor of the distances"),
    TD_PARAM_FLOAT(struct rkd, angle_factor, NULL, "a: factor of the angles"),
    TD_PARAM_STRING(struct rkd, reduction, "mean", "over all pairs or triplets", .choices = "mean|sum"),
    TD_PARAM_END_OPEN};

/* What distances and angles are made of, each [B, B]. */
struct relations {
    td_tensor *products;  /* g_ij */
    td_tensor *squares;   /* g_ii in row i */
    td_tensor *distances; /* |e_i - e_j| */
    td_tensor *differ;    /* 1 for two different points, else 0 */
};

static struct relations relations_of(td_ctx *c, td_tensor *features)
{
    struct relations r;
    td_tensor *e = td_flatten(c, features);
    e = td_sub(c, e, td_mean(c, e, TD_DIM(0), 1));
    r.products = td_matmul(c, e, e, 0, 1);
    td_tensor *eye = td_eye(c, td_desc_of(e)->dtype, td_dim(e, 0));
    r.squares = td_sum(c, td_mul(c, r.products, eye), TD_DIM(1), 1);
    td_tensor *d2 = td_sub(c, td_add(c, r.squares, td_transpose(c, r.squares)), td_scale(c, r.products, 2));
    r.differ = td_mul(c, td_affine(c, eye, -1, 1), td_greater(c, d2, td_scalar(c, td_desc_of(e)->dtype, 1e-12)));
    r.distances = td_mul(c, td_sqrt(c, td_clamp(c, d2, 1e-12, 1e300)), r.differ);
    return r;
}

/* psi_D: [B, B] */
static td_tensor *relative_distances(td_ctx *c, const struct relations *r)
{
    td_tensor *count = td_clamp(c, td_sum(c, r->differ, 0, 0), 1, 1e300);
    td_tensor *mu = td_div(c, td_sum(c, r->distances, 0, 0), count);
    return td_div(c, r->distances, td_clamp(c, mu, 1e-12, 1e300));
}

/* psi_A with the vertex i first: [B, B, B] */
static td_tensor *angles(td_ctx *c, const struct relations *r)
{
    int64_t b = td_dim(r->products, 0), i_j[] = {b, b, 1}, i_k[] = {b, 1, b}, i_alone[] = {b, 1, 1};
    td_tensor *from_j = td_reshape(c, r->products, 3, i_j), *from_k = td_reshape(c, r->products, 3, i_k);
    td_tensor *inner =
        td_sub(c, td_sub(c, td_add(c, r->products, td_reshape(c, r->squares, 3, i_alone)), from_j), from_k);
    td_tensor *one = td_scalar(c, td_desc_of(r->products)->dtype, 1);
    td_tensor *inverse = td_mul(c, r->differ, td_div(c, one, td_clamp(c, r->distances, 1e-6, 1e300)));
    return td_mul(c, td_mul(c, inner, td_reshape(c, inverse, 3, i_j)), td_reshape(c, inverse, 3, i_k));
}

static td_tensor *rkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct rkd *p = params;
    uint32_t reduction = td_reduction(p->reduction);
    td_tensor *f = td_io_get(io, &p->student), *loss = NULL;
    if (td_dim(f, 0) < 2)
        td_fail(c, "RKDLoss compares the samples of a batch: it needs 2 or more, not %lld", (long long)td_dim(f, 0));
    struct relations s = relations_of(c, f), t = relations_of(c, td_detach(c, td_io_get(io, &p->teacher)));
    if (p->dist_factor != 0)
        loss = td_add_term(c, loss, p->dist_factor,
                           td_smooth_l1_loss(c, relative_distances(c, &s), relative_distances(c, &t), 1, reduction));
    if (p->angle_factor != 0)
        loss = td_add_term(c, loss, p->angle_factor, td_smooth_l1_loss(c, angles(c, &s), angles(c, &t), 1, reduction));
    return loss ? loss : td_scalar(c, TD_FLOAT32, 0);
}

static const td_loss_type rkd = {.type = {.key = "RKDLoss",
                                          .summary = "distances and angles between samples follow the teacher's",
                                          .params = rkd_params,
                                          .params_size = sizeof(struct rkd)},
                                 .forward = rkd_forward,
                                 .min_batch = 2};

TD_PLUGIN(rkd, "0.1.0", "MIT", "Relational knowledge distillation (Park et al., CVPR 2019)", "loss:RKDLoss")
{
    td_register(reg, TD_KIND_LOSS, &rkd);
}
