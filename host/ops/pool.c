/* Pooling and nearest-neighbour resampling of x [N,C,H,W].
 *
 *   max_pool2d(x) {td_pool2d_attrs} -> y [N,C,oh,ow], positions int32 (iy * W + ix of the first maximum)
 *   adaptive_max_pool2d(x) {td_shape_attrs oh, ow} -> the same
 *   avg_pool2d(x) {td_pool2d_attrs} -> y
 *   adaptive_avg_pool2d(x) {td_shape_attrs oh, ow} -> y; window i covers [floor(i*H/oh), ceil((i+1)*H/oh))
 *   interpolate_nearest(x) {td_shape_attrs oh, ow} -> y; y[i] = x[floor(i * H / oh)], in PyTorch's float32 arithmetic
 * and for gradients (not differentiable again; H, W is the size of the pooled input):
 *   max_pool2d_grad(gy [N,C,oh,ow], positions) {td_shape_attrs H, W} -> gx [N,C,H,W]; serves both max pools
 *   avg_pool2d_grad(gy) {td_pool2d_grad_attrs; size = H, W} -> gx
 *   adaptive_avg_pool2d_grad(gy) {td_shape_attrs H, W} -> gx
 *   interpolate_nearest_grad(gy) {td_shape_attrs H, W} -> gx */
#include "host/ops/rule.h"
#include "host/ops/table.h"

