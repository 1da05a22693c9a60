/* What the table of cases cannot say about layers' operations: adjoints at larger sizes on both backends, running
 * statistics, fused against separate bits, and messages. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/autograd/tape.h"
#include "host/backend/backend.h"
#include "host/tensor/fill.h"
#include "tests/ops/golden_layers.h"

static td_ctx *context(const td_backend_type *backend)
{
    char why[200];
    cr_assert_not_null(td__backend_use(backend, why, sizeof why), "%s", why);
    td_ctx *c = td__ctx_new(backend);
    cr_assert_not_null(c);
    c->grad = 1;
    return c;
}

/* Normally distributed values that differ by `seed`. */
static td_tensor *noise(td_ctx *c, uint32_t dtype, uint32_t ndim, const int64_t *shape, uint64_t seed)
{
    td_desc d = {dtype, ndim, {0}};
    memcpy(d.shape, shape, ndim * sizeof *shape);
    td_tensor *t = td__tensor_new(c, &d);
    td__tensor_fill(c, t, &(td__fill){TD__FILL_NORMAL, 0, 1, seed, 0});
    return t;
}

static double *values(td_ctx *c, const td_tensor *t)
{
    double *v = malloc((size_t)td_numel(t) * sizeof *v);
    cr_assert_eq(td__tensor_read(c, t, TD_FLOAT64, v, td_numel(t)), 0, "%s", c->error);
    return v;
}

/* ---- adjoints ---- */

/* <a, b>; *size gets sum |a b|, what its error is relative to. */
static double dot(td_ctx *c, const td_tensor *a, const td_tensor *b, double *size)
{
    double *u = values(c, a), *v = values(c, b), sum = 0;
    *size = 0;
    for (int64_t i = 0; i < td_numel(a); i++) {
        sum += u[i] * v[i];
        *size += fabs(u[i] * v[i]);
    }
    free(u);
    free(v);
    return sum;
}

typedef struct linear_op {
    const char *op;
    uint32_t ndim[2];
    int64_t shape[2][4]; /* the second input, in which the operation is linear too; ndim 0: none */
    const void *attrs;
    uint32_t attrs_size;
} linear_op;

#define CONV(s, p, d, g, o) &(const td_conv2d_attrs){{s, s}, {p, p}, {d, d}, g, {o, o}}, sizeof(td_conv2d_attrs)
#define POOL(k, s, p, ceil, count) \
    &(const td_pool2d_attrs){{k, k}, {s, s}, {p, p}, ceil, count}, sizeof(td_pool2d_attrs)
#define SIZE(h, w) &(const td_shape_attrs){2, 0, {h, w}}, sizeof(td_shape_attrs)
#define FILTERED(...) {4, 4}, {{3, 16, 13, 11}, {__VA_ARGS__}}
#define IMAGES {4, 0}, {{3, 5, 13, 11}}

