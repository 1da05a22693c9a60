/* Optimizer steps; see host/ops/optim.c for the formulas. */
#include <math.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/ops/schedule.h"

struct sgd {
    float *param, *buffer; /* buffer NULL: no momentum */
    const float *grad;
    float lr, momentum, take, weight_decay; /* take = 1 - dampening */
    int first, nesterov;
};

static void sgd_range(void *arg, int64_t begin, int64_t end)
{
    const struct sgd *s = arg;
    float *restrict param = s->param, *restrict buffer = s->buffer;
    const float *restrict grad = s->grad;
    float lr = s->lr, momentum = s->first ? 0 : s->momentum, take = s->first ? 1 : s->take, decay = s->weight_decay;
    if (!buffer)
        for (int64_t i = begin; i < end; i++)
            param[i] -= lr * (grad[i] + decay * param[i]);
    else if (s->nesterov)
        for (int64_t i = begin; i < end; i++) {
            float d = grad[i] + decay * param[i], b = momentum * buffer[i] + take * d;
            buffer[i] = b;
            param[i] -= lr * (d + s->momentum * b);
        }
    else
        for (int64_t i = begin; i < end; i++) {
            float b = momentum * buffer[i] + take * (grad[i] + decay * param[i]);
            buffer[i] = b;
            param[i] -= lr * b;
        }
}

static int32_t sgd_step_f32(KERNEL_ARGUMENTS)
{
    const td_sgd_attrs with = td__sgd_attrs(attrs, in[3].data), *a = &with;
    struct sgd s = {in[0].data,
                    in[2].data,
                    in[1].data,
                    (float)a->lr,
                    (float)a->momentum,
                    (float)(1 - a->dampening),
                    (float)a->weight_decay,
                    a->first,
                    a->nesterov};
    (void)r;
    (void)out;
    td__parallel_range(td_desc_numel(&in[0].d), GRAIN, LANES, sgd_range, &s);
    return TD_OK;
}

struct adam {
    float *param, *mean, *square;
    const float *grad;
    float beta1, beta2, take1, take2, eps, step_size, correction, decay, keep; /* keep: what AdamW leaves of param */
};

static void adam_range(void *arg, int64_t begin, int64_t end)
{
    const struct adam *a = arg;
    float *restrict param = a->param, *restrict mean = a->mean, *restrict square = a->square;
    const float *restrict grad = a->grad;
    const float beta1 = a->beta1, beta2 = a->beta2, take1 = a->take1, take2 = a->take2, eps = a->eps;
    const float step_size = a->step_size, correction = a->correction, decay = a->decay, keep = a->keep;
    for (int64_t i = begin; i < end; i++) {
        float g = grad[i] + decay * param[i], m = beta1 * mean[i] + take1 * g, v = beta2 * square[i] + take2 * g * g;
        mean[i] = m;
        square[i] = v;
        param[i] = keep * param[i] - step_size * m / (sqrtf(v) / correction + eps);
    }
}

static int32_t adam_step_f32(KERNEL_ARGUMENTS)
{
    const td_adam_attrs with = td__adam_attrs(attrs, in[4].data), *a = &with;
    double step = (double)a->step;
    struct adam s = {.param = in[0].data,
                     .grad = in[1].data,
                     .mean = in[2].data,
                     .square = in[3].data,
                     .beta1 = (float)a->beta1,
                     .beta2 = (float)a->beta2,
                     .take1 = (float)(1 - a->beta1),
                     .take2 = (float)(1 - a->beta2),
                     .eps = (float)a->eps,
                     .step_size = (float)(a->lr / (1 - pow(a->beta1, step))),
                     .correction = (float)sqrt(1 - pow(a->beta2, step)),
                     .decay = a->decoupled ? 0 : (float)a->weight_decay,
                     .keep = a->decoupled ? (float)(1 - a->lr * a->weight_decay) : 1};
    (void)r;
    (void)out;
    td__parallel_range(td_desc_numel(&in[0].d), GRAIN, LANES, adam_range, &s);
    return TD_OK;
}

FLOAT32_KERNEL(sgd_step)
FLOAT32_KERNEL(adam_step)

const td__kernel_row td__cpu_optim[] = {ROW(sgd_step), ROW(adam_step), {NULL, NULL}};
