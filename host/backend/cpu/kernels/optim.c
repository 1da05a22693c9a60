/* Optimizer steps and clipping, of one parameter or of many; see host/ops/optim.c for the formulas. */
#include <math.h>

#include "host/backend/cpu/kernels/common.h"
#include "host/backend/cpu/kernels/kernels.h"
#include "host/backend/cpu/kernels/sums.h"
#include "host/ops/schedule.h"

/* ---- many calls as one loop over the elements of all of them ---- */

struct step {
    const char *op;
    size_t attrs_size, state_size;
    void (*prepare)(void *state, const td_view *in, const void *attrs);
    void (*range)(const void *state, int64_t begin, int64_t end);
};

struct loop {
    const struct step *step;
    const td_many *calls;
    const td_view *in;
    char *states;
};

/* [begin, end) of the elements of all calls, as if they followed each other. */
static void loop_range(void *arg, int64_t begin, int64_t end)
{
    const struct loop *l = arg;
    for (uint32_t i = 0; i < l->calls->n && end > 0; i++) {
        int64_t n = td_desc_numel(&l->in[i * l->calls->max_in].d);
        if (begin < n)
            l->step->range(l->states + i * l->step->state_size, max(begin, 0), min(end, n));
        begin -= n;
        end -= n;
    }
}

static int32_t run_steps(td_run *r, const struct step *step, const td_view *in, td_view *out, const td_many *calls)
{
    struct loop l = {step, calls, in, td_host->run_scratch(r, calls->n * step->state_size)};
    int64_t elements = 0;
    if (!l.states)
        return TD_ERROR;
    for (uint32_t i = 0; i < calls->n; i++) {
        const td_view *its = in + i * calls->max_in;
        const void *attrs = (const char *)calls->attrs + i * step->attrs_size;
        if (in->d.dtype == TD_FLOAT32)
            step->prepare(l.states + i * step->state_size, its, attrs);
        else if (td__cpu_reference(step->op, r, its, out, attrs))
            return TD_ERROR;
        elements += td_desc_numel(&its->d);
    }
    if (in->d.dtype == TD_FLOAT32)
        td__parallel_range(elements, GRAIN, LANES, loop_range, &l);
    return TD_OK;
}

/* Defines op_kernel and op_many_kernel by op_step. */
#define STEPS(op, inputs)                                                        \
    static int32_t op##_kernel(KERNEL_ARGUMENTS)                                 \
    {                                                                            \
        const td_many one = {1, inputs, attrs};                                  \
        return run_steps(r, &op, in, out, &one);                                 \
    }                                                                            \
    static int32_t op##_many_kernel(KERNEL_ARGUMENTS)                            \
    {                                                                            \
        return run_steps(r, &op, in, out, attrs);                                \
    }

/* ---- SGD ---- */

struct sgd {
    float *param, *buffer; /* buffer NULL: no momentum */
    const float *grad;
    float lr, momentum, take, weight_decay; /* take = 1 - dampening */
    int first, nesterov;
};

static void sgd_prepare(void *state, const td_view *in, const void *attrs)
{
    const td_sgd_attrs a = td__sgd_attrs(attrs, in[3].data);
    *(struct sgd *)state = (struct sgd){in[0].data,
                                        in[2].data,
                                        in[1].data,
                                        (float)a.lr,
                                        (float)a.momentum,
                                        (float)(1 - a.dampening),
                                        (float)a.weight_decay,
                                        a.first,
                                        a.nesterov};
}