static const linear_op linear_ops[] = {
    {"linear", {2, 2}, {{17, 33}, {9, 33}}, NULL, 0},
    {"linear", {3, 2}, {{3, 5, 20}, {7, 20}}, NULL, 0},
    {"matmul", {3, 3}, {{2, 19, 7}, {2, 23, 19}}, &(const td_matmul_attrs){1, 1}, sizeof(td_matmul_attrs)},
    {"conv2d", FILTERED(24, 16, 3, 3), CONV(1, 1, 1, 1, 0)},
    {"conv2d", FILTERED(24, 16, 3, 3), CONV(2, 1, 1, 1, 0)},
    {"conv2d", FILTERED(20, 16, 1, 1), CONV(1, 0, 1, 1, 0)},
    {"conv2d", FILTERED(20, 16, 1, 1), CONV(2, 0, 1, 1, 0)},
    {"conv2d", FILTERED(8, 16, 7, 7), CONV(2, 3, 1, 1, 0)},
    {"conv2d", FILTERED(8, 16, 3, 3), CONV(1, 4, 3, 1, 0)},
    {"conv2d", FILTERED(8, 4, 3, 3), CONV(1, 1, 1, 4, 0)},
    {"conv2d", FILTERED(16, 1, 3, 3), CONV(2, 1, 1, 16, 0)},
    {"conv2d", FILTERED(32, 1, 5, 3), CONV(1, 2, 1, 16, 0)},
    {"conv_transpose2d", FILTERED(16, 12, 3, 3), CONV(1, 1, 1, 1, 0)},
    {"conv_transpose2d", FILTERED(16, 12, 4, 4), CONV(2, 1, 1, 1, 0)},
    {"conv_transpose2d", FILTERED(16, 3, 3, 3), CONV(2, 1, 1, 4, 1)},
    {"conv_transpose2d", FILTERED(16, 6, 3, 2), CONV(3, 0, 2, 1, 2)},
    {"avg_pool2d", IMAGES, POOL(3, 2, 1, 0, 1)},
    {"avg_pool2d", IMAGES, POOL(3, 2, 1, 1, 0)},
    {"adaptive_avg_pool2d", IMAGES, SIZE(1, 1)},
    {"adaptive_avg_pool2d", IMAGES, SIZE(6, 4)},
    {"interpolate_nearest", IMAGES, SIZE(26, 22)},
    {"interpolate_nearest", IMAGES, SIZE(9, 17)},
};

/* <A x, g> = <x, A' g>, where A' g is what backward gives, and the same for the second input. */
static void check_adjoint(td_ctx *c, const linear_op *o, uint32_t dtype, double tolerance)
{
    td_tensor *in[2] = {NULL, NULL}, *y;
    uint32_t n = o->ndim[1] ? 2 : 1;
    double size, got, sizes;
    td__frame_push(c);
    for (uint32_t i = 0; i < n; i++) {
        in[i] = noise(c, dtype, o->ndim[i], o->shape[i], i);
        in[i]->requires_grad = 1;
    }
    td_host->apply(c, o->op, in, n, o->attrs, o->attrs_size, &y, 1);
    cr_assert_null(c->error, "%s", c->error);
    td_tensor *g = noise(c, dtype, td_desc_of(y)->ndim, td_desc_of(y)->shape, 7);
    double want = dot(c, y, g, &size);
    td__backward(c, td_sum(c, td_mul(c, y, g), 0, 0), 1);
    cr_assert_null(c->error, "%s", c->error);
    for (uint32_t i = 0; i < n; i++) {
        got = dot(c, in[i], in[i]->grad, &sizes);
        cr_expect(fabs(got - want) <= tolerance * fmax(size, sizes), "case %d, %s on %s, input %u: %.17g, not %.17g",
                  (int)(o - linear_ops), o->op, c->backend->type.key, i, got, want);
        td__release(in[i]->grad);
        in[i]->grad = NULL;
    }
    td__frame_pop(c, td_none());
}

Test(layers, adjoints)
{
    td_ctx *reference = context(&td__reference_backend), *cpu = context(&td__cpu_backend);
    for (size_t i = 0; i < sizeof linear_ops / sizeof *linear_ops; i++) {
        check_adjoint(reference, &linear_ops[i], TD_FLOAT64, 1e-14);
        check_adjoint(cpu, &linear_ops[i], TD_FLOAT32, 1e-6);
    }
    td__ctx_free(reference);
    td__ctx_free(cpu);
}

/* ---- batch normalization ---- */

/* The values of cases.h's input k. */
static td_tensor *filled(td_ctx *c, uint32_t k, double lo, double hi, uint32_t ndim, const int64_t *shape)
{
    double v[64];
    for (int i = 0; i < 64; i++) {
        double u = (double)(i + 1) * 0.6180339887498949 + k * 0.2360679774997897;
        v[i] = lo + (hi - lo) * (u - floor(u));
    }
    return td_tensor_from(c, TD_FLOAT64, ndim, shape, v);
}

