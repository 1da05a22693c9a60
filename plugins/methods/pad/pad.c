/* Prime-aware adaptive distillation (Zhang et al., ECCV 2020, section 3.2): the embeddings' squared differences are
 * weighed by an uncertainty, which a branch of the student estimates as v = ln sigma^2:
 *
 *     L = mean_{b, d} [ (t - s)^2 / (eps + e^v) + v ] */
#include "pad.h"

struct pad {
    td_tap student, teacher, branch;
    double eps;
    const char *reduction;
};

static const td_param pad_params[] = {
    TD_TAP_STUDENT(struct pad, student, "student_embed_module_path", "student_embed_module_io", NULL),
    TD_TAP_TEACHER(struct pad, teacher, "teacher_embed_module_path", "teacher_embed_module_io", NULL),
    TD_TAP_STUDENT(struct pad, branch, "module_path", "module_io", "var_estimator"),
    TD_PARAM_FLOAT(struct pad, eps, "1e-6", "least variance", .min = 1e-30, .max = 1),
    TD_PARAM_STRING(struct pad, reduction, "mean", "over the batch, of the means over the embedding",
                    .choices = "mean|sum"),
    TD_PARAM_END_OPEN};

static td_tensor *pad_forward(td_ctx *c, const void *params, td_io *io)
{
    const struct pad *p = params;
    td_tensor *s = td_flatten(c, td_io_get(io, &p->student)), *t = td_flatten(c, td_io_get(io, &p->teacher));
    td_tensor *v = td_flatten(c, td_io_get(io, &p->branch));
    td_tensor *weighed = td_div(c, td_square(c, td_sub(c, t, s)), td_affine(c, td_exp(c, v), 1, p->eps));
    td_tensor *losses = td_mean(c, td_add(c, weighed, v), TD_DIM(1), 0);
    return td_reduction(p->reduction) == TD_MEAN ? td_mean(c, losses, 0, 0) : td_sum(c, losses, 0, 0);
}

static const td_loss_type pad = {.type = {.key = "PADL2Loss",
                                          .summary = "squared difference of embeddings, less where it is uncertain",
                                          .params = pad_params,
                                          .params_size = sizeof(struct pad)},
                                 .forward = pad_forward,
                                 .min_batch = 2 /* of the estimator's batch norm */};

TD_PLUGIN(pad, "0.1.0", "MIT", "Prime-aware adaptive distillation (Zhang et al., ECCV 2020)",
          "loss:PADL2Loss wrapper:VarianceBranch4PAD")
{
    td_register(reg, TD_KIND_LOSS, &pad);
    td_register(reg, TD_KIND_WRAPPER, &pad_student);
}
