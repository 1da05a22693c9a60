/* Pooling and nearest-neighbour resampling of x [N,C,H,W].
 *
 *   max_pool2d(x) {td_pool2d_attrs} -> y [N,C,oh,ow], positions int32 (iy * W + ix of the first maximum)
 *   adaptive_max_pool2d(x) {td_shape_attrs oh, ow} -> the same
 *   avg_pool2d(x) {td_pool2d_attrs} -> y
 *   adaptive_avg_pool2d(x) {td_shape_attrs oh, ow} -> y; window i covers [floor(i*H/oh), ceil((i+1)*H/oh))
 *   interpolate_nearest(x) {td_shape_attrs oh, ow} -> y; y[i] = x[floor(i * H / oh)], in PyTorch's float32 arithmetic
 * and for gradients (not differentiable again; H, W is the size of the pooled input):
 *   max_pool2d_grad(gy [N,C,oh,ow], positions) {td_pool2d_grad_attrs; size = H, W; kernel 0: adaptive windows}
 *     -> gx [N,C,H,W]
 *   avg_pool2d_grad(gy) {td_pool2d_grad_attrs; size = H, W} -> gx
 *   adaptive_avg_pool2d_grad(gy) {td_shape_attrs H, W} -> gx
 *   interpolate_nearest_grad(gy) {td_shape_attrs H, W} -> gx */
#include "host/ops/rule.h"
#include "host/ops/table.h"

static int is_image(td_ctx *c, const td_desc *x)
{
    if (x->ndim != 4 || !td__is_float(x->dtype)) {
        td_fail(c, "the input, %s %s, must be floating and [N, C, H, W]", td__dtype_name(x->dtype), TD__SHAPE(x));
        return 0;
    }
    return 1;
}

/* PyTorch's pooling_output_shape: with ceil_mode a last window that starts inside the padded input may hang over. */
static int64_t pool_length(const td_pool2d_attrs *a, int axis, int64_t in)
{
    int64_t span = in + 2 * a->padding[axis] - a->kernel[axis];
    if (span < 0)
        return 0;
    int64_t n = (span + (a->ceil_mode ? a->stride[axis] - 1 : 0)) / a->stride[axis] + 1;
    return a->ceil_mode && (n - 1) * a->stride[axis] >= in + a->padding[axis] ? n - 1 : n;
}

static int pool_sizes(td_ctx *c, const td_pool2d_attrs *a, const td_desc *x, int64_t size[2])
{
    for (int i = 0; i < 2; i++) {
        if (a->kernel[i] < 1 || a->stride[i] < 1 || a->padding[i] < 0 || a->padding[i] > a->kernel[i] / 2 ||
            a->kernel[i] > INT32_MAX || a->stride[i] > INT32_MAX) {
            td_fail(c,
                    "kernel %lld, stride %lld, padding %lld: they must be from 1, 1 and 0 to 2147483647, padding at "
                    "most half the kernel",
                    (long long)a->kernel[i], (long long)a->stride[i], (long long)a->padding[i]);
            return 0;
        }
        size[i] = pool_length(a, i, x->shape[2 + i]);
    }
    if (size[0] < 1 || size[1] < 1) {
        td_fail(c, "a window of %lldx%lld is larger than the padded input %s", (long long)a->kernel[0],
                (long long)a->kernel[1], TD__SHAPE(x));
        return 0;
    }
    return 1;
}

static void resized(const td_desc *x, const int64_t size[2], td_desc *out)
{
    *out = *x;
    out->shape[2] = size[0];
    out->shape[3] = size[1];
}

static void windows_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    int64_t size[2];
    (void)n_in;
    if (is_image(c, in) && pool_sizes(c, attrs, in, size))
        resized(in, size, out);
}

/* To the size the attributes give: adaptive pools, resampling, and the gradients that know only the input's size. */
static void resized_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_shape_attrs *a = attrs;
    (void)n_in;
    if (!is_image(c, in))
        return;
    if (a->ndim != 2 || a->v[0] < 1 || a->v[1] < 1 || in->shape[2] < 1 || in->shape[3] < 1)
        td_fail(c, "cannot bring %s to %lldx%lld", TD__SHAPE(in), (long long)a->v[0], (long long)a->v[1]);
    else
        resized(in, a->v, out);
}

static void with_positions(td_desc *out)
{
    out[1] = out[0];
    out[1].dtype = TD_INT32;
}

static void max_windows_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    windows_infer(c, in, n_in, attrs, out);
    with_positions(out);
}

static void max_resized_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    resized_infer(c, in, n_in, attrs, out);
    with_positions(out);
}

