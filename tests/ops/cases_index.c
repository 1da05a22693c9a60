#include "tests/ops/cases.h"
#include "tests/ops/golden.h"

#define ROWS(n) &(const td_dim_attrs){0, n, 0}

/* Images 3 and 1 of two channels of 2 x 3 pixels, mirrored for certain, normalized. */
static void expect_augment(const op_call *call, double *const *out)
{
    static const int64_t images[] = {3, 1};
    static const float mean[] = {0.5f, 0.25f}, std[] = {0.25f, 2};
    for (int64_t b = 0; b < 2; b++)
        for (int64_t k = 0; k < 2; k++)
            for (int64_t y = 0; y < 2; y++)
                for (int64_t x = 0; x < 3; x++)
                    out[0][((b * 2 + k) * 2 + y) * 3 + x] =
                        ((float)call->in[0][((images[b] * 2 + k) * 2 + y) * 3 + 2 - x] / 255.0f - mean[k]) / std[k];
}

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
    {.op = "gather", .in = {IN(3, 5), IN_INT64(0, 5, 3, 7)}, .golden = golden_gather},
    {.op = "scatter_add", .in = {IN(3, 7), IN_INT64(0, 5, 3, 7)}, .attrs = ROWS(5), .golden = golden_scatter_add},
    {.op = "gather_matmul", .in = {IN(2, 3), IN(5, 3), IN_INT64(0, 5, 2, 7)}, .golden = golden_gather_matmul},
    {.op = "scatter_matmul", .in = {IN(2, 7), IN(5, 3), IN_INT64(0, 5, 2, 7)}, .golden = golden_scatter_matmul},
    {.op = "index_copy", .what = "the last of equal indices", .in = {IN(5, 3), IN_INT64(0, 5, 9), IN(9, 3)},
     .golden = golden_index_copy},
    {.op = "copy", .in = {IN(2, 3, 2, 2), IN(2, 3, 2, 2)}, .golden = golden_copy},
    {.op = "augment",
     .in = {{DIMS(4, 2, 2, 3), TD_UINT8, 0, 256, NULL}, IN_INT64_VALUES(((const double[]){3, 1}), 2), IN_INT64(0, 9, 2)},
     .attrs = &(const td_augment_attrs){.done = TD_AUGMENT_NORMALIZED, .flip_use = 16, .flip = 1, .seed = 7, .channels = 2,
                                        .height = 2, .width = 3, .mean = {0.5f, 0.25f}, .std = {0.25f, 2}},
     .expect = expect_augment},
    {.op = NULL},
};
