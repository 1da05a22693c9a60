/* tdhost SDK: operations.
 *
 * An operation is one row: name, shape and dtype rule, gradient rule, flags, and a kernel per backend.  The
 * host's own operations and a plugin's are the same thing.  The functions below are how plugin code reads;
 * each is one td_host->apply.  Unless said otherwise inputs have one floating dtype, and so has the result.
 */
#ifndef TD_OP_H
#define TD_OP_H

#include <td/host.h>

/* ---- what an operation is ---- */

#define TD_OP_MAX_IN 6u
#define TD_OP_MAX_OUT 4u

/* A tensor as a kernel sees it: dense memory in the layout of td_desc. */
typedef struct td_view {
    td_desc d;
    void *data;
} td_view;

/* Computes out from in.  Absent optional inputs have data NULL and ndim 0.  0, or td_host->run_fail and TD_ERROR. */
typedef int32_t (*td_kernel)(td_run *, const td_view *in, td_view *out, const void *attrs);

typedef struct td_op_kernel {
    const char *backend; /* "reference", "cpu", "cuda", ... */
    td_kernel run;
} td_op_kernel;

/* For the gradient rule: gradients of the outputs in, gradients of the inputs out. */
typedef struct td_grad {
    td_tensor *const *in;    /* NULL where absent or not saved */
    td_tensor *const *out;   /* NULL where not saved */
    td_tensor *const *gout;  /* NULL where nothing flows back */
    const int32_t *needs;    /* per input: 1 when its gradient is wanted */
    td_tensor **gin;         /* to be set for the inputs that need one; NULL means zero */
    const td_desc *in_desc;  /* shapes of all inputs, saved or not */
    const td_desc *out_desc;
    const void *attrs;
} td_grad;

#define TD_OP_INPLACE 1u   /* writes input 0 (and those in `mutates`); not differentiable */
#define TD_OP_VIEW                                                                                                     \
    4u /* the elements of input 0 in logical order: shares its memory where order and dtype stay, else the kernel copies */
#define TD_OP_AUTOCAST 8u /* sums of products: with --precision bf16 always in bfloat16 (see half_in) */
/* In place: calls that share no tensor which one of them writes may run at once, by a kernel NAME.many (td_many) where
 * the backend has one.  The host collects an optimizer's. */
#define TD_OP_TOGETHER 16u
#define TD_OP_MOVES 32u   /* moves elements and takes any type as it is: its kernels are the same in bfloat16 */
#define TD_OP_NONDIFF 2u   /* no gradient flows: integer results, masks, gradients' own operations */

/* The attributes of a kernel NAME.many: its `in` has the inputs of n calls one after the other, max_in of each, all of
 * one dtype (but those the operation wants of another), its `out` is NULL. */
typedef struct td_many {
    uint32_t n, max_in;
    const void *attrs; /* n of the operation's */
} td_many;

typedef struct td_op_type {
    const char *name;
    uint32_t min_in, max_in, n_out;
    uint32_t attrs_size;
    uint32_t flags;
    uint32_t mutates;  /* bit i: input i is written */
    uint32_t save_in;  /* bit i: the gradient rule reads input i */
    uint32_t save_out; /* bit i: the gradient rule reads output i */
    /* Fills out[0..n_out); td_fail where shapes or dtypes do not fit.  An absent input has ndim UINT32_MAX. */
    void (*infer)(td_ctx *, const td_desc *in, uint32_t n_in, const void *attrs, td_desc *out);
    void (*grad)(td_ctx *, const td_grad *); /* NULL only with TD_OP_NONDIFF or TD_OP_INPLACE */
    const td_op_kernel *kernels;             /* a plugin's own kernels, ended by {NULL}; NULL for the host's */
    /* With --precision bf16 activations are bfloat16, and an operation with TD_OP_AUTOCAST, or one that is given nothing
     * but bfloat16 as inputs of half_in, takes these inputs and gives the outputs of half_out in bfloat16 (bit i: number
     * i).  All other floating inputs and outputs of any operation are float32; the host converts what comes in another
     * type, and gradients back to the type of their inputs.  `infer` sees float32 in the place of bfloat16.  A backend's
     * kernel named NAME.bf16 gets what is said here; where it has none, the host has the operation's own kernel compute
     * in float32 and rounds.  Both 0: the operation never sees bfloat16. */
    uint32_t half_in, half_out;
} td_op_type;

