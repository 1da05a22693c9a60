#include "tests/ops/cases.h"
#include "tests/ops/golden.h"

#define DIMS_OF(dims, keep) &(const td_dims_attrs){dims, keep}
#define DIM(dim) &(const td_dim_attrs){dim, 0, 0}

static const double ties[] = {1, 3, 3, 0, 2, 2, 2, 2};

/* clang-format off */
const op_case cases_reduce[] = {
    {.op = "sum", .what = "all", .in = {IN(2, 3, 4)}, .attrs = DIMS_OF(0, 0), .golden = golden_sum_all},
    {.op = "sum", .what = "per channel", .in = {IN(2, 3, 4, 5)}, .attrs = DIMS_OF(13, 0),
     .golden = golden_sum_channels},
    {.op = "sum", .what = "rank 4 to 3", .in = {IN(2, 3, 4, 5)}, .attrs = DIMS_OF(1, 0), .golden = golden_sum_batch},
    {.op = "sum", .what = "kept dimensions", .in = {IN(2, 3, 4, 5)}, .attrs = DIMS_OF(10, 1),
     .golden = golden_sum_keep},
    {.op = "sum", .what = "rank 5 to 4", .in = {IN(2, 3, 2, 4, 2)}, .attrs = DIMS_OF(2, 0), .golden = golden_sum_rank5},
    {.op = "mean", .what = "all", .in = {IN(2, 3, 4, 5)}, .attrs = DIMS_OF(0, 0), .golden = golden_mean_all},
    {.op = "mean", .what = "global pooling", .in = {IN(2, 3, 4, 5)}, .attrs = DIMS_OF(12, 0),
     .golden = golden_mean_spatial},
    {.op = "mean", .what = "kept rows", .in = {IN(3, 5)}, .attrs = DIMS_OF(2, 1), .golden = golden_mean_rows},
    {.op = "amax", .what = "all", .in = {IN(2, 3, 4, 5)}, .attrs = DIMS_OF(0, 0), .golden = golden_amax_all},
    {.op = "amax", .what = "over channels", .in = {IN(2, 3, 4, 5)}, .attrs = DIMS_OF(2, 0),
     .golden = golden_amax_channels},
    {.op = "amax", .what = "kept rows", .in = {IN(3, 5)}, .attrs = DIMS_OF(2, 1), .golden = golden_amax_rows},
    {.op = "amax", .what = "ties", .in = {IN_VALUES(ties, 2, 4)}, .attrs = DIMS_OF(2, 0),
     .golden = golden_amax_ties, .no_grad = 1},
    {.op = "argmax", .what = "rows", .in = {IN(4, 7)}, .attrs = DIM(1), .golden = golden_argmax_rows},
    {.op = "argmax", .what = "channels", .in = {IN(2, 3, 4, 5)}, .attrs = DIM(1), .golden = golden_argmax_channels},
    {.op = "argmax", .what = "last", .in = {IN(2, 3, 4, 5)}, .attrs = DIM(-1), .golden = golden_argmax_last},
    {.op = "argmax", .what = "the first of ties", .in = {IN_VALUES(ties, 2, 4)}, .attrs = DIM(1),
     .golden = golden_argmax_ties},
    {.op = NULL},
};
