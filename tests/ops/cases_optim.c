#include <math.h>
#include <string.h>

#include "tests/ops/cases.h"
#include "tests/ops/golden_layers.h"

/* The parameter and its state from golden values. */
#define SGD_STATE(tag)                                                                       \
    static void expect_##tag(const op_call *call, double *const *out)                       \
    {                                                                                        \
        (void)call;                                                                          \
        memcpy(out[0], golden_##tag, sizeof golden_##tag);                                   \
        memcpy(out[1], golden_##tag##_momentum_buffer, sizeof golden_##tag##_momentum_buffer); \
    }
#define ADAM_STATE(tag)                                                                \
    static void expect_##tag(const op_call *call, double *const *out)                 \
    {                                                                                  \
        (void)call;                                                                    \
        memcpy(out[0], golden_##tag, sizeof golden_##tag);                             \
        memcpy(out[1], golden_##tag##_exp_avg, sizeof golden_##tag##_exp_avg);         \
        memcpy(out[2], golden_##tag##_exp_avg_sq, sizeof golden_##tag##_exp_avg_sq);   \
    }
SGD_STATE(sgd_first)
SGD_STATE(sgd_later)
SGD_STATE(sgd_nesterov)
ADAM_STATE(adam)
ADAM_STATE(adamw)

#define STATE IN_RANGE(0, 1, 2, 3)
#define SGD(momentum, dampening, nesterov, first) &(const td_sgd_attrs){0.1, momentum, dampening, 0.01, nesterov, first}
#define ADAM(decoupled) &(const td_adam_attrs){0.1, 0.8, 0.99, 1e-3, 0.1, 7, decoupled, 0}

/* What counts is the schedule: {learning rate, step}. */
#define SCHEDULE(lr, step) {DIMS(2), TD_FLOAT64, 0, 0, (const double[]){lr, step}}

/* Gradients 3 and -4 have norm 5; of an infinite one nothing is left, of NaN everything is NaN. */
static const double three_four[] = {3, -4}, infinite[] = {3, INFINITY};
static const double clipped[] = {3 * 0.5 / (5 + 1e-6), -4 * 0.5 / (5 + 1e-6)};
static const double nothing[] = {0, NAN}, all_nan[] = {NAN, NAN}, sum_of_both[] = {26};
#define GRADIENT IN_VALUES(three_four, 2)
#define DOUBLE(...) {1, 0, {0}, TD_FLOAT64, 0, 0, (const double[]){__VA_ARGS__}}
#define MOST(norm) &(const td_scalar_attrs){norm, 0}

const op_case cases_optim[] = {
    {.op = "add_square_sum", .in = {GRADIENT, DOUBLE(1)}, .golden = sum_of_both},
    {.op = "clip_by_norm", .in = {GRADIENT, DOUBLE(25)}, .attrs = MOST(0.5), .golden = clipped},
    {.op = "clip_by_norm", .what = "below", .in = {GRADIENT, DOUBLE(25)}, .attrs = MOST(5.1), .golden = three_four},
    {.op = "clip_by_norm", .what = "infinite", .in = {IN_VALUES(infinite, 2), DOUBLE(INFINITY)}, .attrs = MOST(0.5),
     .golden = nothing},
    {.op = "clip_by_norm", .what = "NaN", .in = {GRADIENT, DOUBLE(NAN)}, .attrs = MOST(0.5), .golden = all_nan},
    {.op = "sgd_step", .what = "no momentum", .in = {IN(2, 3), IN(2, 3)}, .attrs = SGD(0, 0, 0, 1),
     .golden = golden_sgd_plain},
    {.op = "sgd_step", .what = "first", .in = {IN(2, 3), IN(2, 3), STATE}, .attrs = SGD(0.9, 0.3, 0, 1),
     .expect = expect_sgd_first},
    {.op = "sgd_step", .what = "later", .in = {IN(2, 3), IN(2, 3), STATE}, .attrs = SGD(0.9, 0.3, 0, 0),
     .expect = expect_sgd_later},
    {.op = "sgd_step", .what = "Nesterov", .in = {IN(2, 3), IN(2, 3), STATE}, .attrs = SGD(0.9, 0, 1, 0),
     .expect = expect_sgd_nesterov},
    {.op = "adam_step", .what = "Adam", .in = {IN(2, 3), IN(2, 3), STATE, STATE}, .attrs = ADAM(0),
     .expect = expect_adam},
    {.op = "adam_step", .what = "AdamW", .in = {IN(2, 3), IN(2, 3), STATE, STATE}, .attrs = ADAM(1),
     .expect = expect_adamw},
    {.op = "sgd_step", .what = "first by schedule", .in = {IN(2, 3), IN(2, 3), STATE, SCHEDULE(0.1, 1)},
     .attrs = &(const td_sgd_attrs){9, 0.9, 0.3, 0.01, 0, 0}, .expect = expect_sgd_first},
    {.op = "sgd_step", .what = "later by schedule", .in = {IN(2, 3), IN(2, 3), STATE, SCHEDULE(0.1, 2)},
     .attrs = &(const td_sgd_attrs){9, 0.9, 0.3, 0.01, 0, 1}, .expect = expect_sgd_later},
    {.op = "adam_step", .what = "by schedule", .in = {IN(2, 3), IN(2, 3), STATE, STATE, SCHEDULE(0.1, 7)},
     .attrs = &(const td_adam_attrs){9, 0.8, 0.99, 1e-3, 0.1, 1, 0, 0}, .expect = expect_adam},
    {.op = NULL},
};
