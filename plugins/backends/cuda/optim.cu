/* Optimizer steps (see host/ops/optim.c for the formulas). */
#include "plugins/backends/cuda/device.cuh"

CUDA_KERNEL(sgd_step)
{
    const td_sgd_attrs *a = (const td_sgd_attrs *)attrs;
    const T lr = (T)a->lr, momentum = (T)a->momentum, fresh = (T)(1 - a->dampening), decay = (T)a->weight_decay;
    const bool nesterov = a->nesterov != 0, first = a->first != 0;
    T *param = data_of<T>(in[0]), *buffer = data_of<T>(in[2]);
    const T *grad = data_of<T>(in[1]);
    const double *schedule = data_of<double>(in[3]); /* learning rate and step, or NULL */
    return each(r, td_desc_numel(&in->d), [=] __device__(int64_t i) {
        const T p = param[i], rate = schedule ? (T)schedule[0] : lr;
        T d = grad[i] + decay * p;
        if (buffer) {
            const T b = (schedule ? schedule[1] == 1 : first) ? d : momentum * buffer[i] + fresh * d;
            buffer[i] = b;
            d = nesterov ? d + momentum * b : b;
        }
        param[i] = p - rate * d;
    });
}

/* What depends on learning rate and step, computed once. */
struct adam_rates {
    double step_size, correction, kept;
};

static int32_t rates_of(td_run *r, const td_adam_attrs &a, const double *schedule, adam_rates *rates)
{
    return each(r, 1, [=] __device__(int64_t) {
        const double lr = schedule ? schedule[0] : a.lr, step = schedule ? schedule[1] : (double)a.step;
        *rates = {lr / (1 - pow(a.beta1, step)), sqrt(1 - pow(a.beta2, step)),
                  a.decoupled ? 1 - lr * a.weight_decay : 1};
    });
}

CUDA_KERNEL(adam_step)
{
    const td_adam_attrs *a = (const td_adam_attrs *)attrs;
    const T eps = (T)a->eps, decay = (T)(a->decoupled ? 0 : a->weight_decay);
    const T beta1 = (T)a->beta1, fresh1 = (T)(1 - a->beta1), beta2 = (T)a->beta2, fresh2 = (T)(1 - a->beta2);
    T *param = data_of<T>(in[0]), *mean = data_of<T>(in[2]), *square = data_of<T>(in[3]);
    const T *grad = data_of<T>(in[1]);
    adam_rates *rates = (adam_rates *)td_host->run_scratch(r, sizeof *rates);
    if (!rates || rates_of(r, *a, data_of<double>(in[4]), rates))
        return TD_ERROR;
    return each(r, td_desc_numel(&in->d), [=] __device__(int64_t i) {
        const T p = param[i] * (T)rates->kept, g = grad[i] + decay * param[i];
        const T m = beta1 * mean[i] + fresh1 * g, v = beta2 * square[i] + fresh2 * g * g;
        mean[i] = m;
        square[i] = v;
        param[i] = p - (T)rates->step_size * m / (sqrt(v) / (T)rates->correction + eps);
    });
}

const cuda_row cuda_optim[] = {{"sgd_step", sgd_step}, {"adam_step", adam_step}, {NULL, NULL}};
