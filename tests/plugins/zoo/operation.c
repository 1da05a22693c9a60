/* An operation of a plugin's own: y = 2 x, with its gradient and a kernel in plain C. */
#include "zoo.h"
static void infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)n_in, (void)attrs;
    if (in[0].dtype != TD_FLOAT32 && in[0].dtype != TD_FLOAT64)
        td_fail(c, "doubles float32 and float64 only");
    *out = in[0];
}
static void grad(td_ctx *c, const td_grad *g) { g->gin[0] = td_scale(c, g->gout[0], 2); }
static int32_t kernel(td_run *run, const td_view *in, td_view *out, const void *attrs)
{
    (void)run, (void)attrs;
    for (int64_t i = 0, n = td_desc_numel(&out->d); i < n; i++)
        if (out->d.dtype == TD_FLOAT64)
            ((double *)out->data)[i] = 2 * ((const double *)in->data)[i];
        else
            ((float *)out->data)[i] = 2 * ((const float *)in->data)[i];
    return TD_OK;
}
static const td_op_kernel kernels[] = {{"reference", kernel}, {NULL, NULL}};
static const td_op_type op = {.name = "zoo_double", .min_in = 1, .max_in = 1, .n_out = 1, .infer = infer, .grad = grad, .kernels = kernels};
TD_PLUGIN(operation, "1.0", "MIT", "of the zoo", "op:zoo_double")
{
    td_register(reg, TD_KIND_OP, &op);
}
