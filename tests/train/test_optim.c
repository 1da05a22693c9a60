/* Optimizers and schedules against PyTorch's values (golden_optim.py). */
#include <criterion/criterion.h>
#include <math.h>

#include "host/backend/backend.h"
#include "host/config/bind.h"
#include "host/plugin/registry.h"
#include "host/tensor/tensor.h"
#include "host/train/optim.h"
#include "tests/train/golden_optim.h"

#define N 5
#define STEPS 12
#define RATES 25

static void start(void)
{
    char why[200];
    cr_assert_eq(td__register_optimizers(), 0);
    cr_assert_eq(td__register_schedulers(), 0);
    cr_assert_not_null(td__backend_use(&td__reference_backend, why, sizeof why), "%s", why);
}

static void stop(void) { td__registry_clear(); }

TestSuite(optim, .init = start, .fini = stop);

/* A type and its parameters, from flow text; they live in cfg. */
static const td_type *bound(td__config *cfg, uint32_t kind, const char *key, const char *text, void **params)
{
    char why[300] = "";
    const td_type *type = td__find_type(kind, key);
    cr_assert_not_null(type, "%s is not registered", key);
    cr_assert_eq(td__config_parse(cfg, "t.yaml", "{}", 2), 0);
    *params = calloc(1, type->params_size);
    cr_assert_eq(td__bind_text(cfg, text, key, type->params, type->params_size, *params, why, sizeof why), 0, "%s",
                 why);
    return type;
}

/* ---- optimizers ---- */

static double lr_of(const td_type *type, const void *params)
{
    for (const td_param *p = type->params; p->name; p++)
        if (!strcmp(p->name, "lr"))
            return *(const double *)(const void *)((const char *)params + p->offset);
    return NAN;
}

static void one_step(td_ctx *c, const td_optimizer_type *o, const void *params, int64_t step, td_tensor *p,
                     td_tensor *const *state)
{
    double v[N], g[N];
    td__frame_push(c);
    cr_assert_eq(td__tensor_read(c, p, TD_FLOAT64, v, N), 0);
    for (int i = 0; i < N; i++)
        g[i] = 0.3 * (i + 1) * v[i] - sin((double)(step + i));
    o->update(c, params, lr_of(&o->type, params), step, p, td__tensor_from(c, &p->d, g), state);
    td__frame_pop(c, td_none());
}

static void check_trajectory(const char *key, const char *text, const double *golden)
{
    td__config cfg;
    void *params;
    const td_optimizer_type *o = (const void *)bound(&cfg, TD_KIND_OPTIMIZER, key, text, &params);
    td_ctx *c = td__ctx_new(&td__reference_backend);
    const td_desc d = {TD_FLOAT64, 1, {N}};
    double v[N];
    td_tensor *state[4];
    for (int i = 0; i < N; i++)
        v[i] = 0.5 - 0.2 * i;
    td_tensor *p = td__tensor_from(c, &d, v);
    for (uint32_t i = 0; i < o->n_state; i++)
        state[i] = td__tensor_from(c, &d, NULL);
    for (int64_t step = 1; step <= STEPS; step++) {
        one_step(c, o, params, step, p, state);
        cr_assert_null(c->error, "%s: %s", key, c->error);
        cr_assert_eq(td__tensor_read(c, p, TD_FLOAT64, v, N), 0);
        for (int i = 0; i < N; i++)
            cr_assert_float_eq(v[i], golden[(step - 1) * N + i], 1e-12, "%s %s, step %d: %.17g, not %.17g", key, text,
                               (int)step, v[i], golden[(step - 1) * N + i]);
    }
    td__ctx_free(c);
    free(params);
    td__config_free(&cfg);
}

