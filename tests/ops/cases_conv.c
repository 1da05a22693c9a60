#include "tests/ops/cases.h"
#include "tests/ops/golden_layers.h"

/* {stride, padding, dilation, groups, output_padding}, the same on both axes. */
#define CONV(s, p, d, g, o) {{s, s}, {p, p}, {d, d}, g, {o, o}}
#define ATTRS(...) &(const td_conv2d_attrs)CONV(__VA_ARGS__)
#define GRAD_ATTRS(h, w, ...) &(const td_conv2d_grad_attrs){CONV(__VA_ARGS__), {h, w}}

static const td_conv2d_attrs oblong = {{2, 1}, {0, 1}, {1, 1}, 1, {0, 0}},
                             dilated = {{1, 1}, {2, 0}, {2, 2}, 1, {0, 0}};

const op_case cases_conv[] = {
    {.op = "conv2d", .what = "3x3", .in = {IN(2, 4, 6, 5), IN(3, 4, 3, 3), IN(3)}, .attrs = ATTRS(1, 1, 1, 1, 0),
     .golden = golden_conv_3x3},
    {.op = "conv2d", .what = "stride 2", .in = {IN(2, 4, 6, 5), IN(3, 4, 3, 3)}, .attrs = ATTRS(2, 1, 1, 1, 0),
     .golden = golden_conv_stride2},
    {.op = "conv2d", .what = "1x1", .in = {IN(2, 4, 6, 5), IN(3, 4, 1, 1), IN(3)}, .attrs = ATTRS(1, 0, 1, 1, 0),
     .golden = golden_conv_1x1},
    {.op = "conv2d", .what = "1x1, stride 2", .in = {IN(2, 4, 6, 5), IN(3, 4, 1, 1)}, .attrs = ATTRS(2, 0, 1, 1, 0),
     .golden = golden_conv_1x1_stride2},
    {.op = "conv2d", .what = "7x7, stride 2", .in = {IN(1, 3, 9, 8), IN(2, 3, 7, 7)}, .attrs = ATTRS(2, 3, 1, 1, 0),
     .golden = golden_conv_7x7_stride2},
    {.op = "conv2d", .what = "dilated", .in = {IN(2, 4, 6, 5), IN(3, 4, 3, 3)}, .attrs = ATTRS(1, 2, 2, 1, 0),
     .golden = golden_conv_dilated},
    {.op = "conv2d", .what = "groups", .in = {IN(2, 4, 6, 5), IN(6, 2, 3, 3), IN(6)}, .attrs = ATTRS(1, 1, 1, 2, 0),
     .golden = golden_conv_groups},
    {.op = "conv2d", .what = "depthwise, stride 2", .in = {IN(2, 4, 6, 5), IN(4, 1, 3, 3)},
     .attrs = ATTRS(2, 1, 1, 4, 0), .golden = golden_conv_depthwise},
    {.op = "conv2d", .what = "oblong", .in = {IN(2, 4, 6, 5), IN(3, 4, 1, 3)}, .attrs = &oblong,
     .golden = golden_conv_oblong},

    {.op = "conv_transpose2d", .in = {IN(2, 4, 3, 4), IN(4, 3, 3, 3), IN(3)}, .attrs = ATTRS(1, 1, 1, 1, 0),
     .golden = golden_transposed},
    {.op = "conv_transpose2d", .what = "stride 2, output padding", .in = {IN(2, 4, 3, 4), IN(4, 3, 3, 3)},
     .attrs = ATTRS(2, 1, 1, 1, 1), .golden = golden_transposed_stride2},
    {.op = "conv_transpose2d", .what = "4x4, stride 2", .in = {IN(2, 4, 3, 4), IN(4, 2, 4, 4), IN(2)},
     .attrs = ATTRS(2, 1, 1, 1, 0), .golden = golden_transposed_4x4},
    {.op = "conv_transpose2d", .what = "groups", .in = {IN(2, 4, 3, 4), IN(4, 3, 2, 2), IN(6)},
     .attrs = ATTRS(2, 0, 1, 2, 0), .golden = golden_transposed_groups},
    {.op = "conv_transpose2d", .what = "dilated", .in = {IN(2, 4, 3, 4), IN(4, 2, 3, 2)}, .attrs = &dilated,
     .golden = golden_transposed_dilated},

    {.op = "conv2d_input_grad", .in = {IN(2, 3, 3, 3), IN(3, 4, 3, 3)}, .attrs = GRAD_ATTRS(6, 5, 2, 1, 1, 1, 0),
     .golden = golden_input_grad},
    {.op = "conv2d_weight_grad", .in = {IN(2, 4, 6, 5), IN(2, 3, 3, 3)}, .attrs = GRAD_ATTRS(3, 3, 2, 1, 1, 1, 0),
     .golden = golden_weight_grad},
    {.op = "conv2d_weight_grad", .what = "groups", .in = {IN(2, 4, 6, 5), IN(2, 6, 6, 5)},
     .attrs = GRAD_ATTRS(3, 3, 1, 1, 1, 2, 0), .golden = golden_weight_grad_groups},
    {.op = NULL},
};
