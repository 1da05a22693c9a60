/* Shapes that make kernels split their work, and shapes without elements or with one.  Nothing is expected of them but
 * that every backend gives what the reference gives. */
#include "tests/ops/cases.h"

#define DIMS_OF(dims) &(const td_dims_attrs){dims, 0}
#define DIM(dim) &(const td_dim_attrs){dim, 0, 0}
#define ROWS(n) &(const td_dim_attrs){0, n, 0}
#define LOSS(reduction) &(const td_loss_attrs){reduction, 0, 3, 0.1, 0.7}
#define NORM(training, relu) &(const td_batch_norm_attrs){0.1, 1e-5, training, relu}
#define CHANNELS IN(33), IN(33), IN(33), IN_RANGE(0.5, 2, 33)
#define IMAGES IN(4, 33, 20, 21)
#define CONV(...) &(const td_conv2d_attrs){__VA_ARGS__}
#define POOL &(const td_pool2d_attrs){{3, 3}, {2, 2}, {1, 1}, 0, 0}

static const td_conv2d_grad_attrs back = {{{1, 1}, {2, 2}, {2, 2}, 2, {0, 0}}, {6, 5}};
static const td_pool2d_grad_attrs unpool = {{{3, 3}, {2, 2}, {1, 1}, 0, 0}, {33, 31}};

