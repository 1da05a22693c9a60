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

static void describe(td_tensor *const *in, uint32_t n_in, td_desc *desc)
{
    for (uint32_t i = 0; i < TD_OP_MAX_IN; i++)
        desc[i] = i < n_in && in[i] ? in[i]->d : (td_desc){TD_FLOAT32, UINT32_MAX, {0}};
}

static void run_kernel(td_ctx *c, const td_op_type *op, td_kernel kernel, td_tensor *const *in, uint32_t n_in,
                       const td_desc *out_desc, const void *attrs, td_tensor **out)
{
    td_view in_view[TD_OP_MAX_IN] = {{{0}, NULL}}, out_view[TD_OP_MAX_OUT];
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

/* Makes the outputs, those in `half` of bfloat16 whatever in_desc leads to, and computes them by `kernel`. */
static void compute(td_ctx *c, const td_op_type *op, td_kernel kernel, uint32_t half, td_tensor *const *in,
                    uint32_t n_in, const td_desc *in_desc, const void *attrs, td_tensor **out)
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
    for (uint32_t i = 0; i < op->n_out; i++)
        if (half >> i & 1)
            out_desc[i].dtype = TD_BFLOAT16;
    if (!c->together || !td__together_take(c, op, in, n_in, attrs))
        run_kernel(c, op, kernel, in, n_in, out_desc, attrs, out);
    for (uint32_t i = 0; i < n_in; i++)
        if (in[i] && td__writes(op, i))
            in[i]->storage->version++;
}

static void compute_as_given(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const void *attrs,
                             td_tensor **out)
{
    td_desc in_desc[TD_OP_MAX_IN];
    describe(in, n_in, in_desc);
    compute(c, op, td__kernel(c->backend, op), 0, in, n_in, in_desc, attrs, out);
}

/* ---- in bfloat16 (td_op_type.half_in) ---- */

static int named(const td_op_type *op, uint32_t i, const td_tensor *t)
{
    return op->half_in >> i & 1 && t && (t->d.dtype == TD_FLOAT32 || t->d.dtype == TD_BFLOAT16);
}

/* Whether the call is one in bfloat16: of a product always, else when nothing but bfloat16 comes where it may. */
static int works_in_half(const td_op_type *op, td_tensor *const *in, uint32_t n_in)
{
    uint32_t may = 0, are = 0;
    for (uint32_t i = 0; i < n_in; i++) {
        may += (uint32_t)named(op, i, in[i]);
        are += named(op, i, in[i]) && in[i]->d.dtype == TD_BFLOAT16;
    }
    return may && (op->flags & TD_OP_AUTOCAST || are == may);
}

/* The inputs in the types the call takes: what comes in the other one is converted. */
static void convert(td_ctx *c, const td_op_type *op, int half, td_tensor *const *in, uint32_t n_in, td_tensor **taken)
{
    for (uint32_t i = 0; i < n_in; i++) {
        uint32_t dtype = half && named(op, i, in[i]) ? TD_BFLOAT16 : TD_FLOAT32;
        int other = in[i] && in[i]->d.dtype != dtype && !td__writes(op, i) &&
                    (in[i]->d.dtype == TD_BFLOAT16 || dtype == TD_BFLOAT16);
        taken[i] = other ? td_cast(c, in[i], dtype) : in[i];
    }
}

/* Without a kernel for that: in float32, and rounded. */
static void compute_rounded(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const void *attrs,
                            td_tensor **out)
{
    td_tensor *whole[TD_OP_MAX_IN];
    convert(c, op, 0, in, n_in, whole);
    compute_as_given(c, op, whole, n_in, attrs, out);
    for (uint32_t i = 0; i < op->n_out; i++)
        if (op->half_out >> i & 1)
            out[i] = td_cast(c, out[i], TD_BFLOAT16);
}

static void compute_half(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const void *attrs,
                         td_tensor **out)
{
    td_kernel kernel = td__half_kernel(c->backend, op);
    td_desc in_desc[TD_OP_MAX_IN];
    describe(in, n_in, in_desc);
    for (uint32_t i = 0; i < n_in; i++)
        if (named(op, i, in[i]))
            in_desc[i].dtype = TD_FLOAT32;
    if (kernel)
        compute(c, op, kernel, op->half_out, in, n_in, in_desc, attrs, out);
    else
        compute_rounded(c, op, in, n_in, attrs, out);
}

/* Converts, computes, records.  What the conversions made is dropped, but for what the gradient rule reads: the
 * weights a convolution had, so they are converted once a step. */
static void call_bf16(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const void *attrs,
                      td_tensor **out)
{
    td_tensor *taken[TD_OP_MAX_IN] = {NULL};
    int grad = c->grad, half = works_in_half(op, in, n_in);
    td__frame_push(c);
    c->grad = 0;
    convert(c, op, half, in, n_in, taken);
    if (half && !(op->flags & TD_OP_MOVES))
        compute_half(c, op, taken, n_in, attrs, out);
    else
        compute_as_given(c, op, taken, n_in, attrs, out);
    c->grad = grad;
    if (!c->error && c->grad && op->grad)
        td__record(c, op, in, taken, n_in, attrs, out);
    for (uint32_t i = 0; i < op->n_out; i++)
        td__retain(out[i]);
    td__frame_pop(c, td_none());
    for (uint32_t i = 0; i < op->n_out; i++)
        td__frame_own(c, out[i]);
}

/* ---- in the types that are given ---- */

static void call_exact(td_ctx *c, const td_op_type *op, td_tensor *const *in, uint32_t n_in, const void *attrs,
                       td_tensor **out)
{
    compute_as_given(c, op, in, n_in, attrs, out);
    if (!c->error && c->grad && op->grad)
        td__record(c, op, in, in, n_in, attrs, out);
}

td_tensor *td__apply(td_ctx *c, const char *name, td_tensor *const *in, uint32_t n_in, const void *attrs,
                     uint32_t attrs_size, td_tensor **out, uint32_t n_out)
{
    td_tensor *made[TD_OP_MAX_OUT] = {td__empty(), td__empty(), td__empty(), td__empty()};
    const char *outer = c->op;
    td__fills_catch_up(c);
    const td_op_type *op = c->error ? NULL : td__op_find(name);
    if (!op)
        td__fail(c, "there is no operation '%s'", name);
    else
        c->op = op->name;
    if (op && fits(c, op, in, n_in, attrs_size, out, n_out))
        (c->bf16 ? call_bf16 : call_exact)(c, op, in, n_in, attrs, made);
    c->op = outer;
    for (uint32_t i = 0; out && i < n_out; i++)
        out[i] = c->error || i >= TD_OP_MAX_OUT ? td__empty() : made[i];
    if (c->error)
        return td__empty();
    return op->flags & TD_OP_INPLACE ? in[0] : made[0];
}