Test(optim, trajectories)
{
    check_trajectory("SGD", "{lr: 0.1}", golden_sgd);
    check_trajectory("torch.optim.SGD", "{lr: 0.1, momentum: 0.9, weight_decay: 5e-4, foreach: true}",
                     golden_sgd_momentum);
    check_trajectory("SGD", "{lr: 0.1, momentum: 0.8, dampening: 0.25, weight_decay: 0.1, maximize: true}",
                     golden_sgd_dampened);
    check_trajectory("SGD", "{lr: 0.05, momentum: 0.9, nesterov: true, weight_decay: 1e-2}", golden_sgd_nesterov);
    check_trajectory("Adam", "{amsgrad: False}", golden_adam);
    check_trajectory("torch.optim.Adam", "{lr: 0.05, betas: [0.7, 0.95], eps: 1e-4, weight_decay: 0.1}",
                     golden_adam_decayed);
    check_trajectory("AdamW", "{amsgrad: false, fused: null}", golden_adamw);
    check_trajectory("AdamW", "{lr: 0.1, betas: [0.5, 0.9], weight_decay: 0.3, maximize: true}", golden_adamw_large);
}

static void check_refused(const char *key, const char *text, const char *name, const char *message)
{
    td__config cfg;
    void *params;
    char why[256] = "";
    const td_optimizer_type *o = (const void *)bound(&cfg, TD_KIND_OPTIMIZER, key, text, &params);
    const char *wrong = o->check(params, why, sizeof why);
    cr_expect_str_eq(wrong ? wrong : "(none)", name, "%s", text);
    cr_expect_str_eq(why, message);
    free(params);
    td__config_free(&cfg);
}

Test(optim, refused)
{
    check_refused("SGD", "{nesterov: true}", "nesterov",
                  "needs a momentum > 0 and no dampening, not momentum 0 and dampening 0");
    check_refused("SGD", "{nesterov: true, momentum: 0.9, dampening: 0.1}", "nesterov",
                  "needs a momentum > 0 and no dampening, not momentum 0.9 and dampening 0.1");
    check_refused("SGD", "{nesterov: true, momentum: 0.9}", "(none)", "");
    check_refused("Adam", "{betas: [0.9, 1]}", "betas", "are two numbers in [0, 1)");
    check_refused("Adam", "{amsgrad: true}", "amsgrad", "is not offered: it may be false");
    check_refused("AdamW", "{betas: 0.9}", "betas", "are two numbers in [0, 1)");
    check_refused("AdamW", "{}", "(none)", "");
}

/* ---- schedules ---- */

static void check_rates(const char *key, const char *text, const double *golden)
{
    td__config cfg;
    void *params;
    const td_scheduler_type *s = (const void *)bound(&cfg, TD_KIND_SCHEDULER, key, text, &params);
    for (int64_t i = 0; i < RATES; i++)
        cr_expect_float_eq(s->lr(params, 0.4, i), golden[i], 1e-12, "%s, step %d: %.17g, not %.17g", key, (int)i,
                           s->lr(params, 0.4, i), golden[i]);
    free(params);
    td__config_free(&cfg);
}

Test(optim, rates)
{
    check_rates("MultiStepLR", "{milestones: [3, 3, 10, 17], gamma: 0.2, last_epoch: -1}", golden_multi_step);
    check_rates("StepLR", "{step_size: 4, gamma: 0.5}", golden_step);
    check_rates("ExponentialLR", "{gamma: 0.93}", golden_exponential);
    check_rates("ConstantLR", "{}", golden_constant);
    check_rates("LinearLR", "{start_factor: 0.25, end_factor: 0.8, total_iters: 7}", golden_linear);
    check_rates("LinearLR", "{}", golden_linear_default);
    check_rates("torch.optim.lr_scheduler.CosineAnnealingLR", "{T_max: 10, eta_min: 0.01}", golden_cosine);
    check_rates("poly_lr_scheduler", "{num_iterations: 6, num_epochs: 4}", golden_poly);
    check_rates("get_linear_schedule_with_warmup", "{num_warmup_steps: 4, num_training_steps: 18}", golden_warmup);
}
