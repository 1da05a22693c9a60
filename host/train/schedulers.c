/* Learning-rate schedules with torch.optim.lr_scheduler's names and defaults, in closed form: the rate after `steps`
 * steps.  Beside PyTorch's: torchdistill's poly_lr_scheduler and transformers' linear schedule with warm-up. */
#include <math.h>

#include "host/plugin/registry.h"
#include "host/train/optim.h"

#define IGNORED \
    TD_PARAM_UNUSED("last_epoch", "resuming needs no help here"), TD_PARAM_UNUSED("verbose", "deprecated in PyTorch")
#define STEPS(s, member, def, doc_, least) TD_PARAM_INT(s, member, def, doc_, .min = (least), .max = 1e15)
#define FACTOR(s, member, def, doc_) TD_PARAM_FLOAT(s, member, def, doc_, .max = 1e300)

/* ---- MultiStepLR ---- */

struct multi_step { td_ints milestones; double gamma; };
static const td_param multi_step_table[] = {
    TD_PARAM_INTS(struct multi_step, milestones, NULL, "after how many steps the rate drops"),
    FACTOR(struct multi_step, gamma, "0.1", "what it is multiplied by"), IGNORED, TD_PARAM_END};

static double multi_step_lr(const void *params, double base_lr, int64_t steps)
{
    const struct multi_step *p = params;
    double lr = base_lr;
    for (int64_t i = 0; i < p->milestones.n; i++)
        if (p->milestones.v[i] <= steps)
            lr *= p->gamma;
    return lr;
}

/* ---- StepLR ---- */

struct step { int64_t step_size; double gamma; };
static const td_param step_table[] = {
    STEPS(struct step, step_size, NULL, "steps between drops of the rate", 1),
    FACTOR(struct step, gamma, "0.1", "what it is multiplied by"), IGNORED, TD_PARAM_END};

static double step_lr(const void *params, double base_lr, int64_t steps)
{
    const struct step *p = params;
    return base_lr * pow(p->gamma, (double)(steps / p->step_size));
}

/* ---- ExponentialLR ---- */

struct exponential { double gamma; };
static const td_param exponential_table[] = {
    FACTOR(struct exponential, gamma, NULL, "what the rate is multiplied by at each step"), IGNORED, TD_PARAM_END};

static double exponential_lr(const void *params, double base_lr, int64_t steps)
{
    return base_lr * pow(((const struct exponential *)params)->gamma, (double)steps);
}

/* ---- ConstantLR, LinearLR ---- */

struct linear { double start_factor, end_factor; int64_t total_iters; };
static const td_param linear_table[] = {
    FACTOR(struct linear, start_factor, "0.3333333333333333", "factor of the rate at first"),
    FACTOR(struct linear, end_factor, "1.0", "factor at the end"),
    STEPS(struct linear, total_iters, "5", "steps from the one to the other", 1), IGNORED, TD_PARAM_END};

static double linear_lr(const void *params, double base_lr, int64_t steps)
{
    const struct linear *p = params;
    double done = steps < p->total_iters ? (double)steps / (double)p->total_iters : 1;
    return base_lr * (p->start_factor + (p->end_factor - p->start_factor) * done);
}

struct constant { double factor; int64_t total_iters; };
static const td_param constant_table[] = {
    FACTOR(struct constant, factor, "0.3333333333333333", "factor of the rate at first"),
    STEPS(struct constant, total_iters, "5", "steps until the rate is the optimizer's", 0), IGNORED, TD_PARAM_END};

static double constant_lr(const void *params, double base_lr, int64_t steps)
{
    const struct constant *p = params;
    return steps < p->total_iters ? base_lr * p->factor : base_lr;
}

/* ---- CosineAnnealingLR ---- */

struct cosine { int64_t T_max; double eta_min; };
static const td_param cosine_table[] = {
    STEPS(struct cosine, T_max, NULL, "steps from the highest rate to the lowest", 1),
    FACTOR(struct cosine, eta_min, "0", "the lowest rate"), IGNORED, TD_PARAM_END};

/* Loshchilov & Hutter 2017, equation 5, without restarts: beyond T_max the rate rises again. */
static double cosine_lr(const void *params, double base_lr, int64_t steps)
{
    const struct cosine *p = params;
    return p->eta_min + (base_lr - p->eta_min) * (1 + cos(M_PI * (double)steps / (double)p->T_max)) / 2;
}

/* ---- poly_lr_scheduler ---- */

struct poly { int64_t num_iterations, num_epochs; double power; };
static const td_param poly_table[] = {
    STEPS(struct poly, num_iterations, NULL, "iterations of an epoch", 1),
    STEPS(struct poly, num_epochs, NULL, "epochs", 1),
    FACTOR(struct poly, power, "0.9", "exponent of what is left"), IGNORED, TD_PARAM_END};

static double poly_lr(const void *params, double base_lr, int64_t steps)
{
    const struct poly *p = params;
    double left = 1 - (double)steps / ((double)p->num_iterations * (double)p->num_epochs);
    return base_lr * pow(left > 0 ? left : 0, p->power);
}

/* ---- get_linear_schedule_with_warmup ---- */

struct warmup { int64_t num_warmup_steps, num_training_steps; };
static const td_param warmup_table[] = {
    STEPS(struct warmup, num_warmup_steps, NULL, "steps of the rise from 0 to the optimizer's rate", 0),
    STEPS(struct warmup, num_training_steps, NULL, "steps until the rate is 0 again", 0), IGNORED, TD_PARAM_END};

static double warmup_lr(const void *params, double base_lr, int64_t steps)
{
    const struct warmup *p = params;
    if (steps < p->num_warmup_steps)
        return base_lr * (double)steps / (double)p->num_warmup_steps;
    int64_t left = p->num_training_steps - steps, span = p->num_training_steps - p->num_warmup_steps;
    return left > 0 ? base_lr * (double)left / (double)span : 0;
}

#define SCHEDULER(key, aliases, summary, name) \
    {{key, aliases, summary, name##_table, sizeof(struct name), 0}, name##_lr}

int td__register_schedulers(void)
{
    static const td_scheduler_type types[] = {
        SCHEDULER("MultiStepLR", "torch.optim.lr_scheduler.MultiStepLR", "Drops at given steps", multi_step),
        SCHEDULER("StepLR", "torch.optim.lr_scheduler.StepLR", "Drops every so many steps", step),
        SCHEDULER("ExponentialLR", "torch.optim.lr_scheduler.ExponentialLR", "Drops at each step", exponential),
        SCHEDULER("ConstantLR", "torch.optim.lr_scheduler.ConstantLR", "Scaled for the first steps", constant),
        SCHEDULER("LinearLR", "torch.optim.lr_scheduler.LinearLR", "From one factor to another, linearly", linear),
        SCHEDULER("CosineAnnealingLR", "torch.optim.lr_scheduler.CosineAnnealingLR", "Half a cosine down", cosine),
        SCHEDULER("poly_lr_scheduler", NULL, "A power of the share of training that is left", poly),
        SCHEDULER("get_linear_schedule_with_warmup", "transformers.get_linear_schedule_with_warmup",
                  "Linear rise, then linear fall to 0", warmup),
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        failed |= TD__REGISTER_HOST(TD_KIND_SCHEDULER, &types[i]);
    return failed;
}