static void expect_close(td_ctx *c, const td_tensor *t, const double *want, const char *what)
{
    double *got = values(c, t);
    for (int64_t i = 0; i < td_numel(t); i++)
        cr_expect_float_eq(got[i], want[i], 1e-12, "%s %d is %.17g, not %.17g", what, (int)i, got[i], want[i]);
    free(got);
}

Test(layers, running_statistics)
{
    td_ctx *c = context(&td__reference_backend);
    const int64_t shape[] = {3, 2, 2, 3}, channels[] = {2};
    td_batch_norm_attrs a = {0.1, 1e-5, 1, 0};
    td_tensor *x = filled(c, 0, -1, 1, 4, shape), *mean = filled(c, 3, -1, 1, 1, channels),
              *var = filled(c, 4, 0.5, 2, 1, channels);
    td_batch_norm(c, x, NULL, NULL, mean, var, &a);
    expect_close(c, mean, golden_bn_training_running_mean, "running mean");
    expect_close(c, var, golden_bn_training_running_var, "running variance");
    a.training = 0;
    td_batch_norm(c, x, NULL, NULL, mean, var, &a);
    expect_close(c, mean, golden_bn_training_running_mean, "running mean after an evaluation");
    td__ctx_free(c);
}

/* What one way of computing a block leaves: its output and the gradients. */
typedef struct block { double *v[5]; } block;

static block run_block(td_ctx *c, uint32_t dtype, int training, int with_residual, int fused)
{
    const int64_t shape[] = {2, 3, 4, 4}, channels[] = {3};
    td_batch_norm_attrs a = {0.1, 1e-5, training, fused};
    td_tensor *in[4], *mean, *var, *y;
    block b;
    td__frame_push(c);
    for (uint32_t i = 0; i < 4; i++) { /* x, weight, bias, residual */
        in[i] = i % 3 ? noise(c, dtype, 1, channels, i) : noise(c, dtype, 4, shape, i);
        in[i]->requires_grad = 1;
    }
    mean = noise(c, dtype, 1, channels, 5);
    var = td_square(c, noise(c, dtype, 1, channels, 6));
    if (fused) {
        y = with_residual ? td_batch_norm_add_relu(c, in[0], in[1], in[2], mean, var, in[3], &a)
                          : td_batch_norm(c, in[0], in[1], in[2], mean, var, &a);
    } else {
        y = td_batch_norm(c, in[0], in[1], in[2], mean, var, &a);
        y = td_relu(c, with_residual ? td_add(c, y, in[3]) : y);
    }
    b.v[4] = values(c, y);
    td__backward(c, td_sum(c, td_mul(c, y, noise(c, dtype, 4, shape, 8)), 0, 0), 1);
    cr_assert_null(c->error, "%s", c->error);
    for (uint32_t i = 0; i < 4; i++) {
        b.v[i] = in[i]->grad ? values(c, in[i]->grad) : NULL;
        td__release(in[i]->grad);
        in[i]->grad = NULL;
    }
    td__frame_pop(c, td_none());
    return b;
}

Test(layers, fused_batch_norm_has_the_bits_of_the_parts)
{
    static const int64_t count[] = {96, 3, 3, 96, 96};
    static const char *const what[] = {"x's gradient", "weight's gradient", "bias's gradient", "residual's gradient",
                                       "output"};
    td_ctx *c = context(&td__reference_backend);
    for (int way = 0; way < 8; way++) {
        uint32_t dtype = way & 1 ? TD_FLOAT64 : TD_FLOAT32;
        int training = way >> 1 & 1, with_residual = way >> 2;
        block one = run_block(c, dtype, training, with_residual, 1),
              parts = run_block(c, dtype, training, with_residual, 0);
        for (int k = 0; k < 5; k++) {
            cr_assert_eq(!one.v[k], !parts.v[k]);
            for (int64_t i = 0; one.v[k] && i < count[k]; i++)
                cr_expect(one.v[k][i] == parts.v[k][i], "way %d, %s %d: fused %.17g, parts %.17g", way, what[k], (int)i,
                          one.v[k][i], parts.v[k][i]);
            free(one.v[k]);
            free(parts.v[k]);
        }
    }
    td__ctx_free(c);
}