static void max_pool2d_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_pool2d_grad_attrs *a = attrs;
    const td_shape_attrs size = {2, 0, {a->size[0], a->size[1]}};
    if (in[1].dtype != TD_INT32 || !td__same_shape(&in[0], &in[1]))
        td_fail(c, "gradient %s and positions %s %s do not fit", TD__SHAPE(&in[0]), td__dtype_name(in[1].dtype),
                TD__SHAPE(&in[1]));
    else
        resized_infer(c, in, n_in, &size, out);
}

static void avg_pool2d_grad_infer(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)
{
    const td_pool2d_grad_attrs *a = attrs;
    int64_t size[2];
    (void)n_in;
    if (!is_image(c, in))
        return;
    resized(in, a->size, out);
    if (pool_sizes(c, &a->pool, out, size) && (size[0] != in->shape[2] || size[1] != in->shape[3]))
        td_fail(c, "gradient %s for an input %s", TD__SHAPE(in), TD__SHAPE(out));
}

static void grad_of_max(td_ctx *c, const td_grad *g, td_pool2d_attrs windows)
{
    const td_pool2d_grad_attrs a = {windows, {g->in_desc[0].shape[2], g->in_desc[0].shape[3]}};
    td_tensor *in[2] = {g->gout[0], g->out[1]}, *out[1];
    g->gin[0] = td_host->apply(c, "max_pool2d_grad", in, 2, &a, sizeof a, out, 1);
}

static void max_pool2d_grad(td_ctx *c, const td_grad *g) { grad_of_max(c, g, *(const td_pool2d_attrs *)g->attrs); }

static void adaptive_max_pool2d_grad(td_ctx *c, const td_grad *g)
{
    grad_of_max(c, g, (td_pool2d_attrs){{0}, {0}, {0}, 0, 0});
}

/* A gradient operation that takes gy and the input's size. */
static td_tensor *to_input_size(td_ctx *c, const char *op, const td_grad *g)
{
    const td_shape_attrs a = {2, 0, {g->in_desc[0].shape[2], g->in_desc[0].shape[3]}};
    return td__op1(c, op, g->gout[0], &a, sizeof a);
}

static void adaptive_avg_pool2d_grad(td_ctx *c, const td_grad *g)
{
    g->gin[0] = to_input_size(c, "adaptive_avg_pool2d_grad", g);
}

static void interpolate_nearest_grad(td_ctx *c, const td_grad *g)
{
    g->gin[0] = to_input_size(c, "interpolate_nearest_grad", g);
}

static void avg_pool2d_grad(td_ctx *c, const td_grad *g)
{
    td_pool2d_grad_attrs a = {*(const td_pool2d_attrs *)g->attrs, {g->in_desc[0].shape[2], g->in_desc[0].shape[3]}};
    g->gin[0] = td__op1(c, "avg_pool2d_grad", g->gout[0], &a, sizeof a);
}

#define POOL(op, outputs, attrs, rule, ...) \
    {.name = (op), .min_in = 1, .max_in = 1, .n_out = (outputs), .attrs_size = sizeof(attrs), \
     .infer = (rule), .half_in = 1, .half_out = 1, __VA_ARGS__}

const td_op_type td__ops_pool[] = {
    POOL("max_pool2d", 2, td_pool2d_attrs, max_windows_infer, .save_out = 2, .grad = max_pool2d_grad),
    POOL("adaptive_max_pool2d", 2, td_shape_attrs, max_resized_infer, .save_out = 2, .grad = adaptive_max_pool2d_grad),
    POOL("avg_pool2d", 1, td_pool2d_attrs, windows_infer, .grad = avg_pool2d_grad),
    POOL("adaptive_avg_pool2d", 1, td_shape_attrs, resized_infer, .grad = adaptive_avg_pool2d_grad),
    POOL("interpolate_nearest", 1, td_shape_attrs, resized_infer, .grad = interpolate_nearest_grad),
    {.name = "max_pool2d_grad", .min_in = 2, .max_in = 2, .n_out = 1,
     .attrs_size = sizeof(td_pool2d_grad_attrs), .flags = TD_OP_NONDIFF, .infer = max_pool2d_grad_infer,
     .half_in = 1, .half_out = 1},
    POOL("avg_pool2d_grad", 1, td_pool2d_grad_attrs, avg_pool2d_grad_infer, .flags = TD_OP_NONDIFF),
    POOL("adaptive_avg_pool2d_grad", 1, td_shape_attrs, resized_infer, .flags = TD_OP_NONDIFF),
    POOL("interpolate_nearest_grad", 1, td_shape_attrs, resized_infer, .flags = TD_OP_NONDIFF),
    {.name = NULL},
};