/* clang-format off */
const op_case cases_large[] = {
    {.op = "sum", .what = "in parts", .in = {IN_RANGE(0, 1, 20001)}, .attrs = DIMS_OF(0)},
    {.op = "sum", .what = "columns in parts", .in = {IN(1500, 40)}, .attrs = DIMS_OF(1), .cpu_tolerance = 1e-4},
    {.op = "sum", .what = "blocks of columns", .in = {IN(3, 700, 5)}, .attrs = DIMS_OF(2)},
    {.op = "sum", .what = "pixels", .in = {IMAGES}, .attrs = DIMS_OF(12)},
    {.op = "sum", .what = "all but width", .in = {IMAGES}, .attrs = DIMS_OF(7), .cpu_tolerance = 1e-4},
    {.op = "mean", .what = "rows in parts", .in = {IN(3, 9001)}, .attrs = DIMS_OF(2)},
    {.op = "mean", .what = "channels", .in = {IMAGES}, .attrs = DIMS_OF(13)},
    {.op = "amax", .what = "columns in parts", .in = {IN(1500, 40)}, .attrs = DIMS_OF(1)},
    {.op = "argmax", .what = "rows in parts", .in = {IN(3, 9001)}, .attrs = DIM(1)},
    {.op = "argmax", .what = "columns", .in = {IN(9001, 3)}, .attrs = DIM(0)},
    {.op = "softmax", .what = "long rows", .in = {IN_RANGE(-4, 4, 6, 1001)}, .attrs = DIM(1)},
    {.op = "softmax", .what = "tiles", .in = {IN_RANGE(-4, 4, 3, 70, 45)}, .attrs = DIM(1)},
    {.op = "softmax", .what = "tiles of images", .in = {IMAGES}, .attrs = DIM(2)},
    {.op = "softmax", .what = "one column", .in = {IN(70, 1)}, .attrs = DIM(0)},
    {.op = "log_softmax", .what = "tiles", .in = {IN_RANGE(-40, 40, 3, 70, 45)}, .attrs = DIM(1)},
    {.op = "softmax_grad", .what = "tiles", .in = {IN(70, 45), IN_RANGE(0, 0.1, 70, 45)}, .attrs = DIM(0)},
    {.op = "log_softmax_grad", .what = "tiles", .in = {IN(70, 45), IN_RANGE(-4, -1, 70, 45)}, .attrs = DIM(0)},
    {.op = "mse_loss", .what = "in parts", .in = {IN(3, 7001), IN(3, 7001)}, .attrs = LOSS(TD_SUM)},
    {.op = "kl_div", .what = "in parts", .in = {IN_RANGE(-3, 0, 90, 101), IN_RANGE(0.05, 1, 90, 101)},
     .attrs = LOSS(TD_BATCHMEAN)},
    {.op = "cross_entropy", .what = "many classes", .in = {IN(300, 101), IN_INT64(0, 101, 300), IN_RANGE(0.5, 2, 101)},
     .attrs = LOSS(TD_MEAN)},
    {.op = "cross_entropy_grad", .what = "many classes",
     .in = {IN_SCALAR, IN(300, 101), IN_INT64(0, 101, 300), IN_RANGE(0.5, 2, 101)}, .attrs = LOSS(TD_MEAN)},
    {.op = "batch_norm", .what = "in parts", .in = {IMAGES, CHANNELS}, .attrs = NORM(1, 0)},
    {.op = "batch_norm", .what = "in parts, with residual and ReLU", .in = {IMAGES, CHANNELS, IMAGES},
     .attrs = NORM(1, 1)},
    {.op = "batch_norm_grad", .what = "in parts", .in = {IMAGES, IMAGES, IN(33), IN(33), IN_RANGE(0.5, 2, 33), IMAGES},
     .attrs = NORM(1, 1), .cpu_tolerance = 1e-4},
    {.op = "conv2d", .what = "dilated groups", .in = {IN(2, 4, 6, 5), IN(6, 2, 3, 3), IN(6)},
     .attrs = CONV({1, 1}, {2, 2}, {2, 2}, 2, {0, 0})},
    {.op = "conv2d_input_grad", .what = "dilated groups", .in = {IN(2, 6, 6, 5), IN(6, 2, 3, 3)}, .attrs = &back},
    {.op = "max_pool2d", .what = "odd images", .in = {IN(2, 5, 33, 31)}, .attrs = POOL},
    {.op = "avg_pool2d", .what = "odd images", .in = {IN(2, 5, 33, 31)}, .attrs = POOL},
    {.op = "avg_pool2d_grad", .what = "odd images", .in = {IN(2, 5, 17, 16)}, .attrs = &unpool},
    {.op = "index_select", .what = "many", .in = {IN(50, 7), IN_INT64(0, 50, 3001)}},
    {.op = "index_select_grad", .what = "many", .in = {IN(3001, 7), IN_INT64(0, 50, 3001)}, .attrs = ROWS(51),
     .cpu_tolerance = 1e-4},
    {.op = "index_copy", .what = "many", .in = {IN(50, 7), IN_INT64(0, 40, 3001), IN(3001, 7)}},
    {.op = "matmul", .what = "a batch", .in = {IN(5, 33, 17), IN(5, 17, 40)}, .attrs = &(const td_matmul_attrs){0, 0}},
    {.op = "dropout", .what = "odd length", .in = {IN(1027)}, .attrs = &(const td_dropout_attrs){0.3, 5, 7}},

    {.op = "sum", .what = "of nothing", .in = {IN(0, 3)}, .attrs = DIMS_OF(1)},
    {.op = "sum", .what = "to nothing", .in = {IN(0, 3)}, .attrs = DIMS_OF(2)},
    {.op = "softmax", .what = "no rows", .in = {IN(0, 3)}, .attrs = DIM(1)},
    {.op = "softmax", .what = "no elements", .in = {IN(3, 0)}, .attrs = DIM(1)},
    {.op = "mse_loss", .what = "nothing, unreduced", .in = {IN(0, 3), IN(0, 3)}, .attrs = LOSS(TD_NO_REDUCTION)},
    {.op = "mse_loss", .what = "nothing, summed", .in = {IN(0, 3), IN(0, 3)}, .attrs = LOSS(TD_SUM)},
    {.op = "conv2d", .what = "no images", .in = {IN(0, 4, 6, 5), IN(6, 4, 3, 3), IN(6)},
     .attrs = CONV({1, 1}, {1, 1}, {1, 1}, 1, {0, 0})},
    {.op = "max_pool2d", .what = "no images", .in = {IN(0, 5, 33, 31)}, .attrs = POOL},
    {.op = "index_select", .what = "none", .in = {IN(5, 3), IN_INT64(0, 5, 0)}},
    {.op = "index_select_grad", .what = "none", .in = {IN(0, 3), IN_INT64(0, 5, 0)}, .attrs = ROWS(5)},
    {.op = "index_select_grad", .what = "one", .in = {IN(1, 3), IN_INT64(0, 5, 1)}, .attrs = ROWS(5)},
    {.op = "index_copy", .what = "none", .in = {IN(5, 3), IN_INT64(0, 5, 0), IN(0, 3)}},
    {.op = "matmul", .what = "a sum of nothing", .in = {IN(3, 0), IN(0, 4)}, .attrs = &(const td_matmul_attrs){0, 0}},
    {.op = "linear", .what = "no rows", .in = {IN(0, 3), IN(4, 3), IN(4)}},
    {.op = "add", .what = "nothing", .in = {IN(0, 3), IN(3)}},
    {.op = "cat", .what = "nothing to something", .in = {IN(0, 3), IN(2, 3)}, .attrs = DIM(0)},
    {.op = NULL},
};
