/* An operation the host has. */
#include "zoo.h"
static void infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    (void)c, (void)n_in, (void)attrs;
    *out = in[0];
}
static int32_t kernel(td_run *run, const td_view *in, td_view *out, const void *attrs)
{
    (void)run, (void)in, (void)out, (void)attrs;
    return TD_OK;
}
static const td_op_kernel kernels[] = {{"reference", kernel}, {NULL, NULL}};
static const td_op_type op = {.name = "conv2d", .min_in = 1, .max_in = 1, .n_out = 1, .flags = TD_OP_NONDIFF, .infer = infer, .kernels = kernels};
TD_PLUGIN(host_op, "1.0", "MIT", "of the zoo", "op:conv2d")
{
    td_register(reg, TD_KIND_OP, &op);
}
