/* SGD, Adam and AdamW with torch.optim's names and defaults; the arithmetic is host/ops/optim.c's. */
#include <stdio.h>

#include "host/base/ctx.h"
#include "host/plugin/registry.h"
#include "host/train/optim.h"

#define LR(s) TD_PARAM_FLOAT(s, lr, "1e-3", "learning rate", .max = 1e300)
#define DECAY(s, def) TD_PARAM_FLOAT(s, weight_decay, def, "weight decay", .max = 1e300)
/* PyTorch's choices between implementations, without effect here. */
#define IMPLEMENTATION                                              \
    TD_PARAM_UNUSED("foreach", "how PyTorch loops"),                \
        TD_PARAM_UNUSED("fused", "how PyTorch loops"),              \
        TD_PARAM_UNUSED("capturable", "for CUDA graphs in PyTorch"), \
        TD_PARAM_UNUSED("differentiable", "for PyTorch's autograd")
#define MAXIMIZE(s) TD_PARAM_BOOL(s, maximize, "false", "ascend instead of descend")

static td_tensor *direction(td_ctx *c, td_tensor *grad, int32_t maximize) { return maximize ? td_neg(c, grad) : grad; }

/* ---- SGD ---- */

struct sgd { double lr, momentum, dampening, weight_decay; int32_t nesterov, maximize; };

static const td_param sgd_table[] = {
    LR(struct sgd),
    TD_PARAM_FLOAT(struct sgd, momentum, "0", "momentum factor", .max = 1e300),
    TD_PARAM_FLOAT(struct sgd, dampening, "0", "dampening of the momentum", .min = -1e300, .max = 1e300),
    DECAY(struct sgd, "0"),
    TD_PARAM_BOOL(struct sgd, nesterov, "false", "Nesterov's momentum"),
    MAXIMIZE(struct sgd),
    IMPLEMENTATION,
    TD_PARAM_END,
};

static void sgd_update(td_ctx *c, const void *params, double lr, int64_t step, td_tensor *param, td_tensor *grad,
                       td_tensor *const *state)
{
    const struct sgd *p = params;
    td_sgd_attrs a = {lr, p->momentum, p->dampening, p->weight_decay, p->nesterov, step == 1};
    td_tensor *in[4] = {param, direction(c, grad, p->maximize), p->momentum != 0 ? state[0] : NULL, c->schedule};
    if (c->schedule) /* what it says is no attribute */
        a.lr = a.first = 0;
    td_host->apply(c, "sgd_step", in, 4, &a, sizeof a, NULL, 0);
}

static const char *sgd_check(const void *params, char *why, size_t why_size)
{
    const struct sgd *p = params;
    if (!p->nesterov || (p->momentum > 0 && p->dampening == 0))
        return NULL;
    snprintf(why, why_size, "needs a momentum > 0 and no dampening, not momentum %g and dampening %g", p->momentum,
             p->dampening);
    return "nesterov";
}

/* ---- Adam, AdamW ---- */

struct adam { double lr; td_floats betas; double eps, weight_decay; int32_t amsgrad, maximize; };

#define ADAM_TABLE(decay)                                                                                   \
    {                                                                                                       \
        LR(struct adam),                                                                                    \
        TD_PARAM_FLOATS(struct adam, betas, "[0.9, 0.999]", "decay of the averages of gradient and square"), \
        TD_PARAM_FLOAT(struct adam, eps, "1e-8", "added to the denominator", .max = 1e300),                 \
        DECAY(struct adam, decay),                                                                          \
        TD_PARAM_BOOL(struct adam, amsgrad, "false", "the AMSGrad variant; only false is offered"),         \
        MAXIMIZE(struct adam),                                                                              \
        IMPLEMENTATION,                                                                                     \
        TD_PARAM_END,                                                                                       \
    }
static const td_param adam_table[] = ADAM_TABLE("0"), adamw_table[] = ADAM_TABLE("1e-2");

static int is_decay(double beta) { return beta >= 0 && beta < 1; }

static const char *adam_check(const void *params, char *why, size_t why_size)
{
    const struct adam *p = params;
    int two_decays = p->betas.n == 2 && is_decay(p->betas.v[0]) && is_decay(p->betas.v[1]);
    if (!p->amsgrad && two_decays)
        return NULL;
    snprintf(why, why_size, two_decays ? "is not offered: it may be false" : "are two numbers in [0, 1)");
    return two_decays ? "amsgrad" : "betas";
}

static void adam_step(td_ctx *c, const struct adam *p, double lr, int64_t step, td_tensor *param, td_tensor *grad,
                      td_tensor *const *state, int32_t decoupled)
{
    td_adam_attrs a = {lr, p->betas.v[0], p->betas.v[1], p->eps, p->weight_decay, step, decoupled, 0};
    td_tensor *in[5] = {param, direction(c, grad, p->maximize), state[0], state[1], c->schedule};
    if (c->schedule)
        a.lr = a.step = 0;
    td_host->apply(c, "adam_step", in, 5, &a, sizeof a, NULL, 0);
}

static void adam_update(td_ctx *c, const void *params, double lr, int64_t step, td_tensor *param, td_tensor *grad,
                        td_tensor *const *state)
{
    adam_step(c, params, lr, step, param, grad, state, 0);
}

static void adamw_update(td_ctx *c, const void *params, double lr, int64_t step, td_tensor *param, td_tensor *grad,
                         td_tensor *const *state)
{
    adam_step(c, params, lr, step, param, grad, state, 1);
}

int td__reads_schedule(const td_optimizer_type *type)
{
    return type->update == sgd_update || type->update == adam_update || type->update == adamw_update;
}

int td__register_optimizers(void)
{
    static const char *const sgd_state[] = {"momentum_buffer"}, *const adam_state[] = {"exp_avg", "exp_avg_sq"};
    static const td_optimizer_type types[] = {
        {.type = {"SGD", "torch.optim.SGD", "Stochastic gradient descent, with momentum", sgd_table,
                  sizeof(struct sgd), 0},
         .n_state = 1, .state_names = sgd_state, .update = sgd_update, .check = sgd_check},
        {.type = {"Adam", "torch.optim.Adam", "Adam (Kingma & Ba 2015)", adam_table, sizeof(struct adam), 0},
         .n_state = 2, .state_names = adam_state, .update = adam_update, .check = adam_check},
        {.type = {"AdamW", "torch.optim.AdamW", "Adam with decoupled weight decay (Loshchilov & Hutter 2019)",
                  adamw_table, sizeof(struct adam), 0},
         .n_state = 2, .state_names = adam_state, .update = adamw_update, .check = adam_check},
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        failed |= TD__REGISTER_HOST(TD_KIND_OPTIMIZER, &types[i]);
    return failed;
}
