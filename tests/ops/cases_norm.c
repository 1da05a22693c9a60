#include <math.h>
#include <string.h>

#include "tests/ops/cases.h"
#include "tests/ops/golden_layers.h"

/* Three outputs from golden values. */
#define THREE(name, a, b, c)                                        \
    static void name(const op_call *call, double *const *out)      \
    {                                                               \
        (void)call;                                                 \
        memcpy(out[0], a, sizeof a);                                \
        memcpy(out[1], b, sizeof b);                                \
        memcpy(out[2], c, sizeof c);                                \
    }
#define FORWARD(tag) THREE(expect_##tag, golden_bn_##tag, golden_bn_##tag##_mean, golden_bn_##tag##_inverse_std)
#define BACKWARD(tag) \
    THREE(expect_grad_##tag, golden_bn_grad_##tag##_gx, golden_bn_grad_##tag##_gweight, golden_bn_grad_##tag##_gbias)
FORWARD(training)
FORWARD(plain)
FORWARD(fused)
FORWARD(eval)
BACKWARD(training)
BACKWARD(relu)
BACKWARD(eval)

/* ---- by the formulas, in training: enough rows and channels for kernels to cut the work ---- */

static void expect_forward(const op_call *call, double *const *out)
{
    const int64_t *d = call->in_desc[0].shape, area = d[2] * d[3], rows = d[0] * area;
    const double *x = call->in[0], *residual = call->in[5];
    for (int64_t c = 0; c < d[1]; c++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += x[(i / area * d[1] + c) * area + i % area];
        for (int64_t i = 0; i < rows; i++)
            squares += pow(x[(i / area * d[1] + c) * area + i % area] - sum / (double)rows, 2);
        out[1][c] = sum / (double)rows;
        out[2][c] = 1 / sqrt(squares / (double)rows + 1e-5);
        for (int64_t i = 0; i < rows; i++) {
            const int64_t at = (i / area * d[1] + c) * area + i % area;
            out[0][at] =
                fmax(0, (x[at] - out[1][c]) * out[2][c] * call->in[1][c] + call->in[2][c] + residual[at]);
        }
    }
}

static void expect_backward(const op_call *call, double *const *out)
{
    const int64_t *d = call->in_desc[1].shape, area = d[2] * d[3], rows = d[0] * area;
    const double *gy = call->in[0], *x = call->in[1], *mean = call->in[3], *inverse_std = call->in[4], *y = call->in[5];
    for (int64_t c = 0; c < d[1]; c++) {
        out[1][c] = out[2][c] = 0;
        for (int64_t i = 0; i < rows; i++) {
            const int64_t at = (i / area * d[1] + c) * area + i % area;
            out[1][c] += y[at] > 0 ? gy[at] * (x[at] - mean[c]) * inverse_std[c] : 0;
            out[2][c] += y[at] > 0 ? gy[at] : 0;
        }
        for (int64_t i = 0; i < rows; i++) {
            const int64_t at = (i / area * d[1] + c) * area + i % area;
            const double xhat = (x[at] - mean[c]) * inverse_std[c], g = y[at] > 0 ? gy[at] : 0;
            out[0][at] = call->in[2][c] * inverse_std[c] * (g - (out[2][c] + xhat * out[1][c]) / (double)rows);
        }
    }
}

/* A shape as batch_norm's and batch_norm_grad's. */
#define MANY(channels, ...)                                                                                            \
    {.op = "batch_norm", .what = #channels " channels",                                                                \
     .in = {IN_RANGE(3, 5, __VA_ARGS__), IN(channels), IN(channels), ABSENT, ABSENT, IN(__VA_ARGS__)},                 \
     .attrs = ATTRS(1, 1), .expect = expect_forward, .no_grad = 0x3f},                                                 \
    {.op = "batch_norm_grad", .what = #channels " channels",                                                           \
     .in = {IN(__VA_ARGS__), IN(__VA_ARGS__), IN(channels), IN(channels), IN_RANGE(0.5, 2, channels),                  \
            IN(__VA_ARGS__)},                                                                                          \
     .attrs = ATTRS(1, 1), .expect = expect_backward}

#define ATTRS(training, relu) &(const td_batch_norm_attrs){0.1, 1e-5, training, relu}
#define RUNNING IN(2), IN_RANGE(0.5, 2, 2)
#define X IN(3, 2, 2, 3)
#define GRAD_IN(tag) \
    {X, X, IN(2), IN_VALUES(golden_bn_grad_##tag##_mean, 2), IN_VALUES(golden_bn_grad_##tag##_inverse_std, 2), ABSENT}

const op_case cases_norm[] = {
    {.op = "batch_norm", .what = "training", .in = {X, IN(2), IN(2), RUNNING}, .attrs = ATTRS(1, 0),
     .expect = expect_training, .no_grad = 0x18},
    {.op = "batch_norm", .what = "rank 2, neither weight nor running statistics", .in = {IN(5, 3)},
     .attrs = ATTRS(1, 0), .expect = expect_plain},
    {.op = "batch_norm", .what = "with residual and ReLU", .in = {X, IN(2), IN(2), RUNNING, X}, .attrs = ATTRS(1, 1),
     .expect = expect_fused, .no_grad = 0x18},
    {.op = "batch_norm", .what = "with running statistics and ReLU", .in = {X, IN(2), IN(2), RUNNING},
     .attrs = ATTRS(0, 1), .expect = expect_eval, .no_grad = 0x18},
    {.op = "batch_norm_grad", .what = "training", .in = GRAD_IN(training), .attrs = ATTRS(1, 0),
     .expect = expect_grad_training},
    {.op = "batch_norm_grad", .what = "with ReLU",
     .in = {X, X, IN(2), IN_VALUES(golden_bn_grad_relu_mean, 2), IN_VALUES(golden_bn_grad_relu_inverse_std, 2),
            IN_VALUES(golden_bn_grad_relu_y, 3, 2, 2, 3)},
     .attrs = ATTRS(1, 1), .expect = expect_grad_relu},
    {.op = "batch_norm_grad", .what = "constant statistics", .in = GRAD_IN(eval), .attrs = ATTRS(0, 0),
     .expect = expect_grad_eval},
    MANY(7, 2, 7, 30, 30),
    MANY(40, 3, 40, 25, 25),
    MANY(264, 2, 264, 8, 8),
    {.op = NULL},
};