/* ---- what is asked for alone is computed ---- */

Test(layers, a_frozen_part_gets_no_gradient)
{
    td_ctx *c = context(&td__reference_backend);
    const int64_t x_shape[] = {1, 2, 3, 3}, w_shape[] = {2, 2, 3, 3};
    const td_conv2d_attrs a = {{1, 1}, {1, 1}, {1, 1}, 1, {0, 0}};
    td_tensor *x = noise(c, TD_FLOAT64, 4, x_shape, 0), *w = noise(c, TD_FLOAT64, 4, w_shape, 1);
    w->requires_grad = 1;
    td__backward(c, td_sum(c, td_conv2d(c, x, w, NULL, &a), 0, 0), 1);
    cr_expect_null(x->grad);
    cr_expect_not_null(w->grad);
    td__release(w->grad);
    w->grad = NULL;
    td__ctx_free(c);
}

/* ---- messages ---- */

/* Ends what has failed; its message must be `want`. */
static void expect_message(td_ctx *c, const char *want)
{
    cr_expect_str_eq(c->error ? c->error : "(no error)", want);
    td__ctx_clear(c);
}

static td_tensor *zeros(td_ctx *c, uint32_t ndim, const int64_t *shape) { return td_zeros(c, TD_FLOAT32, ndim, shape); }
#define ZEROS(...) zeros(c, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[]){__VA_ARGS__})

