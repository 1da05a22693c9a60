/* Knowledge review (Chen et al., CVPR 2021): the student's feature maps are fused from the deepest to the shallowest
 * (attention based fusion, section 3.3), and each fused map follows the teacher's under a pyramid of poolings, the
 * hierarchical context loss (section 3.4):
 *
 *     L = [ MSE(s, t) + sum_i 2^-i MSE(pool_{k_i}(s), pool_{k_i}(t)) ] / sum of the factors,  over sizes k_i < H,
 *
 * times min(epoch / W, 1) where the authors' recipe warms it up over W epochs. */
#include <td/td.h>

#include "review.h"

struct hcl {
    td_tap student, teacher;
    td_ints output_sizes;
    const char *reduction;
    int64_t warmup_epochs;
};

static const td_param hcl_params[] = {
    TD_TAP_STUDENT(struct hcl, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct hcl, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_STRING(struct hcl, reduction, "mean", "of each squared difference", .choices = "mean|sum"),
    TD_PARAM_INTS(struct hcl, output_sizes, "[4, 2, 1]", "sides of the pooled maps", .min = 1, .max = 65536),
    TD_PARAM_INT(struct hcl, warmup_epochs, "0", "W: the loss grows over that many epochs; 0: it does not", .min = 0,
                 .max = 1e9),
    TD_PARAM_END_OPEN};

static td_tensor *hcl_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct hcl *p = params;
    td_tensor *s = td_io_get(io, &p->student), *t = td_io_get(io, &p->teacher);
    uint32_t reduction = td_reduction(p->reduction);
    td_tensor *loss = td_mse_loss(c, s, t, reduction);
    double factor = 1, total = 1;
    for (int64_t i = 0; i < p->output_sizes.n; i++) {
        int64_t k = p->output_sizes.v[i];
        if (k >= td_dim(s, 2))
            continue;
        factor /= 2;
        total += factor;
        td_tensor *d =
            td_mse_loss(c, td_adaptive_avg_pool2d(c, s, k, k), td_adaptive_avg_pool2d(c, t, k, k), reduction);
        loss = td_add(c, loss, td_scale(c, d, factor));
    }
    return td_scale(c, loss, td_warmth(io, p->warmup_epochs) / total);
}

static const td_loss_type hcl = {.type = {.key = "HierarchicalContextLoss",
                                          .summary = "squared difference of feature maps at several poolings",
                                          .params = hcl_params,
                                          .params_size = sizeof(struct hcl)},
                                 .forward = hcl_forward};

TD_PLUGIN(review, "0.1.0", "MIT", "Knowledge review (Chen et al., CVPR 2021)",
          "loss:HierarchicalContextLoss wrapper:Student4KnowledgeReview")
{
    td_register(reg, TD_KIND_LOSS, &hcl);
    td_register(reg, TD_KIND_WRAPPER, &review_student);
}
