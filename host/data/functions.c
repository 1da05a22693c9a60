#include "host/data/functions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/rng.h"
#include "host/data/builtins.h"
#include "host/plugin/registry.h"
#include "host/tensor/tensor.h"

/* What functions run in: they take parameters only.  Main thread. */
static struct {
    td_ctx *c;
    td__config *cfg;
    uint64_t seed;
} running;

static struct {
    td_dataset **v;
    size_t n, capacity;
} kept;

static void drop_kept(void)
{
    while (kept.n)
        td__dataset_release(kept.v[--kept.n]);
    free(kept.v);
    memset(&kept, 0, sizeof kept);
}

int32_t td__function_call(td_ctx *c, td__config *cfg, uint64_t seed, const td__object *function, td_result *result)
{
    const td_function_type *type = (const td_function_type *)(const void *)function->type;
    __typeof__(running) outer = running; /* a function's data set may be another one's result */
    running.c = c;
    running.cfg = cfg;
    running.seed = seed;
    memset(result, 0, sizeof *result);
    if (!c->error && type->call(c, function->params, result))
        td__fail(c, "%s failed, and does not say why", type->type.key);
    running = outer;
    return c->error ? -1 : 0;
}

static int32_t call_from_config(td__config *cfg, td__object *function, td_result *result)
{
    td_ctx *c = running.c;
    if (!td__function_call(c, cfg, running.seed, function, result)) {
        for (int64_t i = 0; result->kind == TD_P_LIST && i < result->n; i++)
            td__dataset_release(result->datasets[i]); /* no parameter takes data sets by value */
        return 0;
    }
    td__diag_error(&cfg->diag, function->node->at, "%s", c->error);
    td__ctx_clear(c);
    return -1;
}

void td__functions_use(td_ctx *c, uint64_t seed)
{
    drop_kept();
    running.c = c;
    running.seed = seed;
    td__call_function = c ? call_from_config : NULL;
}

static td_dataset *open_param(const void *object)
{
    return td__dataset_open(running.c, running.cfg, ((const td__object *)object)->node, running.seed);
}

/* Length of a data set that stays open: most likely it is trained on next.  < 0: c has failed. */
static int64_t length_of(const void *object)
{
    td_dataset *d = open_param(object);
    if (!d)
        return -1;
    int64_t n = td__dataset_length(d);
    if (td__grow(&kept.v, &kept.capacity, kept.n + 1, sizeof(td_dataset *)))
        td__dataset_release(d);
    else
        kept.v[kept.n++] = d;
    return n;
}

/* ---- split_dataset ---- */

struct part_params {
    void *transform, *target_transform, *transforms;
};

static const td_param part_table[] = {
    TD_PARAM_OBJECT(struct part_params, transform, "transform", "null", "of this part; null: the data set's own",
                    .flags = TD_NULLABLE),
    TD_PARAM_OBJECT(struct part_params, target_transform, "transform", "null", "runs after it", .flags = TD_NULLABLE),
    TD_PARAM_OBJECT(struct part_params, transforms, "transform", "null", "in the place of the other two",
                    .flags = TD_NULLABLE),
    TD_PARAM_END};

struct split_params {
    void *dataset;
    td_floats lengths;
    int64_t generator_seed;
    td_list sub_splits_configs;
    const char *dataset_id;
};

static const td_param split_table[] = {
    TD_PARAM_OBJECT(struct split_params, dataset, "dataset", NULL, "what is split"),
    TD_PARAM_FLOATS(struct split_params, lengths, NULL,
                    "samples of each part, or shares of them when they do not sum up to the length"),
    TD_PARAM_INT(struct split_params, generator_seed, "null", "of the random choice; null: the experiment's",
                 .flags = TD_NULLABLE),
    TD_PARAM_LIST(struct split_params, sub_splits_configs, part_table, sizeof(struct part_params), "null",
                  "transforms of each part", .flags = TD_NULLABLE),
    TD_PARAM_STRING(struct split_params, dataset_id, "null", "name for messages", .flags = TD_NULLABLE),
    TD_PARAM_END};

/* How many samples each part gets (torchdistill: shares are rounded down, the last part takes the rest).  0, or c
 * fails. */
static int32_t part_sizes(td_ctx *c, const struct split_params *p, int64_t n, int64_t *sizes)
{
    double total = 0;
    int64_t rest = n;
    for (int64_t i = 0; i < p->lengths.n; i++) {
        if (!(p->lengths.v[i] >= 0))
            td__fail(c, "'lengths' of split_dataset holds %g", p->lengths.v[i]);
        total += p->lengths.v[i];
    }
    if (!(total > 0) || total > 1e15)
        td__fail(c, "'lengths' of split_dataset sum up to %g", total);
    for (int64_t i = 0; i < p->lengths.n && !c->error; i++) {
        double share = total == (double)n ? p->lengths.v[i] : floor(p->lengths.v[i] / total * (double)n);
        sizes[i] = i == p->lengths.n - 1 ? rest : (int64_t)share;
        rest -= sizes[i];
        if (sizes[i] < 1)
            td__fail(c, "part %lld of split_dataset gets none of the %lld samples", (long long)i, (long long)n);
    }
    return c->error ? TD_ERROR : TD_OK;
}

/* The chain of one part: NULL where it has none of its own.  0, or c fails. */
static int32_t part_transforms(td_ctx *c, const struct part_params *p, td__object ***chain, size_t *n)
{
    const td__object *image = p->transforms ? p->transforms : p->transform, *target = p->target_transform;
    *chain = NULL;
    *n = 0;
    if (!p->transform && !p->target_transform && !p->transforms)
        return TD_OK;
    return td__dataset_chain(c, running.cfg, image ? image->node : NULL, target ? target->node : NULL, chain, n);
}

