#include <string.h>

#include "tests/ops/cases.h"
#include "tests/ops/golden_layers.h"

/* Values and positions from golden values. */
#define WITH_POSITIONS(tag)                                                            \
    static void expect_##tag(const op_call *call, double *const *out)                 \
    {                                                                                  \
        (void)call;                                                                    \
        memcpy(out[0], golden_##tag, sizeof golden_##tag);                             \
        memcpy(out[1], golden_##tag##_positions, sizeof golden_##tag##_positions);     \
    }
WITH_POSITIONS(max_pool)
WITH_POSITIONS(max_pool_ceil)
WITH_POSITIONS(adaptive_max_pool)

#define X IN(2, 3, 7, 6)
#define POSITIONS {DIMS(2, 3, 4, 3), TD_INT32, 0, 0, golden_max_pool_grad_positions}
#define SIZE(h, w) &(const td_shape_attrs){2, 0, {h, w}}
/* {kernel, stride, padding, ceil_mode, count_include_pad} */
#define WINDOW(k, s, p, ceil, count) {{k, k}, {s, s}, {p, p}, ceil, count}
#define ATTRS(...) &(const td_pool2d_attrs)WINDOW(__VA_ARGS__)

static const td_pool2d_attrs oblong = {{2, 3}, {2, 2}, {0, 0}, 1, 1}, tall = {{4, 3}, {3, 2}, {2, 0}, 1, 0};
static const td_pool2d_grad_attrs back = {WINDOW(3, 2, 1, 0, 0), {7, 6}}, adaptive = {WINDOW(0, 0, 0, 0, 0), {7, 6}};

const op_case cases_pool[] = {
    {.op = "max_pool2d", .in = {X}, .attrs = ATTRS(3, 2, 1, 0, 1), .expect = expect_max_pool},
    {.op = "max_pool2d", .what = "ceil mode", .in = {X}, .attrs = &oblong, .expect = expect_max_pool_ceil},
    {.op = "adaptive_max_pool2d", .in = {X}, .attrs = SIZE(3, 4), .expect = expect_adaptive_max_pool},
    {.op = "avg_pool2d", .in = {X}, .attrs = ATTRS(2, 2, 0, 0, 1), .golden = golden_avg_pool},
    {.op = "avg_pool2d", .what = "padded", .in = {X}, .attrs = ATTRS(3, 2, 1, 0, 1), .golden = golden_avg_pool_padded},
    {.op = "avg_pool2d", .what = "padding not counted", .in = {X}, .attrs = ATTRS(3, 2, 1, 0, 0),
     .golden = golden_avg_pool_uncounted},
    {.op = "avg_pool2d", .what = "ceil mode", .in = {X}, .attrs = ATTRS(3, 2, 1, 1, 1), .golden = golden_avg_pool_ceil},
    {.op = "avg_pool2d", .what = "ceil mode, padding not counted", .in = {X}, .attrs = &tall,
     .golden = golden_avg_pool_ceil_uncounted},
    {.op = "adaptive_avg_pool2d", .in = {X}, .attrs = SIZE(3, 4), .golden = golden_adaptive_avg_pool},
    {.op = "adaptive_avg_pool2d", .what = "to one", .in = {X}, .attrs = SIZE(1, 1),
     .golden = golden_adaptive_avg_pool_1},
    {.op = "adaptive_avg_pool2d", .what = "to more", .in = {IN(2, 3, 2, 3)}, .attrs = SIZE(5, 4),
     .golden = golden_adaptive_avg_pool_up},
    {.op = "interpolate_nearest", .what = "twice", .in = {IN(2, 3, 2, 3)}, .attrs = SIZE(4, 6),
     .golden = golden_nearest_up},
    {.op = "interpolate_nearest", .what = "odd sizes", .in = {IN(2, 3, 3, 5)}, .attrs = SIZE(7, 4),
     .golden = golden_nearest_odd},
    {.op = "max_pool2d_grad", .in = {IN(2, 3, 4, 3), POSITIONS}, .attrs = &back, .golden = golden_max_pool_grad},
    {.op = "max_pool2d_grad", .what = "adaptive",
     .in = {IN(2, 3, 3, 4), {DIMS(2, 3, 3, 4), TD_INT32, 0, 0, golden_adaptive_max_pool_grad_positions}},
     .attrs = &adaptive, .golden = golden_adaptive_max_pool_grad},
    {.op = "avg_pool2d_grad", .in = {IN(2, 3, 4, 3)}, .attrs = &back, .golden = golden_avg_pool_grad},
    {.op = "adaptive_avg_pool2d_grad", .in = {IN(2, 3, 3, 4)}, .attrs = SIZE(7, 6),
     .golden = golden_adaptive_avg_pool_grad},
    {.op = "interpolate_nearest_grad", .in = {IN(2, 3, 7, 4)}, .attrs = SIZE(3, 5), .golden = golden_nearest_grad},
    {.op = NULL},
};
