#include "tests/ops/cases.h"
#include "tests/ops/golden_layers.h"

#define DIM(dim) &(const td_dim_attrs){dim, 0, 0}

const op_case cases_softmax[] = {
    {.op = "softmax", .in = {IN_RANGE(-4, 4, 3, 5)}, .attrs = DIM(1), .golden = golden_softmax},
    {.op = "softmax", .what = "first dimension", .in = {IN_RANGE(-4, 4, 3, 5)}, .attrs = DIM(0),
     .golden = golden_softmax_first},
    {.op = "softmax", .what = "channels", .in = {IN(2, 3, 2, 4)}, .attrs = DIM(1), .golden = golden_softmax_channels},
    {.op = "softmax", .what = "width", .in = {IN(2, 3, 2, 4)}, .attrs = DIM(-1), .golden = golden_softmax_width},
    {.op = "log_softmax", .in = {IN_RANGE(-4, 4, 3, 5)}, .attrs = DIM(-1), .golden = golden_log_softmax},
    {.op = "log_softmax", .what = "large values", .in = {IN_RANGE(-1000, 1000, 2, 4)}, .attrs = DIM(1),
     .golden = golden_log_softmax_large},
    {.op = "log_softmax", .what = "channels", .in = {IN(2, 3, 2, 4)}, .attrs = DIM(1),
     .golden = golden_log_softmax_channels},
    {.op = "softmax_grad", .in = {IN(3, 5), IN_RANGE(0.1, 0.9, 3, 5)}, .attrs = DIM(1), .golden = golden_softmax_grad},
    {.op = "log_softmax_grad", .in = {IN(3, 5), IN_RANGE(0.1, 0.9, 3, 5)}, .attrs = DIM(1),
     .golden = golden_log_softmax_grad},
    {.op = NULL},
};
