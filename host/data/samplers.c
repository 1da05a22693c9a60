/* torch.utils.data's samplers; the order is a function of seed and epoch. */
#include <td/td.h>

#include "host/base/rng.h"
#include "host/data/builtins.h"
#include "host/plugin/registry.h"

struct random_params {
    int32_t replacement;
    int64_t num_samples;
};

static const td_param random_table[] = {
    TD_PARAM_BOOL(struct random_params, replacement, "false", "whether a sample may come more than once"),
    TD_PARAM_INT(struct random_params, num_samples, "null", "samples an epoch; null: as many as there are",
                 .flags = TD_NULLABLE, .min = 1, .max = 1e18),
    TD_PARAM_UNUSED("data_source", "the loader's own data set is meant"),
    TD_PARAM_UNUSED("generator", "the experiment's seed is used"),
    TD_PARAM_END};

static int64_t random_order(td_ctx *c, const void *params, int64_t n, uint64_t seed, int64_t epoch, int64_t *order)
{
    const struct random_params *p = params;
    int64_t count = p->num_samples == TD_NONE_INT ? n : p->num_samples;
    if (count > n) {
        td_fail(c, "RandomSampler cannot draw num_samples = %lld from a data set of %lld", (long long)count,
                (long long)n);
        return -1;
    }
    if (!p->replacement)
        td__permutation(seed, (uint64_t)epoch, TD__USE_ORDER, n, order);
    for (int64_t i = 0; p->replacement && i < count; i++)
        order[i] = (int64_t)(td__uniform(seed, (uint64_t)epoch, (uint64_t)i, TD__USE_ORDER) * (double)n);
    return count;
}

static const td_sampler_type random_sampler = {
    {.key = "RandomSampler",
     .aliases = "torch.utils.data.RandomSampler torch.utils.data.sampler.RandomSampler",
     .summary = "a new random order every epoch",
     .params = random_table,
     .params_size = sizeof(struct random_params)},
    random_order};

static const td_param sequential_table[] = {TD_PARAM_UNUSED("data_source", "the loader's own data set is meant"),
                                            TD_PARAM_END};

static int64_t sequential_order(td_ctx *c, const void *params, int64_t n, uint64_t seed, int64_t epoch, int64_t *order)
{
    (void)c, (void)params, (void)seed, (void)epoch;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    return n;
}

static const td_sampler_type sequential_sampler = {
    {.key = "SequentialSampler",
     .aliases = "torch.utils.data.SequentialSampler torch.utils.data.sampler.SequentialSampler",
     .summary = "in the order of the data set",
     .params = sequential_table},
    sequential_order};

int td__register_samplers(void)
{
    int failed = TD__REGISTER_HOST(TD_KIND_SAMPLER, &random_sampler);
    return failed ? failed : TD__REGISTER_HOST(TD_KIND_SAMPLER, &sequential_sampler);
}