static int32_t make_parts(td_ctx *c, const struct split_params *p, td_dataset *org, const int64_t *order,
                          const int64_t *sizes, td_dataset **parts)
{
    const struct part_params *own = p->sub_splits_configs.v;
    for (int64_t i = 0; i < p->lengths.n; order += sizes[i++]) {
        td__object **chain = NULL;
        size_t n = 0;
        if (own && part_transforms(c, &own[i], &chain, &n))
            return TD_ERROR;
        parts[i] = td__dataset_subset(c, org, order, sizes[i], chain, n);
        if (!parts[i])
            return TD_ERROR;
    }
    return TD_OK;
}

static int32_t split_call(td_ctx *c, const void *params, td_result *result)
{
    const struct split_params *p = params;
    int64_t n_parts = p->lengths.n, n_own = p->sub_splits_configs.n;
    if (n_own && n_own != n_parts)
        td__fail(c, "'sub_splits_configs' of split_dataset has %lld entries for %lld lengths", (long long)n_own,
                 (long long)n_parts);
    td_dataset *org = c->error ? NULL : open_param(p->dataset);
    if (!org)
        return TD_ERROR;
    int64_t n = td__dataset_length(org), *sizes = td__frame_alloc(c, (size_t)n_parts * sizeof *sizes);
    td_dataset **parts = td__frame_alloc(c, (size_t)n_parts * sizeof(td_dataset *));
    int64_t *order = malloc((size_t)n * sizeof *order);
    if (!order)
        td__fail(c, "out of memory for a split of %lld samples", (long long)n);
    if (!c->error && !part_sizes(c, p, n, sizes)) {
        uint64_t seed = p->generator_seed == TD_NONE_INT ? running.seed : (uint64_t)p->generator_seed;
        td__permutation(seed, 0, TD__USE_SPLIT, n, order);
        make_parts(c, p, org, order, sizes, parts);
    }
    for (int64_t i = 0; parts && c->error && i < n_parts; i++)
        td__dataset_release(parts[i]);
    free(order);
    td__dataset_release(org);
    result->kind = TD_P_LIST;
    result->datasets = parts;
    result->n = n_parts;
    return c->error ? TD_ERROR : TD_OK;
}

static const td_function_type split_dataset = {
    {.key = "split_dataset",
     .aliases = "torchdistill.datasets.util.split_dataset",
     .summary = "random parts of a data set",
     .params = split_table,
     .params_size = sizeof(struct split_params)},
    split_call};

/* ---- numbers of steps ---- */

struct steps_params {
    void *dataset;
    int64_t batch_size, num_epochs, grad_accum_step, world_size;
};

static int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b > 0); }

/* Batches that one of world_size processes gets in an epoch.  0, or c fails. */
static int32_t iterations_call(td_ctx *c, const void *params, td_result *result)
{
    const struct steps_params *p = params;
    int64_t n = length_of(p->dataset);
    (void)c;
    result->kind = TD_P_INT;
    result->i = ceil_div(ceil_div(n, p->batch_size), p->world_size);
    return n < 0 ? TD_ERROR : TD_OK;
}

static const td_param iterations_table[] = {
    TD_PARAM_OBJECT(struct steps_params, dataset, "dataset", NULL, "what is iterated over"),
    TD_PARAM_INT(struct steps_params, batch_size, NULL, "of one process", .min = 1, .max = 1e9),
    TD_PARAM_INT(struct steps_params, world_size, "1", "number of processes", .min = 1, .max = 1e6),
    TD_PARAM_END};

static const td_function_type get_num_iterations = {
    {.key = "get_num_iterations",
     .aliases = "utils.dataset.get_num_iterations",
     .summary = "batches in an epoch",
     .params = iterations_table,
     .params_size = sizeof(struct steps_params)},
    iterations_call};

static int32_t training_steps_call(td_ctx *c, const void *params, td_result *result)
{
    const struct steps_params *p = params;
    int32_t status = iterations_call(c, params, result);
    result->i = ceil_div(result->i, p->grad_accum_step) * p->num_epochs;
    return status;
}

static const td_param training_steps_table[] = {
    TD_PARAM_OBJECT(struct steps_params, dataset, "dataset", NULL, "what is trained on"),
    TD_PARAM_INT(struct steps_params, batch_size, NULL, "of one process", .min = 1, .max = 1e9),
    TD_PARAM_INT(struct steps_params, num_epochs, NULL, "epochs in all", .min = 0, .max = 1e9),
    TD_PARAM_INT(struct steps_params, grad_accum_step, "1", "batches a step of the optimizer", .min = 1, .max = 1e9),
    TD_PARAM_INT(struct steps_params, world_size, "1", "number of processes", .min = 1, .max = 1e6),
    TD_PARAM_END};

static const td_function_type compute_num_training_steps = {
    {.key = "compute_num_training_steps",
     .aliases = "custom.optim.compute_num_training_steps",
     .summary = "steps of the optimizer in all epochs",
     .params = training_steps_table,
     .params_size = sizeof(struct steps_params)},
    training_steps_call};

int td__register_functions(void)
{
    static const td_function_type *const functions[] = {&split_dataset, &get_num_iterations,
                                                        &compute_num_training_steps};
    int failed = 0;
    for (size_t i = 0; !failed && i < sizeof functions / sizeof *functions; i++)
        failed = TD__REGISTER_HOST(TD_KIND_FUNCTION, functions[i]);
    return failed;
}