/* ---- attributes ---- */

#define TD_MEAN 0u      /* over all elements */
#define TD_SUM 1u
#define TD_BATCHMEAN 2u /* sum over everything, divided by the first dimension */
#define TD_NO_REDUCTION 3u

typedef struct td_scalar_attrs { double a, b; } td_scalar_attrs;
typedef struct td_dims_attrs { uint32_t dims; uint32_t keepdim; } td_dims_attrs; /* dims: bit i = logical dimension i */
typedef struct td_dim_attrs { int64_t dim, a, b; } td_dim_attrs;
typedef struct td_shape_attrs { uint32_t ndim, reserved; int64_t v[TD_MAX_DIMS]; } td_shape_attrs;
typedef struct td_conv2d_attrs {
    int64_t stride[2], padding[2], dilation[2], groups, output_padding[2];
} td_conv2d_attrs;
typedef struct td_pool2d_attrs {
    int64_t kernel[2], stride[2], padding[2];
    int32_t ceil_mode, count_include_pad;
} td_pool2d_attrs;
typedef struct td_conv2d_grad_attrs {
    td_conv2d_attrs conv;
    int64_t size[2];
} td_conv2d_grad_attrs; /* height and width of the gradient */
typedef struct td_pool2d_grad_attrs { td_pool2d_attrs pool; int64_t size[2]; } td_pool2d_grad_attrs; /* likewise */
typedef struct td_batch_norm_attrs { double momentum, eps; int32_t training, relu; } td_batch_norm_attrs;
/* Of conv2d_norm, a kernel that backends may have beside those of operations: conv2d, then batch_norm with constant
 * statistics; gradients are not asked for.  Inputs: x, w, bias?, and of the norm weight?, bias?, running_mean,
 * running_var, residual?.  All is float32; of conv2d_norm.bf16 x, residual and the result are bfloat16.  The cpu backend
 * gives the bits of the two one after the other, cuda multiplies the weights first. */
typedef struct td_conv_norm_attrs { td_conv2d_attrs conv; double eps; int32_t relu; } td_conv_norm_attrs;
typedef struct td_loss_attrs {
    uint32_t reduction, reserved;
    int64_t ignore_index;
    double label_smoothing, beta;
} td_loss_attrs;
typedef struct td_matmul_attrs { int32_t trans_a, trans_b; } td_matmul_attrs;
typedef struct td_dropout_attrs { double p; uint64_t seed, counter; } td_dropout_attrs;
typedef struct td_cast_attrs { uint32_t dtype, reserved; } td_cast_attrs;
typedef struct td_sgd_attrs { double lr, momentum, dampening, weight_decay; int32_t nesterov, first; } td_sgd_attrs;
typedef struct td_adam_attrs {
    double lr, beta1, beta2, eps, weight_decay;
    int64_t step;
    int32_t decoupled, reserved;
} td_adam_attrs;

/* ---- as functions ---- */

static inline td_tensor *td__op1(td_ctx *c, const char *op, td_tensor *x, const void *attrs, uint32_t size)
{
    td_tensor *in[1] = {x}, *out[1];
    return td_host->apply(c, op, in, 1, attrs, size, out, 1);
}
static inline td_tensor *td__op2(td_ctx *c, const char *op, td_tensor *x, td_tensor *y, const void *attrs,
                                 uint32_t size)
{
    td_tensor *in[2] = {x, y}, *out[1];
    return td_host->apply(c, op, in, 2, attrs, size, out, 1);
}
static inline td_tensor *td__op3(td_ctx *c, const char *op, td_tensor *x, td_tensor *y, td_tensor *z, const void *attrs,
                                 uint32_t size)
{
    td_tensor *in[3] = {x, y, z}, *out[1];
    return td_host->apply(c, op, in, 3, attrs, size, out, 1);
}

/* Pointwise with broadcasting as NumPy's. */
#define TD__BINARY(fn) \
    static inline td_tensor *td_##fn(td_ctx *c, td_tensor *x, td_tensor *y) { return td__op2(c, #fn, x, y, NULL, 0); }
