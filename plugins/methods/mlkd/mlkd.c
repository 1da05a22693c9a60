/* Multi-level logit distillation (Jin, Wang and Lin, CVPR 2023): predictions P = softmax(z / T) [B,C] at several
 * temperatures are aligned in themselves, in the relations of the batch's samples and in those of the classes,
 *
 *     L = sum_T [ a KL(P_t || P_s) + b ||P_t P_t^T - P_s P_s^T||^2 / B + c ||P_t^T P_t - P_s^T P_s||^2 / C ].
 *
 * The authors' program has T^2 before the divergence: `scale_soft: true`.  With a second, strongly augmented view of
 * each image (dataset.c) L is the sum over the views, and so is the cross entropy of the labels, which is here then. */
#include "mlkd.h"

#include <td/views.h>

struct mlkd {
    td_tap student, teacher;
    td_floats temperatures;
    double instance_weight, batch_weight, class_weight, ce_weight;
    int32_t scale_soft;
    int64_t views;
};

static const td_param mlkd_params[] = {
    TD_TAP_STUDENT(struct mlkd, student, "student_module_path", "student_module_io", "."),
    TD_TAP_TEACHER(struct mlkd, teacher, "teacher_module_path", "teacher_module_io", "."),
    TD_PARAM_FLOATS(struct mlkd, temperatures, "[2, 3, 4, 5, 6]", "T, one after the other", .min = 1e-6, .max = 1e9),
    TD_PARAM_FLOAT(struct mlkd, instance_weight, "1", "a: the predictions themselves"),
    TD_PARAM_FLOAT(struct mlkd, batch_weight, "1", "b: the relations of samples"),
    TD_PARAM_FLOAT(struct mlkd, class_weight, "1", "c: the relations of classes"),
    TD_PARAM_BOOL(struct mlkd, scale_soft, "false", "T^2 before the divergence"),
    TD_PARAM_INT(struct mlkd, views, "1", "rows of logits a sample; MLKDDatasetWrapper makes 2", .min = 1, .max = 2),
    TD_PARAM_FLOAT(struct mlkd, ce_weight, "0", "of the cross entropy of each view; 0: another term has the labels"),
    TD_PARAM_END};

/* ||t t^T - s s^T||^2 / rows, or with the transposed matrices. */
static td_tensor *relations(td_ctx *c, td_tensor *s, td_tensor *t, int32_t transposed)
{
    td_tensor *of_s = td_matmul(c, s, s, transposed, !transposed), *of_t = td_matmul(c, t, t, transposed, !transposed);
    return td_mse_loss(c, of_s, of_t, TD_BATCHMEAN);
}

/* L of one view's logits. */
static td_tensor *align(td_ctx *c, const struct mlkd *p, td_tensor *z_s, td_tensor *z_t, td_tensor *loss)
{
    for (int64_t i = 0; i < p->temperatures.n && !td_failed(c); i++) {
        double T = p->temperatures.v[i];
        td_tensor *s = td_softmax(c, td_scale(c, z_s, 1 / T), 1), *t = td_softmax(c, td_scale(c, z_t, 1 / T), 1);
        loss = td_add_term(c, loss, p->instance_weight * (p->scale_soft ? T * T : 1),
                           td_soft_kl(c, z_s, z_t, T, TD_BATCHMEAN));
        loss = td_add_term(c, loss, p->batch_weight, relations(c, s, t, 0));
        loss = td_add_term(c, loss, p->class_weight, relations(c, s, t, 1));
    }
    return loss;
}

static void check(td_ctx *c, const struct mlkd *p, td_tensor *z, td_tensor *target)
{
    if (td_failed(c))
        return;
    if (td_ndim(z) != 2)
        td_fail(c, "the logits must be [batch, classes]");
    else if (!p->temperatures.n)
        td_fail(c, "MLKDLoss needs one temperature at least");
    else if (p->ce_weight != 0 && !target)
        td_fail(c, "MLKDLoss: ce_weight needs labels, the data has none");
    else if (target && td_dim(z, 0) != p->views * td_dim(target, 0))
        td_fail(c,
                "MLKDLoss: views is %lld, but there are %lld rows of logits for %lld samples: MLKDDatasetWrapper and "
                "forward_batch4mlkd make 2 of each",
                (long long)p->views, (long long)td_dim(z, 0), (long long)td_dim(target, 0));
}

static td_tensor *mlkd_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct mlkd *p = params;
    td_tensor *z_s = td_io_get(io, &p->student), *z_t = td_io_get(io, &p->teacher), *loss = NULL,
              *target = td_io_of(io)->target;
    check(c, p, z_s, target);
    for (int64_t i = 0; i < p->views && !td_failed(c); i++) {
        td_tensor *s = td_view_rows(c, z_s, i, p->views);
        loss = align(c, p, s, td_view_rows(c, z_t, i, p->views), loss);
        if (p->ce_weight != 0)
            loss = td_add_term(c, loss, p->ce_weight, td_cross_entropy(c, s, target));
    }
    return loss ? loss : td_scalar(c, TD_FLOAT32, 0);
}

static const td_loss_type mlkd = {
    .type = {.key = "MLKDLoss", .summary = "predictions, relations of samples and of classes at many temperatures",
             .params = mlkd_params, .params_size = sizeof(struct mlkd)},
    .forward = mlkd_forward};

TD_PLUGIN(mlkd, "0.1.0", "MIT", "Multi-level logit distillation (Jin et al., CVPR 2023)",
          "loss:MLKDLoss dataset_wrapper:MLKDDatasetWrapper forward_proc:forward_batch4mlkd")
{
    td_register(reg, TD_KIND_LOSS, &mlkd);
    td_register(reg, TD_KIND_DATASET_WRAPPER, &mlkd_views);
    td_register(reg, TD_KIND_FORWARD_PROC, &mlkd_forward_proc);
}
