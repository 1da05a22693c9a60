#include <math.h>

#include "host/nn/module.h"
#include "host/tensor/fill.h"

/* Reduces what td_init offers to constant, uniform and normal (torch.nn.init: std = gain / sqrt(fan)). */
static int resolve(td_ctx *c, const td_desc *d, td_init *init)
{
    int64_t field = 1, fan_in, fan_out;
    for (uint32_t i = 2; i < d->ndim; i++)
        field *= d->shape[i];
    fan_in = d->ndim > 1 ? d->shape[1] * field : 0;
    fan_out = d->ndim > 1 ? d->shape[0] * field : 0;
    if ((init->how == TD_INIT_KAIMING_UNIFORM || init->how == TD_INIT_KAIMING_NORMAL) && fan_in < 1) {
        td__fail(c, "a Kaiming initialisation needs two dimensions or more");
        return -1;
    }
    switch (init->how) {
    case TD_INIT_ZEROS:
        *init = (td_init){TD_INIT_CONSTANT, 0, 0, 0};
        return 0;
    case TD_INIT_ONES:
        *init = (td_init){TD_INIT_CONSTANT, 0, 1, 0};
        return 0;
    case TD_INIT_CONSTANT:
    case TD_INIT_UNIFORM:
    case TD_INIT_NORMAL:
        return 0;
    case TD_INIT_KAIMING_UNIFORM: {
        double bound = sqrt(3) * sqrt(2 / (1 + init->a * init->a)) / sqrt((double)fan_in);
        *init = (td_init){TD_INIT_UNIFORM, 0, -bound, bound};
        return 0;
    }
    case TD_INIT_KAIMING_NORMAL:
        *init = (td_init){TD_INIT_NORMAL, 0, 0, sqrt(2) / sqrt((double)(init->a != 0 ? fan_out : fan_in))};
        return 0;
    case TD_INIT_FAN_IN_UNIFORM: {
        double bound = init->b > 0 ? 1 / sqrt(init->b) : 0;
        *init = (td_init){TD_INIT_UNIFORM, 0, -bound, bound};
        return 0;
    }
    default:
        td__fail(c, "no initialisation has the number %u", init->how);
        return -1;
    }
}

void td__init_fill(td_ctx *c, td_tensor *t, td_init init)
{
    if (c->error || resolve(c, &t->d, &init))
        return;
    if (c->blank && init.how != TD_INIT_CONSTANT)
        init = (td_init){TD_INIT_CONSTANT, 0, 0, 0};
    int how = init.how == TD_INIT_CONSTANT  ? TD__FILL_CONSTANT
              : init.how == TD_INIT_UNIFORM ? TD__FILL_UNIFORM
                                            : TD__FILL_NORMAL;
    td__tensor_fill(c, t, &(td__fill){how, init.a, init.b, c->seed, c->draws++});
}
