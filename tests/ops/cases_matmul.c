#include "tests/ops/cases.h"
#include "tests/ops/golden_layers.h"

#define TRANSPOSED(a, b) &(const td_matmul_attrs){a, b}

/* Its symmetric part is positive definite. */
static const double lopsided[] = {4, 1, 0.5, 2, 0, 3, -1, 0, 1.5, 0, 5, 0.2, 1, 0, 0.4, 6};

const op_case cases_matmul[] = {
    {.op = "linear", .in = {IN(4, 5), IN(3, 5), IN(3)}, .golden = golden_linear},
    {.op = "linear", .what = "rank 3, no bias", .in = {IN(2, 3, 5), IN(4, 5)}, .golden = golden_linear_rank3},
    {.op = "linear", .what = "vector", .in = {IN(5), IN(3, 5), IN(3)}, .golden = golden_linear_vector},
    {.op = "matmul", .in = {IN(4, 5), IN(5, 3)}, .attrs = TRANSPOSED(0, 0), .golden = golden_matmul},
    {.op = "matmul", .what = "x transposed", .in = {IN(5, 4), IN(5, 3)}, .attrs = TRANSPOSED(1, 0),
     .golden = golden_matmul_ta},
    {.op = "matmul", .what = "y transposed", .in = {IN(4, 5), IN(3, 5)}, .attrs = TRANSPOSED(0, 1),
     .golden = golden_matmul_tb},
    {.op = "matmul", .what = "batch", .in = {IN(2, 4, 3), IN(2, 3, 5)}, .attrs = TRANSPOSED(0, 0),
     .golden = golden_matmul_batch},
    {.op = "matmul", .what = "batch, both transposed", .in = {IN(2, 3, 4), IN(2, 5, 3)}, .attrs = TRANSPOSED(1, 1),
     .golden = golden_matmul_batch_tt},
    {.op = "solve_spd", .in = {IN_VALUES(lopsided, 4, 4), IN(4, 3)}, .golden = golden_solve_spd},
    {.op = NULL},
};
