#include "host/base/rng.h"
#include "tests/ops/cases.h"

#include <math.h>

#include "tests/ops/golden.h"

/* Element i of the output, row-major, as element of an input that was broadcast to it. */
static double element(const op_call *call, uint32_t k, int64_t i)
{
    const td_desc *out = &call->out_desc[0], *in = &call->in_desc[k];
    int64_t at = 0, step = 1;
    for (uint32_t d = 0; d < out->ndim; d++) { /* from the last dimension */
        int64_t coordinate = i % out->shape[out->ndim - 1 - d];
        i /= out->shape[out->ndim - 1 - d];
        if (d >= in->ndim)
            continue;
        int64_t length = in->shape[in->ndim - 1 - d];
        at += length == 1 ? 0 : coordinate * step;
        step *= length;
    }
    return call->in[k][at];
}

/* x, y, z: the inputs' elements; a, b: scalar attributes. */
#define EXPECT(name, expression)                                                                                       \
    static void expect_##name(const op_call *call, double *const *out)                                                 \
    {                                                                                                                  \
        const td_scalar_attrs *s = call->attrs;                                                                        \
        double a = s ? s->a : 0, b = s ? s->b : 0;                                                                     \
        for (int64_t i = 0; i < td_desc_numel(&call->out_desc[0]); i++) {                                              \
            double x = element(call, 0, i), y = call->in[1] ? element(call, 1, i) : 0;                                 \
            double z = call->in[2] ? element(call, 2, i) : 0;                                                          \
            (void)a, (void)b, (void)y, (void)z;                                                                        \
            out[0][i] = expression;                                                                                    \
        }                                                                                                              \
    }

EXPECT(add, x + y)
EXPECT(sub, x - y)
EXPECT(mul, x *y)
EXPECT(div, x / y)
EXPECT(maximum, x > y ? x : y)
EXPECT(minimum, x > y ? y : x)
EXPECT(greater, x > y)
EXPECT(equal, x == y)
EXPECT(neg, 0 - x)
EXPECT(exp, pow(M_E, x))
EXPECT(log, log2(x) * M_LN2)
EXPECT(sqrt, pow(x, 0.5))
EXPECT(abs, x < 0 ? -x : x)
EXPECT(square, pow(x, 2))
EXPECT(sigmoid, 0.5 + 0.5 * tanh(x / 2))
EXPECT(tanh, (exp(2 * x) - 1) / (exp(2 * x) + 1))
EXPECT(softplus, log(1 + exp(x)))
EXPECT(relu, x > 0 ? x : 0)
EXPECT(relu_grad, x > 0 ? y : 0)
EXPECT(affine, b + x * a)
EXPECT(pow, exp(a *log(x)))
EXPECT(clamp, fmin(fmax(x, a), b))
EXPECT(leaky_relu, x > 0 ? x : a * x)
EXPECT(where, x != 0 ? y : z)
EXPECT(cast, x)
EXPECT(truncate, x < 0 ? -floor(-x) : floor(x))

