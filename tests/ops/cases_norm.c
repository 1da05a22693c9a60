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
    {.op = NULL},
};
