#include "host/autograd/record.h"
#include "host/autograd/together.h"
#include "host/backend/backend.h"
#include "host/ops/table.h"
#include "host/tensor/fill.h"

/* Whether the call fits the op's row; else c fails. */
static int fits(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, uint32_t attrs_size,
                td_tensor **out, uint32_t n_out)
{
    if (n_in < op->min_in || n_in > op->max_in)
        td__fail(c, "%u inputs were given, %u to %u are taken", n_in, op->min_in, op->max_in);
    else if (attrs_size != op->attrs_size)
        td__fail(c, "attributes of %u bytes were given, %u are taken", attrs_size, op->attrs_size);
    else if (out && n_out != op->n_out)
        td__fail(c, "%u outputs were asked for, there are %u", n_out, op->n_out);
    for (uint32_t i = 0; !c->error && i < n_in; i++) {
        if (!in[i] && i >= op->min_in)
            continue;
        if (!in[i] || !in[i]->storage)
            td__fail(c, "input %u is missing", i);
        else if (in[i]->storage->backend != c->backend)
            td__fail(c, "input %u lies on the %s backend, not on %s", i, in[i]->storage->backend->type.key,
                     c->backend->type.key);
        else if (c->grad && in[i]->requires_grad && td__writes(op, i))
            td__fail(c, "input %u would be overwritten, but requires a gradient", i);
    }
    return !c->error;
}

static void run_kernel(td_ctx *c, const td_op_type *op, td_kernel kernel, td_tensor *const *in, uint32_t n_in,
                       const td_desc *out_desc, const void *attrs, td_tensor **out)
{
    td_view in_view[TD_OP_MAX_IN] = {{{0}, NULL}}, out_view[TD_OP_MAX_OUT];
    if (!kernel)
        kernel = td__kernel(c->backend, op);
    if (!kernel) {
        td__fail(c, "the %s backend has no kernel for this operation", c->backend->type.key);
        return;
    }
    for (uint32_t i = 0; i < n_in; i++)
        if (in[i])
            in_view[i] = td__view(in[i]);
    for (uint32_t i = 0; i < op->n_out; i++) {
        out[i] = td__tensor_new(c, &out_desc[i]);
        out_view[i] = td__view(out[i]);
    }
    td__run(c, op->name, kernel, in_view, out_view, attrs);
}

/* Makes the outputs and computes them, by `kernel` or, without one, the operation's own. */
static void compute(td_ctx *c, const td_op_type *op, td_kernel kernel, td_tensor *const *in, uint32_t n_in,
                    const td_desc *in_desc, const void *attrs, td_tensor **out)
{
    td_desc out_desc[TD_OP_MAX_OUT] = {{0}};
    op->infer(c, in_desc, n_in, attrs, out_desc);
    if (c->error)
        return;
    if (op->flags & TD_OP_VIEW && out_desc[0].dtype == in_desc[0].dtype &&
        td_desc_numel(&out_desc[0]) == td_desc_numel(&in_desc[0]) && td__same_order(&out_desc[0], &in_desc[0])) {
        out[0] = td__tensor_alias(c, in[0], &out_desc[0]);
        return;
    }
    if (!c->together || !td__together_take(c, op, in, n_in, attrs))
        run_kernel(c, op, kernel, in, n_in, out_desc, attrs, out);
    for (uint32_t i = 0; i < n_in; i++)
        if (in[i] && td__writes(op, i))
            in[i]->storage->version++;
}

static td_tensor *rounded(td_ctx *c, td_tensor *t)
{
    return t ? td_cast(c, td_cast(c, t, TD_BFLOAT16), TD_FLOAT32) : NULL;
}

/* The same in bfloat16: by the backend's kernel for that, else with factors and results that are rounded to it. */
static void compute_bf16(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const td_desc *in_desc,
                         const void *attrs, td_tensor **out)
{
    td_tensor *factors[TD_OP_MAX_IN] = {NULL};
    td_kernel kernel = td__kernel_way(c->backend, op, "bf16");
    int grad = c->grad;
    if (kernel) {
        compute(c, op, kernel, in, n_in, in_desc, attrs, out);
        return;
    }
    c->grad = 0;
    td__frame_push(c);
    for (uint32_t i = 0; i < n_in; i++)
        factors[i] = rounded(c, in[i]);
    compute(c, op, NULL, factors, n_in, in_desc, attrs, out);
    out[0] = td__frame_pop(c, td_value_of(rounded(c, out[0]))).tensor;
    c->grad = grad;
}

td_tensor *td__apply(td_ctx *c, const char *name, td_tensor *const *in, uint32_t n_in, const void *attrs,
                     uint32_t attrs_size, td_tensor **out, uint32_t n_out)
{
    td_tensor *made[TD_OP_MAX_OUT] = {td__empty(), td__empty(), td__empty(), td__empty()};
    td_desc in_desc[TD_OP_MAX_IN];
    const char *outer = c->op;
    td__fills_catch_up(c);
    const td_op_type *op = c->error ? NULL : td__op_find(name);
    if (!op)
        td__fail(c, "there is no operation '%s'", name);
    else
        c->op = op->name;
    if (op && fits(c, op, in, n_in, attrs_size, out, n_out)) {
        for (uint32_t i = 0; i < TD_OP_MAX_IN; i++) {
            if (i < n_in && in[i])
                in_desc[i] = in[i]->d;
            else
                in_desc[i] = (td_desc){TD_FLOAT32, UINT32_MAX, {0}};
        }
        if (c->bf16 && op->flags & TD_OP_AUTOCAST && in_desc[0].dtype == TD_FLOAT32)
            compute_bf16(c, op, in, n_in, in_desc, attrs, made);
        else
            compute(c, op, NULL, in, n_in, in_desc, attrs, made);
        if (!c->error && c->grad && op->grad)
            td__record(c, op, in, n_in, in_desc, attrs, made);
    }
    c->op = outer;
    for (uint32_t i = 0; out && i < n_out; i++)
        out[i] = c->error || i >= TD_OP_MAX_OUT ? td__empty() : made[i];
    if (c->error)
        return td__empty();
    return op->flags & TD_OP_INPLACE ? in[0] : made[0];
}
