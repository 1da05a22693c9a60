#include <math.h>
#include <stdlib.h>

#include "host/base/pool.h"
#include "host/base/rng.h"
#include "host/nn/module.h"

/* Pieces of the pool; small enough to share, large enough to be worth it. */
#define GRAIN 16384

struct fill {
    td_init init;
    uint64_t seed, draw;
    uint32_t dtype;
    void *out;
};

static double element(const struct fill *f, int64_t i)
{
    switch (f->init.how) {
    case TD_INIT_CONSTANT:
        return f->init.a;
    case TD_INIT_UNIFORM:
        return f->init.a + (f->init.b - f->init.a) * td__uniform(f->seed, f->draw, (uint64_t)i, TD__USE_INIT);
    default:
        return f->init.a + f->init.b * td__normal(f->seed, f->draw, (uint64_t)i, TD__USE_INIT);
    }
}

static void fill_range(void *arg, int64_t begin, int64_t end)
{
    struct fill *f = arg;
    for (int64_t i = begin; i < end; i++)
        if (f->dtype == TD_FLOAT64)
            ((double *)f->out)[i] = element(f, i);
        else
            ((float *)f->out)[i] = (float)element(f, i);
}

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
    int64_t n = td_numel(t);
    struct fill f = {init, c->seed, c->draws++, t->d.dtype == TD_FLOAT64 ? TD_FLOAT64 : TD_FLOAT32, NULL};
    f.out = malloc((size_t)n * td__dtype_size(f.dtype) + 1);
    if (!f.out) {
        td__fail(c, "out of memory for %lld initial values", (long long)n);
        return;
    }
    td__parallel_range(n, GRAIN, 1, fill_range, &f);
    td__tensor_write(c, t, f.dtype, f.out);
    free(f.out);
}