static int is_image(td_ctx *c, const char *op, const td_desc *x)
{
    if (x->ndim != 4 || !td__is_float(x->dtype)) {
        td_fail(c, "%s: the input, %s %s, must be floating and [N, C, H, W]", op, td__dtype_name(x->dtype), TD__SHAPE(x));
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

static int pool_sizes(td_ctx *c, const char *op, const td_pool2d_attrs *a, const td_desc *x, int64_t size[2])
{
    for (int i = 0; i < 2; i++) {
        if (a->kernel[i] < 1 || a->stride[i] < 1 || a->padding[i] < 0 || a->padding[i] > a->kernel[i] / 2) {
            td_fail(c, "%s: kernel %lld, stride %lld, padding %lld: at least 1, 1 and 0 are needed, padding at most half the kernel",
                    op, (long long)a->kernel[i], (long long)a->stride[i], (long long)a->padding[i]);
            return 0;
        }
        size[i] = pool_length(a, i, x->shape[2 + i]);
    }
    if (size[0] < 1 || size[1] < 1) {
        td_fail(c, "%s: a window of %lldx%lld is larger than the padded input %s", op, (long long)a->kernel[0], (long long)a->kernel[1],
                TD__SHAPE(x));
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

static void infer_windows(td_ctx *c, const char *op, const td_desc *x, const td_pool2d_attrs *a, td_desc *out)
{
    int64_t size[2];
    if (is_image(c, op, x) && pool_sizes(c, op, a, x, size))
        resized(x, size, out);
}

static void infer_resized(td_ctx *c, const char *op, const td_desc *x, const td_shape_attrs *a, td_desc *out)
{
    if (!is_image(c, op, x))
        return;
    if (a->ndim != 2 || a->v[0] < 1 || a->v[1] < 1 || x->shape[2] < 1 || x->shape[3] < 1) {
        td_fail(c, "%s: cannot bring %s to %lldx%lld", op, TD__SHAPE(x), (long long)a->v[0], (long long)a->v[1]);
        return;
    }
    resized(x, a->v, out);
}

static void add_positions(const td_ctx *c, td_desc *out)
{
    if (td_failed(c))
        return;
    out[1] = out[0];
    out[1].dtype = TD_INT32;
}

#define INFER(fn) static void fn(td_ctx *c, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out)

INFER(max_pool2d_infer)
{
    (void)n_in;
    infer_windows(c, "max_pool2d", in, attrs, out);
    add_positions(c, out);
}

INFER(avg_pool2d_infer)
{
    (void)n_in;
    infer_windows(c, "avg_pool2d", in, attrs, out);
}

INFER(adaptive_max_pool2d_infer)
{
    (void)n_in;
    infer_resized(c, "adaptive_max_pool2d", in, attrs, out);
    add_positions(c, out);
}

INFER(adaptive_avg_pool2d_infer)
{
    (void)n_in;
    infer_resized(c, "adaptive_avg_pool2d", in, attrs, out);
}

INFER(adaptive_avg_pool2d_grad_infer)
{
    (void)n_in;
    infer_resized(c, "adaptive_avg_pool2d_grad", in, attrs, out);
}

INFER(interpolate_nearest_infer)
{
    (void)n_in;
    infer_resized(c, "interpolate_nearest", in, attrs, out);
}

INFER(interpolate_nearest_grad_infer)
{
    (void)n_in;
    infer_resized(c, "interpolate_nearest_grad", in, attrs, out);
}

INFER(max_pool2d_grad_infer)
{
    (void)n_in;
    if (in[1].dtype != TD_INT32 || !td__same_shape(&in[0], &in[1])) {
        td_fail(c, "max_pool2d_grad: gradient %s and positions %s %s do not fit", TD__SHAPE(&in[0]), td__dtype_name(in[1].dtype),
                TD__SHAPE(&in[1]));
        return;
    }
    infer_resized(c, "max_pool2d_grad", in, attrs, out);
}

INFER(avg_pool2d_grad_infer)
{
    const td_pool2d_grad_attrs *a = attrs;
    int64_t size[2];
    (void)n_in;
    if (!is_image(c, "avg_pool2d_grad", in))
        return;
    resized(in, a->size, out);
    if (!pool_sizes(c, "avg_pool2d_grad", &a->pool, out, size))
        return;
    if (size[0] != in[0].shape[2] || size[1] != in[0].shape[3])
        td_fail(c, "avg_pool2d_grad: gradient %s for an input %s", TD__SHAPE(in), TD__SHAPE(out));
}

static td_shape_attrs input_size(const td_grad *g) { return (td_shape_attrs){2, 0, {g->in_desc[0].shape[2], g->in_desc[0].shape[3]}}; }

static void max_pool_grad(td_ctx *c, const td_grad *g)
{
    td_shape_attrs a = input_size(g);
    g->gin[0] = td__op2(c, "max_pool2d_grad", g->gout[0], g->out[1], &a, sizeof a);
}

static void avg_pool2d_grad(td_ctx *c, const td_grad *g)
{
    td_pool2d_grad_attrs a = {*(const td_pool2d_attrs *)g->attrs, {g->in_desc[0].shape[2], g->in_desc[0].shape[3]}};
    g->gin[0] = td__op1(c, "avg_pool2d_grad", g->gout[0], &a, sizeof a);
}

static void adaptive_avg_pool2d_grad(td_ctx *c, const td_grad *g)
{
    td_shape_attrs a = input_size(g);
    g->gin[0] = td__op1(c, "adaptive_avg_pool2d_grad", g->gout[0], &a, sizeof a);
}

static void interpolate_nearest_grad(td_ctx *c, const td_grad *g)
{
    td_shape_attrs a = input_size(g);
    g->gin[0] = td__op1(c, "interpolate_nearest_grad", g->gout[0], &a, sizeof a);
}

const td_op_type td__ops_pool[] = {
    {.name = "max_pool2d", .min_in = 1, .max_in = 1, .n_out = 2, .attrs_size = sizeof(td_pool2d_attrs), .save_out = 2,
     .infer = max_pool2d_infer, .grad = max_pool_grad},
    {.name = "adaptive_max_pool2d", .min_in = 1, .max_in = 1, .n_out = 2, .attrs_size = sizeof(td_shape_attrs), .save_out = 2,
     .infer = adaptive_max_pool2d_infer, .grad = max_pool_grad},
    {.name = "avg_pool2d", .min_in = 1, .max_in = 1, .n_out = 1, .attrs_size = sizeof(td_pool2d_attrs), .infer = avg_pool2d_infer,
     .grad = avg_pool2d_grad},
    {.name = "adaptive_avg_pool2d", .min_in = 1, .max_in = 1, .n_out = 1, .attrs_size = sizeof(td_shape_attrs),
     .infer = adaptive_avg_pool2d_infer, .grad = adaptive_avg_pool2d_grad},
    {.name = "interpolate_nearest", .min_in = 1, .max_in = 1, .n_out = 1, .attrs_size = sizeof(td_shape_attrs),
     .infer = interpolate_nearest_infer, .grad = interpolate_nearest_grad},
    {.name = "max_pool2d_grad", .min_in = 2, .max_in = 2, .n_out = 1, .attrs_size = sizeof(td_shape_attrs), .flags = TD_OP_NONDIFF,
     .infer = max_pool2d_grad_infer},
    {.name = "avg_pool2d_grad", .min_in = 1, .max_in = 1, .n_out = 1, .attrs_size = sizeof(td_pool2d_grad_attrs), .flags = TD_OP_NONDIFF,
     .infer = avg_pool2d_grad_infer},
    {.name = "adaptive_avg_pool2d_grad", .min_in = 1, .max_in = 1, .n_out = 1, .attrs_size = sizeof(td_shape_attrs),
     .flags = TD_OP_NONDIFF, .infer = adaptive_avg_pool2d_grad_infer},
    {.name = "interpolate_nearest_grad", .min_in = 1, .max_in = 1, .n_out = 1, .attrs_size = sizeof(td_shape_attrs),
     .flags = TD_OP_NONDIFF, .infer = interpolate_nearest_grad_infer},
    {.name = NULL},
};
