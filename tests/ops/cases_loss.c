#include <math.h>

#include "tests/ops/cases.h"
#include "tests/ops/golden_layers.h"

#define ATTRS(reduction, ignore, smoothing, beta) &(const td_loss_attrs){reduction, 0, ignore, smoothing, beta}
#define REDUCED(reduction) ATTRS(reduction, -100, 0, 0.7)
#define PAIR {IN(3, 4), IN(3, 4)}
#define GRADIENT {IN_SCALAR, IN(3, 4), IN(3, 4)}
#define KL_PAIR {IN_RANGE(-3, 0, 3, 4), IN_RANGE(0.05, 1, 3, 4)}
#define KL_GRADIENT {IN_SCALAR, IN_RANGE(-3, 0, 3, 4), IN_RANGE(0.05, 1, 3, 4)}
#define LOGITS IN_RANGE(-2, 2, 5, 4)
#define TARGET IN_INT64(0, 4, 5)
#define WEIGHT IN_RANGE(0.5, 2, 4)
#define IMAGES IN_RANGE(-2, 2, 2, 4, 2, 3), IN_INT64(0, 4, 2, 2, 3)
#define THREE_REDUCTIONS(name) \
    {.op = #name, .what = "mean", .in = PAIR, .attrs = REDUCED(TD_MEAN), .golden = golden_##name##_mean}, \
    {.op = #name, .what = "sum", .in = PAIR, .attrs = REDUCED(TD_SUM), .golden = golden_##name##_sum}, \
    {.op = #name, .what = "no reduction", .in = PAIR, .attrs = REDUCED(TD_NO_REDUCTION), .golden = golden_##name##_none}

static const double zeros[] = {0, 0.25, 0.75, 0};
/* As IN_INT64(0, 4, 5) gives, but for two. */
static const double some_ignored[] = {3, -100, 0, -100, 1};

static const double never[] = {1, -INFINITY, 0.5, 2}; /* one class cannot be */
#define SOFT(reduction, T) ATTRS(reduction, -100, 0, T)
#define SOFT_PAIR {IN_RANGE(-5, 5, 3, 4), IN_RANGE(-5, 5, 3, 4)}
#define SOFT_GRADIENT {IN_SCALAR, IN_RANGE(-5, 5, 3, 4), IN_RANGE(-5, 5, 3, 4)}

/* Class 5, 0 of equal ones, 1 after one equal one, one that NaN comes before. */
static const double ranked[] = {0, 1, 2, 3, 4, 5, 5, 5, 0, 0, 0, 0, 5, 5, 0, 0, 0, 0, NAN, NAN, 9, NAN, NAN, NAN};
static const double good[] = {5, 0, 1, 2}, bad[] = {0, 5, 6, -1}, before[] = {10, 20}, after[] = {12, 23};
#define COUNTED(target) {IN_VALUES(ranked, 4, 6), IN_INT64_VALUES(target, 4), IN_INT64_VALUES(before, 2)}

const op_case cases_loss[] = {
    {.op = "count_correct", .in = COUNTED(good), .golden = after},
    {.op = "count_correct", .what = "the last of six, of ties too, no class", .in = COUNTED(bad), .golden = before},
    {.op = "soft_kl", .what = "mean", .in = SOFT_PAIR, .attrs = SOFT(TD_MEAN, 2.5), .golden = golden_soft_kl_mean},
    {.op = "soft_kl", .what = "sum", .in = SOFT_PAIR, .attrs = SOFT(TD_SUM, 2.5), .golden = golden_soft_kl_sum},
    {.op = "soft_kl", .what = "batchmean", .in = SOFT_PAIR, .attrs = SOFT(TD_BATCHMEAN, 2.5),
     .golden = golden_soft_kl_batchmean},
    {.op = "soft_kl", .what = "no reduction", .in = SOFT_PAIR, .attrs = SOFT(TD_NO_REDUCTION, 2.5),
     .golden = golden_soft_kl_none},
    {.op = "soft_kl", .what = "images", .in = {IN(2, 3, 2, 2), IN(2, 3, 2, 2)}, .attrs = SOFT(TD_NO_REDUCTION, 0.5),
     .golden = golden_soft_kl_images},
    {.op = "soft_kl", .what = "an impossible class", .in = {IN_RANGE(-5, 5, 1, 4), IN_VALUES(never, 1, 4)},
     .attrs = SOFT(TD_SUM, 2.5), .golden = golden_soft_kl_never, .no_grad = 2},
    {.op = "soft_kl_grad", .in = SOFT_GRADIENT, .attrs = SOFT(TD_BATCHMEAN, 2.5), .golden = golden_soft_kl_grad},
    {.op = "soft_kl_target_grad", .in = SOFT_GRADIENT, .attrs = SOFT(TD_BATCHMEAN, 2.5),
     .golden = golden_soft_kl_target_grad},
    {.op = "kl_div", .what = "mean", .in = KL_PAIR, .attrs = REDUCED(TD_MEAN), .golden = golden_kl_div_mean},
    {.op = "kl_div", .what = "sum", .in = KL_PAIR, .attrs = REDUCED(TD_SUM), .golden = golden_kl_div_sum},
    {.op = "kl_div", .what = "batchmean", .in = KL_PAIR, .attrs = REDUCED(TD_BATCHMEAN),
     .golden = golden_kl_div_batchmean},
    {.op = "kl_div", .what = "no reduction", .in = KL_PAIR, .attrs = REDUCED(TD_NO_REDUCTION),
     .golden = golden_kl_div_none},
    {.op = "kl_div", .what = "zero probabilities", .in = {IN_RANGE(-3, 0, 1, 4), IN_VALUES(zeros, 1, 4)},
     .attrs = REDUCED(TD_SUM), .golden = golden_kl_div_zeros, .no_grad = 2},
    THREE_REDUCTIONS(mse_loss),
    {.op = "mse_loss", .what = "images", .in = {IN(2, 3, 2, 2), IN(2, 3, 2, 2)}, .attrs = REDUCED(TD_NO_REDUCTION),
     .golden = golden_mse_loss_images},
    THREE_REDUCTIONS(l1_loss),
    THREE_REDUCTIONS(smooth_l1_loss),
    {.op = "cross_entropy", .in = {LOGITS, TARGET}, .attrs = ATTRS(TD_MEAN, -100, 0, 1), .golden = golden_ce},
    {.op = "cross_entropy", .what = "sum, smoothed", .in = {LOGITS, TARGET}, .attrs = ATTRS(TD_SUM, -100, 0.1, 1),
     .golden = golden_ce_sum_smoothed},
    {.op = "cross_entropy", .what = "no reduction, weighted, smoothed", .in = {LOGITS, TARGET, WEIGHT},
     .attrs = ATTRS(TD_NO_REDUCTION, -100, 0.2, 1), .golden = golden_ce_none_weighted, .no_grad = 4},
    {.op = "cross_entropy", .what = "ignored targets", .in = {LOGITS, IN_INT64_VALUES(some_ignored, 5)},
     .attrs = ATTRS(TD_MEAN, -100, 0, 1), .golden = golden_ce_ignored},
    {.op = "cross_entropy", .what = "ignored targets, weighted, smoothed",
     .in = {LOGITS, IN_INT64_VALUES(some_ignored, 5), WEIGHT},
     .attrs = ATTRS(TD_MEAN, -100, 0.1, 1), .golden = golden_ce_everything, .no_grad = 4},
    {.op = "cross_entropy", .what = "images", .in = {IMAGES}, .attrs = ATTRS(TD_MEAN, -100, 0, 1),
     .golden = golden_ce_images},
    {.op = "cross_entropy", .what = "images, no reduction, weighted, class 2 ignored", .in = {IMAGES, WEIGHT},
     .attrs = ATTRS(TD_NO_REDUCTION, 2, 0, 1), .golden = golden_ce_images_none, .no_grad = 4},
    {.op = "kl_div_grad", .in = KL_GRADIENT, .attrs = REDUCED(TD_BATCHMEAN), .golden = golden_kl_div_grad},
    {.op = "kl_div_target_grad", .in = KL_GRADIENT, .attrs = REDUCED(TD_BATCHMEAN),
     .golden = golden_kl_div_target_grad},
    {.op = "mse_loss_grad", .in = GRADIENT, .attrs = REDUCED(TD_MEAN), .golden = golden_mse_loss_grad},
    {.op = "l1_loss_grad", .in = GRADIENT, .attrs = REDUCED(TD_MEAN), .golden = golden_l1_loss_grad},
    {.op = "smooth_l1_loss_grad", .in = GRADIENT, .attrs = REDUCED(TD_MEAN), .golden = golden_smooth_l1_loss_grad},
    {.op = "cross_entropy_grad", .in = {IN(5), LOGITS, TARGET, WEIGHT}, .attrs = ATTRS(TD_NO_REDUCTION, 1, 0.1, 1),
     .golden = golden_ce_grad},
    {.op = NULL},
};