static void check_messages(const td_backend_type *backend)
{
    td_ctx *c = context(backend);
    const int64_t two[] = {2}, targets[] = {3, 12}, ignored[] = {-100, -1};
    const td_conv2d_attrs conv = {{1, 1}, {0, 0}, {1, 1}, 1, {0, 0}}, wrong = {{2, 2}, {0, 0}, {1, 1}, 1, {2, 0}};
    const td_conv2d_grad_attrs back = {conv, {8, 8}};
    const td_pool2d_grad_attrs pooled = {{{1, 2}, {1, 2}, {0, 0}, 0, 1}, {2, 3}};
    const int64_t positions_shape[] = {1, 1, 1, 2};
    const int32_t positions[] = {5, 6};
    const td_conv2d_attrs still = {{1, 0}, {0, 0}, {1, 1}, 1, {0, 0}};
    const td_pool2d_attrs pool = {{5, 5}, {1, 1}, {0, 0}, 0, 1}, padded = {{3, 3}, {1, 1}, {2, 0}, 0, 1};
    const td_batch_norm_attrs norm = {0.1, 1e-5, 1, 0}, frozen = {0.1, 1e-5, 0, 0};
    td_cross_entropy(c, ZEROS(2, 10), td_tensor_from(c, TD_INT64, 1, two, targets));
    expect_message(c, "cross_entropy: target 12 is not a class: the input has 10");
    td_cross_entropy(c, ZEROS(2, 10), td_tensor_from(c, TD_INT64, 1, two, ignored));
    expect_message(c, "cross_entropy: target -1 is not a class: the input has 10");
    td_cross_entropy(c, ZEROS(2, 10), ZEROS(2));
    expect_message(c, "cross_entropy: the target is float32 [2], int64 class numbers are needed");
    td_cross_entropy(c, ZEROS(3, 10), td_tensor_from(c, TD_INT64, 1, two, targets));
    expect_message(c, "cross_entropy: logits [3, 10] and target [2] do not fit: [B, C] and [B], or [B, C, H, W] and "
                      "[B, H, W] are needed");
    td_mse_loss(c, ZEROS(2, 3), ZEROS(3, 2), TD_MEAN);
    expect_message(c, "mse_loss: input [2, 3] and target [3, 2] differ in shape");
    td_conv2d(c, ZEROS(1, 4, 8, 8), ZEROS(2, 3, 3, 3), NULL, &conv);
    expect_message(c, "conv2d: input [1, 4, 8, 8] has 4 channels, weight [2, 3, 3, 3] with groups=1 is for 3");
    td_conv2d(c, ZEROS(1, 3, 2, 8), ZEROS(2, 3, 3, 3), NULL, &conv);
    expect_message(c, "conv2d: the kernel of weight [2, 3, 3, 3] is larger than the padded input [1, 3, 2, 8]");
    td_conv2d(c, ZEROS(1, 3, 8, 8), ZEROS(2, 3, 3, 3), ZEROS(3), &conv);
    expect_message(c, "conv2d: bias [3] for 2 output channels of weight [2, 3, 3, 3]");
    td_conv_transpose2d(c, ZEROS(1, 3, 8, 8), ZEROS(3, 2, 3, 3), NULL, &wrong);
    expect_message(c, "conv_transpose2d: output_padding 2 must be at least 0 and smaller than the stride 2");
    td_linear(c, ZEROS(4, 5), ZEROS(3, 6), NULL);
    expect_message(c, "linear: input [4, 5] and weight [3, 6] do not fit: [..., in] and [out, in] are needed");
    td_linear(c, ZEROS(1, 2, 3, 5), ZEROS(3, 5), NULL);
    expect_message(
        c, "linear: the input [1, 2, 3, 5] may have any number of dimensions but 0 and 4 (flatten or reshape it)");
    td_matmul(c, ZEROS(4, 5), ZEROS(4, 5), 1, 1);
    expect_message(c, "matmul: [4, 5] transposed and [4, 5] transposed do not fit: [.., m, k] and [.., k, n] of 2 or 3 "
                      "dimensions are needed");
    td_max_pool2d(c, ZEROS(1, 2, 4, 9), &pool);
    expect_message(c, "max_pool2d: a window of 5x5 is larger than the padded input [1, 2, 4, 9]");
    td_avg_pool2d(c, ZEROS(1, 2, 4, 9), &padded);
    expect_message(c, "avg_pool2d: kernel 3, stride 1, padding 2: they must be from 1, 1 and 0 to 2147483647, padding "
                      "at most half the kernel");
    td_conv2d(c, ZEROS(1, 3, 8, 8), ZEROS(2, 3, 3, 3), NULL, &still);
    expect_message(c, "conv2d: stride 0, padding 0, dilation 1, groups 1: they must be from 1, 0, 1, 1 to 2147483647");
    td_batch_norm(c, ZEROS(1, 3), NULL, NULL, NULL, NULL, &norm);
    expect_message(c, "batch_norm: expected more than 1 value per channel when training, got input [1, 3]");
    td_batch_norm(c, ZEROS(2, 3), ZEROS(2), NULL, NULL, NULL, &norm);
    expect_message(c, "batch_norm: weight [2] for input [2, 3] with 3 channels");
    td_batch_norm(c, ZEROS(2, 3), NULL, NULL, NULL, NULL, &frozen);
    expect_message(c, "batch_norm: without training, running_mean and running_var are needed");
    td__op2(c, "conv2d_input_grad", ZEROS(1, 2, 4, 4), ZEROS(2, 3, 3, 3), &back, sizeof back);
    expect_message(c, "conv2d_input_grad: an input of 8x8 and a kernel of 3x3 do not give [1, 2, 4, 4]");
    td__op2(c, "max_pool2d_grad", ZEROS(1, 1, 1, 2), td_tensor_from(c, TD_INT32, 4, positions_shape, positions), &pooled,
            sizeof pooled);
    expect_message(c, "max_pool2d_grad: a position lies outside of 2x3");
    td_softmax(c, ZEROS(2, 3), 2);
    expect_message(c, "softmax: there is no dimension 2 in [2, 3]");
    td__ctx_free(c);
}

Test(layers, messages)
{
    check_messages(&td__reference_backend);
    check_messages(&td__cpu_backend);
}
