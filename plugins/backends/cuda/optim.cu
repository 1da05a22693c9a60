/* Optimizer steps (see host/ops/optim.c for the formulas). */
#include "plugins/backends/cuda/device.cuh"

CUDA_KERNEL(sgd_step)
{
    const td_sgd_attrs *a = (const td_sgd_attrs *)attrs;
    const T lr = (T)a->lr, momentum = (T)a->momentum, fresh = (T)(1 - a->dampening), decay = (T)a->weight_decay;
    const bool nesterov = a->nesterov != 0, first = a->first != 0;
    T *param = data_of<T>(in[0]), *buffer = data_of<T>(in[2]);
    const T *grad = data_of<T>(in[1]);
    return each(r, td_desc_numel(&in->d), [=] __device__(int64_t i) {
        const T p = param[i];
        T d = grad[i] + decay * p;
        if (buffer) {
            const T b = first ? d : momentum * buffer[i] + fresh * d;
            buffer[i] = b;
            d = nesterov ? d + momentum * b : b;
        }
        param[i] = p - lr * d;
    });
}

CUDA_KERNEL(adam_step)
{
    const td_adam_attrs *a = (const td_adam_attrs *)attrs;
    const T step_size = (T)(a->lr / (1 - pow(a->beta1, (double)a->step)));
    const T correction = (T)sqrt(1 - pow(a->beta2, (double)a->step)), eps = (T)a->eps;
    const T beta1 = (T)a->beta1, fresh1 = (T)(1 - a->beta1), beta2 = (T)a->beta2, fresh2 = (T)(1 - a->beta2);
    const T kept = (T)(a->decoupled ? 1 - a->lr * a->weight_decay : 1), decay = (T)(a->decoupled ? 0 : a->weight_decay);
    T *param = data_of<T>(in[0]), *mean = data_of<T>(in[2]), *square = data_of<T>(in[3]);
    const T *grad = data_of<T>(in[1]);
    return each(r, td_desc_numel(&in->d), [=] __device__(int64_t i) {
        const T p = param[i] * kept, g = grad[i] + decay * param[i];
        const T m = beta1 * mean[i] + fresh1 * g, v = beta2 * square[i] + fresh2 * g * g;
        mean[i] = m;
        square[i] = v;
        param[i] = p - step_size * m / (sqrt(v) / correction + eps);
    });
}

const cuda_row cuda_optim[] = {{"sgd_step", sgd_step}, {"adam_step", adam_step}, {NULL, NULL}};
