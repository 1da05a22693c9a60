/* Distillation-oriented trainer (Zhao et al., ICCV 2023): stochastic gradient descent that gives the distillation loss
 * more momentum than the task loss, since a trade-off between the two leaves the first far from its minimum,
 *
 *     v_task = (m - delta) v_task + g_task + w theta,   v_kd = (m + delta) v_kd + g_kd,
 *     theta = theta - lr (v_task + v_kd).
 *
 * g_kd is the gradient of all terms that read the teacher.  The weight decay w goes with the task. */
#include <stdio.h>
#include <td/td.h>

struct dot {
    double lr, momentum, delta, weight_decay;
};

static const td_param table[] = {
    TD_PARAM_FLOAT(struct dot, lr, "1e-3", "learning rate", .max = 1e300),
    TD_PARAM_FLOAT(struct dot, momentum, "0.9", "m: momentum factor", .max = 1),
    TD_PARAM_FLOAT(struct dot, delta, "0.075", "what distillation has more, the task less", .min = -1, .max = 1),
    TD_PARAM_FLOAT(struct dot, weight_decay, "0", "weight decay", .max = 1e300), TD_PARAM_END};

static const char *check(const void *params, char *why, size_t why_size)
{
    const struct dot *p = params;
    double low = p->momentum - p->delta, high = p->momentum + p->delta;
    if (low >= 0 && high >= 0 && low <= 1 && high <= 1)
        return NULL;
    snprintf(why, why_size, "makes the momenta %g and %g: both must lie in [0, 1]", low, high);
    return "delta";
}

/* v = factor v + g, in place */
static td_tensor *follow(td_ctx *c, td_tensor *v, double factor, td_tensor *g)
{
    td_copy(c, v, td_add(c, td_scale(c, v, factor), g));
    return v;
}

static void update_parts(td_ctx *c, const void *params, double lr, int64_t step, td_tensor *param, td_tensor *task,
                         td_tensor *distilled, td_tensor *const *state)
{
    const struct dot *p = params;
    (void)step;
    if (p->weight_decay != 0)
        task = td_add(c, task, td_scale(c, param, p->weight_decay));
    td_tensor *v_task = follow(c, state[0], p->momentum - p->delta, task);
    td_tensor *v_distilled = follow(c, state[1], p->momentum + p->delta, distilled);
    td_copy(c, param, td_sub(c, param, td_scale(c, td_add(c, v_task, v_distilled), lr)));
}

static const char *const state_names[] = {"momentum_task", "momentum_distilled"};
static const td_optimizer_type dot = {
    .type = {.key = "DOT", .summary = "SGD with more momentum for distillation than for the task", .params = table,
             .params_size = sizeof(struct dot)},
    .n_state = 2,
    .state_names = state_names,
    .check = check,
    .update_parts = update_parts};

TD_PLUGIN(dot, "0.1.0", "MIT", "Distillation-oriented trainer (Zhao et al., ICCV 2023)", "optimizer:DOT")
{
    td_register(reg, TD_KIND_OPTIMIZER, &dot);
}