static void sgd_range(const void *state, int64_t begin, int64_t end)
{
    const struct sgd *s = state;
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

static const struct step sgd_step = {"sgd_step", sizeof(td_sgd_attrs), sizeof(struct sgd), sgd_prepare, sgd_range};
STEPS(sgd_step, 4)

/* ---- Adam ---- */

struct adam {
    float *param, *mean, *square;
    const float *grad;
    float beta1, beta2, take1, take2, eps, step_size, correction, decay, keep; /* keep: what AdamW leaves of param */
};

static void adam_prepare(void *state, const td_view *in, const void *attrs)
{
    const td_adam_attrs a = td__adam_attrs(attrs, in[4].data);
    double step = (double)a.step;
    *(struct adam *)state = (struct adam){.param = in[0].data,
                                          .grad = in[1].data,
                                          .mean = in[2].data,
                                          .square = in[3].data,
                                          .beta1 = (float)a.beta1,
                                          .beta2 = (float)a.beta2,
                                          .take1 = (float)(1 - a.beta1),
                                          .take2 = (float)(1 - a.beta2),
                                          .eps = (float)a.eps,
                                          .step_size = (float)(a.lr / (1 - pow(a.beta1, step))),
                                          .correction = (float)sqrt(1 - pow(a.beta2, step)),
                                          .decay = a.decoupled ? 0 : (float)a.weight_decay,
                                          .keep = a.decoupled ? (float)(1 - a.lr * a.weight_decay) : 1};
}

static void adam_range(const void *state, int64_t begin, int64_t end)
{
    const struct adam *a = state;
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

static const struct step adam_step = {"adam_step", sizeof(td_adam_attrs), sizeof(struct adam), adam_prepare,
                                      adam_range};
STEPS(adam_step, 5)

/* ---- clipping ---- */

struct clip {
    float *x, factor;
};

static void clip_prepare(void *state, const td_view *in, const void *attrs)
{
    const double factor = td__clip_factor(((const td_scalar_attrs *)attrs)->a, *(const double *)in[1].data);
    *(struct clip *)state = (struct clip){in[0].data, (float)factor};
}

static void clip_range(const void *state, int64_t begin, int64_t end)
{
    const struct clip *s = state;
    float *x = s->x, factor = s->factor;
    if (factor == 1)
        return;
    for (int64_t i = begin; i < end; i++)
        x[i] *= factor;
}

static const struct step clip_by_norm = {"clip_by_norm", sizeof(td_scalar_attrs), sizeof(struct clip), clip_prepare,
                                         clip_range};
STEPS(clip_by_norm, 2)

struct squares {
    const float *x;
    double *sums; /* of pieces of SUM_CHUNK elements */
    int64_t n;
};

static void square_sum(void *arg, int64_t piece)
{
    const struct squares *s = arg;
    const float *x = s->x + piece * SUM_CHUNK;
    double lanes[LANES] = {0}, sum = 0;
    int64_t i = 0, n = min(SUM_CHUNK, s->n - piece * SUM_CHUNK);
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lanes[l] += (double)x[i + l] * (double)x[i + l];
    for (; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    for (int l = 0; l < LANES; l++)
        sum += lanes[l];
    s->sums[piece] = sum;
}

static int32_t add_square_sum_f32(KERNEL_ARGUMENTS)
{
    struct squares s = {in[0].data, NULL, td_desc_numel(&in->d)};
    const int64_t pieces = ceil_div(s.n, SUM_CHUNK);
    double *total = in[1].data;
    (void)out;
    (void)attrs;
    s.sums = td_host->run_scratch(r, (size_t)pieces * sizeof *s.sums);
    if (!s.sums)
        return TD_ERROR;
    in_parallel(pieces, 8 * (double)s.n, square_sum, &s);
    for (int64_t i = 0; i < pieces; i++)
        *total += s.sums[i];
    return TD_OK;
}
FLOAT32_KERNEL(add_square_sum)

const td__kernel_row td__cpu_optim[] = {
    ROW(sgd_step),       {"sgd_step.many", sgd_step_many_kernel},
    ROW(adam_step),      {"adam_step.many", adam_step_many_kernel},
    ROW(clip_by_norm),   {"clip_by_norm.many", clip_by_norm_many_kernel},
    ROW(add_square_sum), {NULL, NULL},
};
