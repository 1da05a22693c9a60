/* A loss outside tdhost's tree.  Copy this folder, rename, write your equation.
 *
 * L = weight * mean over the batch of (1 - cos(s, t)), s and t flattened features of student and teacher.
 */
#include <td/td.h>

struct params {
    td_tap student, teacher;
    double weight;
};

/* What the configuration may say; the host checks it and fills the struct. */
static const td_param table[] = {
    TD_TAP_STUDENT(struct params, student, "student_module_path", "student_module_io", NULL),
    TD_TAP_TEACHER(struct params, teacher, "teacher_module_path", "teacher_module_io", NULL),
    TD_PARAM_FLOAT(struct params, weight, "1", "multiplies the loss", .max = 1e9),
    TD_PARAM_END};

static td_tensor *forward(td_ctx *c, const void *params, td_io *io)
{
    const struct params *p = params;
    td_tensor *s = td_normalize(c, td_flatten(c, td_io_get(io, &p->student)), 2, 1, 1e-8);
    td_tensor *t = td_normalize(c, td_flatten(c, td_io_get(io, &p->teacher)), 2, 1, 1e-8);
    td_tensor *cosine = td_sum(c, td_mul(c, s, t), TD_DIM(1), 0);
    return td_affine(c, td_mean(c, cosine, TD_DIM(0), 0), -p->weight, p->weight);
}

static const td_loss_type loss = {
    .type = {.key = "TemplateLoss", .summary = "one minus the cosine of flattened features", .params = table, .params_size = sizeof(struct params)},
    .forward = forward};

TD_PLUGIN(template, "1.0.0", "MIT", "A template for losses", "loss:TemplateLoss")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
