/* Optimizer steps (see host/ops/optim.c for the formulas). */
#include <math.h>

#include "host/backend/reference/real.h"
#include "host/ops/schedule.h"

TD__KERNEL(sgd_step)
{
    const td_sgd_attrs with = td__sgd_attrs(attrs, in[3].data), *a = &with;
    td_view param = in[0], buffer = in[2];
    for (int64_t i = 0, n = td_desc_numel(&param.d); i < n; i++) {
        double p = td__get(&param, t, i), d = td__get(&in[1], t, i) + a->weight_decay * p;
        if (buffer.data) {
            double b = a->first ? d : a->momentum * td__get(&buffer, t, i) + (1 - a->dampening) * d;
            td__put(&buffer, t, i, b);
            d = a->nesterov ? d + a->momentum * b : b;
        }
        td__put(&param, t, i, p - a->lr * d);
    }
    return TD_OK;
}

TD__KERNEL(adam_step)
{
    const td_adam_attrs with = td__adam_attrs(attrs, in[4].data), *a = &with;
    td_view param = in[0], mean = in[2], square = in[3];
    double step_size = a->lr / (1 - pow(a->beta1, (double)a->step)),
           correction = sqrt(1 - pow(a->beta2, (double)a->step));
    for (int64_t i = 0, n = td_desc_numel(&param.d); i < n; i++) {
        double p = td__get(&param, t, i), g = td__get(&in[1], t, i);
        if (a->decoupled)
            p *= 1 - a->lr * a->weight_decay;
        else
            g += a->weight_decay * p;
        double m = a->beta1 * td__get(&mean, t, i) + (1 - a->beta1) * g;
        double v = a->beta2 * td__get(&square, t, i) + (1 - a->beta2) * g * g;
        td__put(&mean, t, i, m);
        td__put(&square, t, i, v);
        td__put(&param, t, i, p - step_size * m / (sqrt(v) / correction + a->eps));
    }
    return TD_OK;
}

TD__KERNEL(add_square_sum)
{
    double *total = in[1].data, sum = 0;
    for (int64_t i = 0, n = td_desc_numel(&in->d); i < n; i++) {
        double x = td__get(in, t, i);
        sum += x * x;
    }
    *total += sum;
    return TD_OK;
}

TD__KERNEL(clip_by_norm)
{
    td_view x = in[0];
    const double factor = td__clip_factor(((const td_scalar_attrs *)attrs)->a, *(const double *)in[1].data);
    for (int64_t i = 0, n = td_desc_numel(&x.d); i < n; i++)
        td__put(&x, t, i, td__get(&x, t, i) * factor);
    return TD_OK;
}

const td__kernel_row td__reference_optim[] = {{"sgd_step", sgd_step},
                                              {"adam_step", adam_step},
                                              {"add_square_sum", add_square_sum},
                                              {"clip_by_norm", clip_by_norm},
                                              {NULL, NULL}};
