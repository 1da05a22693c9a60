#include "tests/ops/cases.h"
#include "tests/ops/golden.h"

#define ROWS(n) &(const td_dim_attrs){0, n, 0}

/* clang-format off */
const op_case cases_index[] = {
    {.op = "index_select", .in = {IN(5, 3), IN_INT64(0, 5, 4)}, .golden = golden_index_select},
    {.op = "index_select", .what = "a matrix of indices", .in = {IN(5, 3), IN_INT64(0, 5, 2, 3)},
     .golden = golden_index_select_matrix},
    {.op = "index_select", .what = "to rank 4", .in = {IN(5, 3, 2), IN_INT64(0, 5, 2, 4)},
     .golden = golden_index_select_to_rank4},
    {.op = "index_select", .what = "images", .in = {IN(5, 3, 2, 2), IN_INT64(0, 5, 4)},
     .golden = golden_index_select_images},
    {.op = "index_select", .what = "one image", .in = {IN(5, 3, 2, 2), {1, 0, {0}, TD_INT64, 0, 5, NULL}},
     .golden = golden_index_select_one},
    {.op = "index_select", .what = "scalars", .in = {IN(5), IN_INT64(0, 5, 2, 2)},
     .golden = golden_index_select_scalars},
    {.op = "index_select_grad", .in = {IN(9, 3), IN_INT64(0, 5, 9)}, .attrs = ROWS(5),
     .golden = golden_index_select_grad},
    {.op = "index_select_grad", .what = "from rank 4", .in = {IN(2, 4, 3, 2), IN_INT64(0, 3, 2, 4)}, .attrs = ROWS(3),
     .golden = golden_index_select_grad_rank4},
    {.op = "index_copy", .what = "the last of equal indices", .in = {IN(5, 3), IN_INT64(0, 5, 9), IN(9, 3)},
     .golden = golden_index_copy},
    {.op = "copy", .in = {IN(2, 3, 2, 2), IN(2, 3, 2, 2)}, .golden = golden_copy},
    {.op = NULL},
};