/* clang-format off */
#define BINARY(name)                                                                                                   \
    {.op = #name, .in = {IN(2, 3), IN_RANGE(0.5, 2, 2, 3)}, .expect = expect_##name},                                  \
    {.op = #name, .what = "channels-last", .in = {IN(2, 3, 2, 2), IN_RANGE(0.5, 2, 2, 3, 2, 2)},                       \
     .expect = expect_##name},                                                                                         \
    {.op = #name, .what = "a bias of [C, 1, 1]", .in = {IN(2, 3, 4, 2), IN_RANGE(0.5, 2, 3, 1, 1)},                    \
     .expect = expect_##name},                                                                                         \
    {.op = #name, .what = "a row and a column", .in = {IN(1, 4), IN_RANGE(0.5, 2, 3, 1)}, .expect = expect_##name},    \
    {.op = #name, .what = "a vector and an image", .in = {IN(5), IN_RANGE(0.5, 2, 2, 3, 1, 5)},                        \
     .expect = expect_##name},                                                                                         \
    {.op = #name, .what = "a scalar", .in = {IN(2, 1, 3, 2, 2), IN_RANGE(0.5, 0.7, 1)}, .expect = expect_##name},      \
    {.op = #name, .what = "nothing", .in = {IN(2, 0, 3), IN_RANGE(0.5, 0.7, 1)}, .expect = expect_##name}
#define UNARY(name, lo, hi)                                                                                            \
    {.op = #name, .in = {IN_RANGE(lo, hi, 2, 5)}, .expect = expect_##name},                                            \
    {.op = #name, .what = "channels-last", .in = {IN_RANGE(lo, hi, 2, 3, 2, 19)}, .expect = expect_##name},            \
    {.op = #name, .what = "a scalar", .in = {{1, 0, {0}, TD_FLOAT32, lo, hi, NULL}}, .expect = expect_##name}
#define SCALARS(...) &(const td_scalar_attrs){__VA_ARGS__}
#define SCALAR(name, lo, hi, ...)                                                                                      \
    {.op = #name, .what = #__VA_ARGS__, .in = {IN_RANGE(lo, hi, 3, 7)}, .attrs = SCALARS(__VA_ARGS__),                 \
     .expect = expect_##name}

static const double small[] = {0, 1, 2, 2, 1, 0, -1, 2}, others[] = {1, 1, 0, 2, 2, 0, -1, 3};
static const double mask[] = {0, 1, -2, 0, 1, 1};

/* The seed is that of epoch 3, step 1000. */
static void expect_dropout_of_step(const op_call *call, double *const *out)
{
    uint32_t draw[4];
    for (int64_t i = 0; i < 21; i++) {
        td__words(td_step_seed(5, 3, 1000), 2, (uint64_t)i / 4, TD_USE_DROPOUT, draw);
        out[0][i] = draw[i % 4] < (uint64_t)(0.4 * 0x1p32) ? 0 : call->in[0][i] / 0.6;
    }
}

const op_case cases_pointwise[] = {
    BINARY(add),
    BINARY(sub),
    BINARY(mul),
    BINARY(div),
    BINARY(maximum),
    BINARY(minimum),
    BINARY(greater),
    BINARY(relu_grad),
    {.op = "equal", .in = {IN_VALUES(small, 2, 4), IN_VALUES(others, 2, 4)}, .expect = expect_equal},
    {.op = "equal", .what = "integers", .in = {IN_INT64_VALUES(small, 8), IN_INT64_VALUES(others, 8)},
     .expect = expect_equal},
    {.op = "equal", .what = "pairs of labels", .in = {IN_INT64(0, 3, 5, 1), IN_INT64(0, 3, 1, 5)},
     .expect = expect_equal},
    {.op = "greater", .what = "ties", .in = {IN_VALUES(small, 2, 4), IN_VALUES(others, 2, 4)},
     .expect = expect_greater},
    {.op = "greater", .what = "integers", .in = {IN_INT64_VALUES(small, 8), IN_INT64_VALUES(others, 8)},
     .expect = expect_greater},
    UNARY(neg, -2, 2),
    UNARY(exp, -2, 2),
    UNARY(log, 0.2, 3),
    UNARY(sqrt, 0.2, 3),
    UNARY(abs, -2, 2),
    UNARY(square, -2, 2),
    UNARY(sigmoid, -4, 4),
    UNARY(tanh, -2, 2),
    UNARY(softplus, -4, 4),
    UNARY(relu, -2, 2),
    {.op = "softplus", .what = "as PyTorch's", .in = {IN_RANGE(-19, 19, 9)}, .golden = golden_softplus},
    {.op = "softplus", .what = "far out", .in = {IN_RANGE(-300, 300, 9)}, .expect = expect_softplus},
    {.op = "add", .what = "an image and a column", .in = {IN(2, 3, 4, 5), IN(4, 1)}, .golden = golden_add_column},
    {.op = "div", .what = "channels by an image", .in = {IN(3, 1, 1), IN_RANGE(0.5, 2, 2, 3, 4, 5)},
     .golden = golden_div_channels},
    {.op = "dropout", .in = {IN(3, 7)}, .attrs = &(const td_dropout_attrs){0.4, 12345678901234567, 3},
     .golden = golden_dropout},
    {.op = "dropout", .what = "of a step", .in = {IN(3, 7), IN_INT64_VALUES(((const double[]){3, 1000}), 2)},
     .attrs = &(const td_dropout_attrs){0.4, 5, 2}, .expect = expect_dropout_of_step, .no_grad = 2},
    {.op = "dropout", .what = "channels-last", .in = {IN(2, 3, 4, 5)},
     .attrs = &(const td_dropout_attrs){0.25, 42, (1ull << 40) + 1}, .golden = golden_dropout_channels_last},
    SCALAR(affine, -1, 1, -2.5, 0.75),
    SCALAR(pow, 0.2, 3, 2.5, 0),
    SCALAR(pow, 0.2, 3, -0.5, 0),
    SCALAR(clamp, -2, 2, -0.6, 0.9),
    SCALAR(leaky_relu, -2, 2, 0.1, 0),
    {.op = "where", .in = {IN_VALUES(mask, 2, 3), IN(2, 3), IN(2, 3)}, .expect = expect_where, .no_grad = 1},
    {.op = "where", .what = "broadcast, by integers",
     .in = {IN_INT64_VALUES(mask, 6), IN(2, 3, 1, 6), IN(4, 1)}, .expect = expect_where},
    {.op = "where", .what = "rank 5", .in = {IN_INT64(0, 2, 2, 1, 3, 1, 2), IN(2, 3, 2, 2), IN(1)},
     .golden = golden_where_rank5},
    {.op = "cast", .what = "to itself", .in = {IN(2, 3, 2, 2)}, .attrs = &(const td_cast_attrs){TD_FLOAT64, 0},
     .expect = expect_cast},
    {.op = "cast", .what = "to float32", .in = {IN(2, 3, 2, 2)},
     .attrs = &(const td_cast_attrs){TD_FLOAT32, 0}, .expect = expect_cast, .no_grad = 1, .tolerance = 1e-7},
    {.op = "cast", .what = "to bfloat16", .in = {IN(2, 3)}, .attrs = &(const td_cast_attrs){TD_BFLOAT16, 0},
     .expect = expect_cast, .no_grad = 1, .tolerance = 4e-3},
    {.op = "cast", .what = "to float16", .in = {IN(2, 3)}, .attrs = &(const td_cast_attrs){TD_FLOAT16, 0},
     .expect = expect_cast, .no_grad = 1, .tolerance = 5e-4},
    {.op = "cast", .what = "to int64", .in = {IN_RANGE(-9, 9, 2, 3)},
     .attrs = &(const td_cast_attrs){TD_INT64, 0}, .expect = expect_truncate, .no_grad = 1},
    {.op = "cast", .what = "from int64", .in = {IN_INT64(-9, 9, 2, 3)},
     .attrs = &(const td_cast_attrs){TD_FLOAT64, 0}, .expect = expect_cast},
    {.op = NULL},
};