TD__BINARY(add)
TD__BINARY(sub)
TD__BINARY(mul)
TD__BINARY(div)
TD__BINARY(maximum) /* gradient to the larger, half each where equal */
TD__BINARY(minimum)
TD__BINARY(greater) /* 1 where x > y, else 0, in x's dtype; no gradient */
TD__BINARY(equal)   /* likewise */
#define TD__UNARY(fn) \
    static inline td_tensor *td_##fn(td_ctx *c, td_tensor *x) { return td__op1(c, #fn, x, NULL, 0); }
TD__UNARY(neg)
TD__UNARY(exp)
TD__UNARY(log)
TD__UNARY(sqrt)
TD__UNARY(abs) /* gradient 0 at 0 */
TD__UNARY(square)
TD__UNARY(sigmoid)
TD__UNARY(tanh)
TD__UNARY(softplus) /* ln(1 + e^x) */
TD__UNARY(relu)     /* gradient 0 at 0 */
#define TD__SCALAR(fn, a_, b_) td_scalar_attrs a = {(a_), (b_)}; return td__op1(c, fn, x, &a, sizeof a)
/* scale * x + shift */
static inline td_tensor *td_affine(td_ctx *c, td_tensor *x, double scale, double shift)
{
    TD__SCALAR("affine", scale, shift);
}
static inline td_tensor *td_scale(td_ctx *c, td_tensor *x, double s) { TD__SCALAR("affine", s, 0); }
static inline td_tensor *td_pow(td_ctx *c, td_tensor *x, double exponent) { TD__SCALAR("pow", exponent, 0); }
static inline td_tensor *td_clamp(td_ctx *c, td_tensor *x, double lo, double hi) { TD__SCALAR("clamp", lo, hi); }
static inline td_tensor *td_leaky_relu(td_ctx *c, td_tensor *x, double slope) { TD__SCALAR("leaky_relu", slope, 0); }
/* x where mask (any dtype, nonzero) else y; broadcasting. */
static inline td_tensor *td_where(td_ctx *c, td_tensor *mask, td_tensor *x, td_tensor *y)
{
    return td__op3(c, "where", mask, x, y, NULL, 0);
}

