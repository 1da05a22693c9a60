#include "host/ops/shape.h"
#include "tests/ops/cases.h"
#include "tests/ops/golden.h"

#define TO(...) &(const td_shape_attrs){sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), 0, {__VA_ARGS__}}
#define SLICE(...) &(const td_slice_attrs){__VA_ARGS__}
#define PAD(...) &(const td_pad_attrs){__VA_ARGS__}
#define DIM(dim) &(const td_dim_attrs){dim, 0, 0}

/* clang-format off */
const op_case cases_shape[] = {
    {.op = "reshape", .what = "flatten", .in = {IN(2, 3, 4, 5)}, .attrs = TO(2, 60), .golden = golden_reshape},
    {.op = "reshape", .what = "unflatten", .in = {IN(2, 60)}, .attrs = TO(2, 3, 4, 5), .golden = golden_reshape_flat},
    {.op = "reshape", .what = "one left out", .in = {IN(2, 3, 4, 5)}, .attrs = TO(6, -1), .golden = golden_reshape},
    {.op = "reshape", .what = "positions joined", .in = {IN(2, 3, 4, 5)}, .attrs = TO(2, 3, 20),
     .golden = golden_reshape},
    {.op = "reshape", .what = "same channels", .in = {IN(2, 3, 4, 5)}, .attrs = TO(2, 3, 10, 2),
     .golden = golden_reshape},
    {.op = "reshape", .what = "other channels", .in = {IN(2, 3, 4, 5)}, .attrs = TO(3, 2, 4, 5),
     .golden = golden_reshape},
    {.op = "reshape", .what = "other channels of the same batch", .in = {IN(2, 3, 4, 5)}, .attrs = TO(2, 6, 2, 5),
     .golden = golden_reshape},
    {.op = "reshape", .what = "one position", .in = {IN(2, 60, 1, 1)}, .attrs = TO(2, 60),
     .golden = golden_reshape_flat},
    {.op = "reshape", .what = "to rank 5", .in = {IN(2, 3, 4, 5)}, .attrs = TO(2, 3, 1, 4, 5),
     .golden = golden_reshape},
    {.op = "permute", .what = "channels last", .in = {IN(2, 3, 4, 5)}, .attrs = TO(0, 2, 3, 1),
     .golden = golden_permute_last},
    {.op = "permute", .what = "mixed", .in = {IN(2, 3, 4, 5)}, .attrs = TO(3, 1, 0, 2), .golden = golden_permute_mixed},
    {.op = "permute", .what = "rank 3", .in = {IN(2, 3, 4)}, .attrs = TO(2, 0, 1), .golden = golden_permute_rank3},
    {.op = "permute", .what = "rank 5", .in = {IN(2, 3, 1, 2, 4)}, .attrs = TO(4, 1, 0, 3, 2),
     .golden = golden_permute_rank5},
    {.op = "expand", .what = "a column", .in = {IN(3, 1)}, .attrs = TO(2, 3, 4), .golden = golden_expand_column},
    {.op = "expand", .what = "channels", .in = {IN(1, 3, 1, 1)}, .attrs = TO(2, -1, 4, 5),
     .golden = golden_expand_channels},
    {.op = "expand", .what = "to rank 4", .in = {IN(3, 1, 2)}, .attrs = TO(2, 3, 4, 2),
     .golden = golden_expand_to_rank4},
    {.op = "expand", .what = "only dimensions of one", .in = {IN(2, 60)}, .attrs = TO(1, 2, 60),
     .golden = golden_reshape_flat},
    {.op = "slice", .what = "channels", .in = {IN(2, 3, 4, 5)}, .attrs = SLICE(1, 1, 3, 1),
     .golden = golden_slice_channels},
    {.op = "slice", .what = "steps from the end", .in = {IN(2, 3, 4, 5)}, .attrs = SLICE(-1, -4, 99, 2),
     .golden = golden_slice_steps},
    {.op = "slice", .what = "rows", .in = {IN(7, 3)}, .attrs = SLICE(0, 2, 6, 3), .golden = golden_slice_rows},
    {.op = "slice", .what = "nothing", .in = {IN(7, 3)}, .attrs = SLICE(0, 3, 3, 1), .golden = golden_slice_rows},
    {.op = "slice_grad", .in = {IN(2, 3, 3, 2)}, .attrs = &(const td_slice_grad_attrs){{1, 1, 6, 2}, 7},
     .golden = golden_slice_grad},
    {.op = "cat", .what = "channels", .in = {IN(2, 3, 2, 2), IN(2, 1, 2, 2)}, .attrs = DIM(1),
     .golden = golden_cat_channels},
    {.op = "cat", .what = "batch", .in = {IN(2, 3, 2, 2), IN(1, 3, 2, 2)}, .attrs = DIM(0), .golden = golden_cat_batch},
    {.op = "cat", .what = "last", .in = {IN(3, 2), IN(3, 4)}, .attrs = DIM(-1), .golden = golden_cat_last},
    {.op = "pad", .what = "height", .in = {IN(2, 3, 2, 2)}, .attrs = PAD(2, 1, 2, 0.5), .golden = golden_pad_height},
    {.op = "pad", .what = "channels", .in = {IN(2, 3, 2, 2)}, .attrs = PAD(1, 0, 2, 0), .golden = golden_pad_channels},
    {.op = "pad", .what = "last", .in = {IN(2, 3)}, .attrs = PAD(-1, 1, 0, -2), .golden = golden_pad_last},
    {.op = NULL},
};