/* Reductions over a set of dimensions (bit i = dimension i; 0 = all). */
#define TD_DIM(i) (1u << (i))
#define TD__REDUCE(fn) \
    static inline td_tensor *td_##fn(td_ctx *c, td_tensor *x, uint32_t dims, uint32_t keepdim) \
    { td_dims_attrs a = {dims, keepdim}; return td__op1(c, #fn, x, &a, sizeof a); }
TD__REDUCE(sum)
TD__REDUCE(mean)
TD__REDUCE(amax) /* gradient shared evenly between equal maxima */
/* int64 index of the first maximum along one dimension; no gradient. */
static inline td_tensor *td_argmax(td_ctx *c, td_tensor *x, int64_t dim)
{
    td_dim_attrs a = {dim, 0, 0};
    return td__op1(c, "argmax", x, &a, sizeof a);
}

/* softmax(x)_i = e^x_i / sum_j e^x_j along dim, and its logarithm. */
static inline td_tensor *td_softmax(td_ctx *c, td_tensor *x, int64_t dim)
{
    td_dim_attrs a = {dim, 0, 0};
    return td__op1(c, "softmax", x, &a, sizeof a);
}
static inline td_tensor *td_log_softmax(td_ctx *c, td_tensor *x, int64_t dim)
{
    td_dim_attrs a = {dim, 0, 0};
    return td__op1(c, "log_softmax", x, &a, sizeof a);
}

/* Losses as torch.nn.functional's; reduction: TD_MEAN, TD_SUM, TD_BATCHMEAN, TD_NO_REDUCTION. */
/* sum p (ln p - input) with input = log-probabilities, p = target; 0 ln 0 = 0. */
static inline td_tensor *td_kl_div(td_ctx *c, td_tensor *input, td_tensor *target, uint32_t reduction)
{
    td_loss_attrs a = {reduction, 0, -100, 0, 1};
    return td__op2(c, "kl_div", input, target, &a, sizeof a);
}
static inline td_tensor *td_mse_loss(td_ctx *c, td_tensor *x, td_tensor *y, uint32_t reduction)
{
    td_loss_attrs a = {reduction, 0, -100, 0, 1};
    return td__op2(c, "mse_loss", x, y, &a, sizeof a);
}
static inline td_tensor *td_l1_loss(td_ctx *c, td_tensor *x, td_tensor *y, uint32_t reduction)
{
    td_loss_attrs a = {reduction, 0, -100, 0, 1};
    return td__op2(c, "l1_loss", x, y, &a, sizeof a);
}
static inline td_tensor *td_smooth_l1_loss(td_ctx *c, td_tensor *x, td_tensor *y, double beta, uint32_t reduction)
{
    td_loss_attrs a = {reduction, 0, -100, 0, beta};
    return td__op2(c, "smooth_l1_loss", x, y, &a, sizeof a);
}
/* logits [B,C] or [B,C,H,W], target int64 [B] or [B,H,W]; mean over the targets that are not ignore_index.
 * weight [C] (NULL: ones) as in torch.nn.CrossEntropyLoss. */
static inline td_tensor *td_cross_entropy_with(td_ctx *c, td_tensor *logits, td_tensor *target, td_tensor *weight,
                                               int64_t ignore_index, double label_smoothing, uint32_t reduction)
{
    td_loss_attrs a = {reduction, 0, ignore_index, label_smoothing, 1};
    return td__op3(c, "cross_entropy", logits, target, weight, &a, sizeof a);
}
static inline td_tensor *td_cross_entropy(td_ctx *c, td_tensor *logits, td_tensor *target)
{
    return td_cross_entropy_with(c, logits, target, NULL, -100, 0, TD_MEAN);
}
/* The same without the mean, [B]: of each sample. */
static inline td_tensor *td_cross_entropy_each(td_ctx *c, td_tensor *logits, td_tensor *target)
{
    return td_cross_entropy_with(c, logits, target, NULL, -100, 0, TD_NO_REDUCTION);
}

/* x [..., in] of any rank but 4, w [out, in], b [out] or NULL -> [..., out]. */
static inline td_tensor *td_linear(td_ctx *c, td_tensor *x, td_tensor *w, td_tensor *b)
{
    return td__op3(c, "linear", x, w, b, NULL, 0);
}
/* [.., m,k] x [.., k,n] -> [.., m,n], rank 2 or 3 with equal leading dimension; trans_x swaps the last two of an
 * operand. */
static inline td_tensor *td_matmul(td_ctx *c, td_tensor *x, td_tensor *y, int32_t trans_x, int32_t trans_y)
{
    td_matmul_attrs a = {trans_x, trans_y};
    return td__op2(c, "matmul", x, y, &a, sizeof a);
}
/* a^-1 b: a [n,n] symmetric (else its symmetric part) and positive definite, b [n,k]. */
static inline td_tensor *td_solve_spd(td_ctx *c, td_tensor *a, td_tensor *b)
{
    return td__op2(c, "solve_spd", a, b, NULL, 0);
}
/* x [N,C,H,W], w [O,C/groups,kh,kw], b [O] or NULL. */
static inline td_tensor *td_conv2d(td_ctx *c, td_tensor *x, td_tensor *w, td_tensor *b, const td_conv2d_attrs *a)
{
    return td__op3(c, "conv2d", x, w, b, a, sizeof *a);
}
/* x [N,C,H,W], w [C,O/groups,kh,kw]: the gradient of conv2d with respect to its input; output_padding < stride. */
static inline td_tensor *td_conv_transpose2d(td_ctx *c, td_tensor *x, td_tensor *w, td_tensor *b,
                                             const td_conv2d_attrs *a)
{
    return td__op3(c, "conv_transpose2d", x, w, b, a, sizeof *a);
}
/* x [N,C] or [N,C,H,W]; weight, bias, running_mean, running_var [C] or NULL.  Training: batch statistics
 * (biased variance), running ones updated with the unbiased.  relu: max(0, .) in the same pass. */
static inline td_tensor *td_batch_norm(td_ctx *c, td_tensor *x, td_tensor *weight, td_tensor *bias, td_tensor *mean,
                                       td_tensor *var, const td_batch_norm_attrs *a)
{
    td_tensor *in[5] = {x, weight, bias, mean, var}, *out[3];
    return td_host->apply(c, "batch_norm", in, 5, a, sizeof *a, out, 3);
}
/* The same with `residual`, of x's shape, added to the normalized x before the ReLU that a->relu asks for. */
static inline td_tensor *td_batch_norm_add_relu(td_ctx *c, td_tensor *x, td_tensor *weight, td_tensor *bias,
                                                td_tensor *mean, td_tensor *var, td_tensor *residual,
                                                const td_batch_norm_attrs *a)
{
    td_tensor *in[6] = {x, weight, bias, mean, var, residual}, *out[3];
    return td_host->apply(c, "batch_norm", in, 6, a, sizeof *a, out, 3);
}
static inline td_tensor *td_max_pool2d(td_ctx *c, td_tensor *x, const td_pool2d_attrs *a)
{
    td_tensor *in[1] = {x}, *out[2]; /* out[1]: int32 positions */
    return td_host->apply(c, "max_pool2d", in, 1, a, sizeof *a, out, 2);
}
static inline td_tensor *td_avg_pool2d(td_ctx *c, td_tensor *x, const td_pool2d_attrs *a)
{
    return td__op1(c, "avg_pool2d", x, a, sizeof *a);
}
static inline td_tensor *td_adaptive_avg_pool2d(td_ctx *c, td_tensor *x, int64_t h, int64_t w)
{
    td_shape_attrs a = {2, 0, {h, w}};
    return td__op1(c, "adaptive_avg_pool2d", x, &a, sizeof a);
}
static inline td_tensor *td_adaptive_max_pool2d(td_ctx *c, td_tensor *x, int64_t h, int64_t w)
{
    td_shape_attrs a = {2, 0, {h, w}};
    td_tensor *in[1] = {x}, *out[2]; /* out[1]: int32 positions */
    return td_host->apply(c, "adaptive_max_pool2d", in, 1, &a, sizeof a, out, 2);
}
/* Nearest neighbour, as torch.nn.functional.interpolate(mode='nearest'). */
static inline td_tensor *td_interpolate_nearest(td_ctx *c, td_tensor *x, int64_t h, int64_t w)
{
    td_shape_attrs a = {2, 0, {h, w}};
    return td__op1(c, "interpolate_nearest", x, &a, sizeof a);
}
/* Zero with probability p, else x / (1 - p); the draw is a function of (seed, counter, element in memory order).  The
 * operation takes int64 [2] {epoch, step} as a second input: with it the seed is td_step_seed's of `seed` and these. */
static inline td_tensor *td_dropout_at(td_ctx *c, td_tensor *x, double p, uint64_t seed, uint64_t counter)
{
    td_dropout_attrs a = {p, seed, counter};
    return td__op1(c, "dropout", x, &a, sizeof a);
}

/* Shapes, in logical (PyTorch's) order; one length may be -1. */
static inline td_tensor *td_reshape(td_ctx *c, td_tensor *x, uint32_t ndim, const int64_t *shape)
{
    td_shape_attrs a = {ndim, 0, {0}};
    for (uint32_t i = 0; i < ndim && i < TD_MAX_DIMS; i++)
        a.v[i] = shape[i];
    return td__op1(c, "reshape", x, &a, sizeof a);
}
/* [B, ...] -> [B, everything else] */
static inline td_tensor *td_flatten(td_ctx *c, td_tensor *x)
{
    int64_t s[2] = {td_dim(x, 0), -1};
    return td_reshape(c, x, 2, s);
}
/* [B, C, ...] -> [B, C, everything else] */
static inline td_tensor *td_flatten_spatial(td_ctx *c, td_tensor *x)
{
    int64_t s[3] = {td_dim(x, 0), td_dim(x, 1), -1};
    return td_reshape(c, x, 3, s);
}
static inline td_tensor *td_permute(td_ctx *c, td_tensor *x, uint32_t ndim, const int64_t *order)
{
    td_shape_attrs a = {ndim, 0, {0}};
    for (uint32_t i = 0; i < ndim && i < TD_MAX_DIMS; i++)
        a.v[i] = order[i];
    return td__op1(c, "permute", x, &a, sizeof a);
}
/* The last two dimensions swapped. */
static inline td_tensor *td_transpose(td_ctx *c, td_tensor *x)
{
    int64_t order[TD_MAX_DIMS], n = td_ndim(x);
    for (int64_t i = 0; i < n; i++)
        order[i] = i < n - 2 ? i : (i == n - 2 ? n - 1 : n - 2);
    return td_permute(c, x, (uint32_t)n, order);
}
/* Repeats dimensions of length 1. */
static inline td_tensor *td_expand(td_ctx *c, td_tensor *x, uint32_t ndim, const int64_t *shape)
{
    td_shape_attrs a = {ndim, 0, {0}};
    for (uint32_t i = 0; i < ndim && i < TD_MAX_DIMS; i++)
        a.v[i] = shape[i];
    return td__op1(c, "expand", x, &a, sizeof a);
}
/* Elements start, start+step, ... below end of one dimension. */
typedef struct td_slice_attrs { int64_t dim, start, end, step; } td_slice_attrs;
/* Of the gradient of a slice: the slice, and the length of its dimension before it. */
typedef struct td_slice_grad_attrs { td_slice_attrs slice; int64_t length; } td_slice_grad_attrs;
static inline td_tensor *td_slice(td_ctx *c, td_tensor *x, int64_t dim, int64_t start, int64_t end, int64_t step)
{
    td_slice_attrs a = {dim, start, end, step};
    return td__op1(c, "slice", x, &a, sizeof a);
}
static inline td_tensor *td_cat(td_ctx *c, td_tensor *x, td_tensor *y, int64_t dim)
{
    td_dim_attrs a = {dim, 0, 0};
    return td__op2(c, "cat", x, y, &a, sizeof a);
}
/* `before` and `after` constant elements on one dimension. */
typedef struct td_pad_attrs { int64_t dim, before, after; double value; } td_pad_attrs;
static inline td_tensor *td_pad(td_ctx *c, td_tensor *x, int64_t dim, int64_t before, int64_t after, double value)
{
    td_pad_attrs a = {dim, before, after, value};
    return td__op1(c, "pad", x, &a, sizeof a);
}
/* Rows x[index]: x [N, ...], index int64 of any shape -> [index shape..., x's rest]. */
static inline td_tensor *td_index_select(td_ctx *c, td_tensor *x, td_tensor *index)
{
    return td__op2(c, "index_select", x, index, NULL, 0);
}
/* out[b, k] = x[b, index[b, k]]: x [B, N], index int64 [B, K] (torch.gather along dimension 1). */
static inline td_tensor *td_gather(td_ctx *c, td_tensor *x, td_tensor *index)
{
    return td__op2(c, "gather", x, index, NULL, 0);
}
/* The reverse: zeros [B, n], and out[b, index[b, k]] += y[b, k] in the order of k. */
static inline td_tensor *td_scatter_add(td_ctx *c, td_tensor *y, td_tensor *index, int64_t n)
{
    td_dim_attrs a = {0, n, 0};
    return td__op2(c, "scatter_add", y, index, &a, sizeof a);
}
/* out[b, k] = x[b] . table[index[b, k]]: x [B, D], table [N, D], index int64 [B, K]; what td_gather takes of the product
 * x table^T, without the B x N numbers of it. */
static inline td_tensor *td_gather_matmul(td_ctx *c, td_tensor *x, td_tensor *table, td_tensor *index)
{
    return td__op3(c, "gather_matmul", x, table, index, NULL, 0);
}
/* out[b] = sum over k of y[b, k] table[index[b, k]]: y and index [B, K], table [N, D] -> [B, D]; the product of
 * td_scatter_add's result with the table, likewise (torch.nn.functional.embedding_bag with per_sample_weights). */
static inline td_tensor *td_scatter_matmul(td_ctx *c, td_tensor *y, td_tensor *table, td_tensor *index)
{
    return td__op3(c, "scatter_matmul", y, table, index, NULL, 0);
}
/* In place: x[index[i]] = rows[i], index int64 [K], rows [K, ...]; the last one of equal indices stays. */
static inline void td_index_copy(td_ctx *c, td_tensor *x, td_tensor *index, td_tensor *rows)
{
    td_tensor *in[3] = {x, index, rows};
    td_host->apply(c, "index_copy", in, 3, NULL, 0, NULL, 0);
}
/* In place: x = y, of equal shape. */
static inline void td_copy(td_ctx *c, td_tensor *x, td_tensor *y)
{
    td_tensor *in[2] = {x, y};
    td_host->apply(c, "copy", in, 2, NULL, 0, NULL, 0);
}
static inline td_tensor *td_cast(td_ctx *c, td_tensor *x, uint32_t dtype)
{
    td_cast_attrs a = {dtype, 0};
    return td__op1(c, "cast", x, &a, sizeof a);
}
/* The same values, cut off from the tape. */
static inline td_tensor *td_detach(td_ctx *c, td_tensor *x) { return td_host->detach(c, x); }

/* The identity matrix of n rows, float32 or float64. */
static inline td_tensor *td_eye(td_ctx *c, uint32_t dtype, int64_t n)
{
    int64_t shape[2] = {n, n};
    size_t size = dtype == TD_FLOAT64 ? sizeof(double) : sizeof(float);
    void *v = td_alloc(c, (size_t)(n * n) * size);
    for (int64_t i = 0; v && i < n; i++)
        if (dtype == TD_FLOAT64)
            ((double *)v)[i * n + i] = 1;
        else
            ((float *)v)[i * n + i] = 1;
    return td_tensor_from(c, dtype == TD_FLOAT64 ? TD_FLOAT64 : TD_FLOAT32, 2, shape, v);
}

/* x / max(||x||_p, eps) along one dimension (torch.nn.functional.normalize).  What is under the root is kept from 0,
 * where the root has no gradient: of a row of zeros, which a dead channel is, the gradient is that of x / eps. */
static inline td_tensor *td_normalize(td_ctx *c, td_tensor *x, double p, int64_t dim, double eps)
{
    uint32_t d = TD_DIM(dim < 0 ? dim + td_ndim(x) : dim);
    if (p == 2)
        return td_div(c, x, td_sqrt(c, td_clamp(c, td_sum(c, td_square(c, x), d, 1), eps * eps, 1e300)));
    td_tensor *sum = td_clamp(c, td_sum(c, td_pow(c, td_abs(c, x), p), d, 1), 1e-37, 1e300);
    return td_div(c, x, td_clamp(c, td_pow(c, sum, 1 / p), eps, 1e300));
}
/* Rows of zeros with a 1 at the target: target int64 [B] -> [B, classes] of dtype. */
static inline td_tensor *td_one_hot(td_ctx *c, td_tensor *target, int64_t classes, uint32_t dtype)
{
    const int64_t column[2] = {-1, 1};
    int64_t *numbers = (int64_t *)td_alloc(c, (size_t)classes * sizeof *numbers);
    for (int64_t i = 0; numbers && i < classes; i++)
        numbers[i] = i;
    td_tensor *all = td_cast(c, td_tensor_from(c, TD_INT64, 1, &classes, numbers), dtype);
    return td_equal(c, td_reshape(c, td_cast(c, target, dtype), 2, column), all);
}
/* The logits z without those that the one-hot rows of `hot` mark: softmax gives them 0. */
static inline td_tensor *td_without(td_ctx *c, td_tensor *hot, td_tensor *z)
{
    return td_where(c, hot, td_scalar(c, td_desc_of(z)->dtype, -1e4), z);
}
/* KL(softmax(t / T) || softmax(s / T)) along dimension 1, without the factor T^2 that keeps gradients in size.  One
 * operation for [B,C] and [B,C,H,W]. */
static inline td_tensor *td_soft_kl(td_ctx *c, td_tensor *s, td_tensor *t, double T, uint32_t reduction)
{
    if (td_host->minor >= 5 && (td_ndim(s) == 2 || td_ndim(s) == 4)) {
        td_loss_attrs a = {reduction, 0, -100, 0, T};
        return td__op2(c, "soft_kl", s, t, &a, sizeof a);
    }
    td_tensor *p = td_softmax(c, td_scale(c, t, 1 / T), 1);
    return td_kl_div(c, td_log_softmax(c, td_scale(c, s, 1 / T), 1), p, reduction);
}
/* sum + weight * term; sum NULL: the first term.  For losses over pairs of tensors. */
static inline td_tensor *td_add_term(td_ctx *c, td_tensor *sum, double weight, td_tensor *term)
{
    term = weight == 1 ? term : td_scale(c, term, weight);
    return sum ? td_add(c, sum, term) : term;
}
/* "mean", "sum", "batchmean", "none"; anything else TD_MEAN (a parameter table's choices keep it out). */
static inline uint32_t td_reduction(const char *name)
{
    return name && name[0] == 's'   ? TD_SUM
           : name && name[0] == 'b' ? TD_BATCHMEAN
           : name && name[0] == 'n' ? TD_NO_REDUCTION
                                    : TD_MEAN;
}

#endif
