/* The …_data_loader sections. */
#include <string.h>

#include "host/base/text.h"
#include "host/train/plan.h"

struct loader_kwargs {
    int64_t batch_size, num_workers;
    int32_t drop_last;
};
static const td_param kwargs_table[] = {
    TD_PARAM_INT(struct loader_kwargs, batch_size, "1", "samples a step", .min = 1, .max = 1e9),
    TD_PARAM_INT(struct loader_kwargs, num_workers, "0", "threads that decode ahead; 0: the training thread does",
                 .max = 1024),
    TD_PARAM_BOOL(struct loader_kwargs, drop_last, "false", "whether an incomplete last batch is left out"),
    TD_PARAM_UNUSED("pin_memory", "PyTorch's"),
    TD_PARAM_UNUSED("persistent_workers", "PyTorch's"),
    TD_PARAM_UNUSED("prefetch_factor", "PyTorch's"),
    TD_PARAM_END};

static td__node *find_dataset(td__config *cfg, td__node *datasets, td__node *id)
{
    const char *near[3];
    td__node *d = td__node_get(datasets, id->text);
    if (!td__plan_is_null(d))
        return d;
    const char **names = td__arena_alloc(cfg->arena, ((datasets ? datasets->n : 0) + 1) * sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names && datasets && datasets->kind == TD__MAP && i < datasets->n; i++)
        names[n++] = datasets->keys[i]->text;
    if (names && td__nearest(id->text, names, n, near, 1))
        td__diag_error(&cfg->diag, id->at, "'datasets' has no '%s' (did you mean '%s'?)", id->text, near[0]);
    else
        td__diag_error(&cfg->diag, id->at, "'datasets' has no '%s'", id->text);
    return NULL;
}

static td__object *read_sampler(td__config *cfg, td__node *section, const char *name, int training)
{
    static const char *const keys[] = {"class_or_func", "key", "kwargs"};
    td__node *sampler = td__node_get(section, "sampler");
    if (td__plan_is_null(sampler)) {
        if (training) /* silently in order would train badly */
            td__plan_need(cfg, section, name, "sampler",
                          "the order: {class_or_func: RandomSampler} draws anew each epoch");
        return NULL;
    }
    td__node_check_keys(cfg, sampler, "sampler", keys, sizeof keys / sizeof *keys);
    td__node *key = td__node_get(sampler, "key");
    if (!key)
        key = td__plan_need(cfg, sampler, "sampler", "class_or_func", "RandomSampler, SequentialSampler, ...");
    return key ? td__object_from(cfg, key, td__node_get(sampler, "kwargs"), sampler, TD_KIND_SAMPLER) : NULL;
}

void td__plan_loader(td__config *cfg, td__node *datasets, td__node *section, const char *name, int training,
                     td__loader_plan *out)
{
    static const char *const keys[] = {"dataset_id", "dataset_wrapper", "cache_output", "requires_supp",
                                       "sampler",    "batch_sampler",   "collate_fn",   "kwargs"};
    static const struct {
        const char *key, *why;
    } absent[] = {{"cache_output", "the teacher's outputs are computed for each batch, as its images are drawn anew"},
                  {"batch_sampler", "batches are 'batch_size' samples in the order of 'sampler'"},
                  {"collate_fn", "samples of one size are stacked"}};
    struct loader_kwargs kwargs = {1, 0, 0};
    td__node_check_keys(cfg, section, name, keys, sizeof keys / sizeof *keys);
    out->at = section->at;
    td__node *id = td__plan_need_text(cfg, section, name, "dataset_id", "one of the names in 'datasets'");
    if (id) {
        out->dataset_id = id->text;
        out->dataset = find_dataset(cfg, datasets, id);
    }
    td__node *wrapper = td__node_get(section, "dataset_wrapper");
    if (!td__plan_is_null(wrapper))
        out->wrapper = td__object_of(cfg, wrapper, TD_KIND_DATASET_WRAPPER);
    out->sampler = read_sampler(cfg, section, name, training);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (!td__plan_is_null(td__node_get(section, absent[i].key)))
            td__diag_error(&cfg->diag, td__place_of(section, absent[i].key),
                           "'%s' is not supported (%s): leave it out or null", absent[i].key, absent[i].why);
    td__bind(cfg, td__node_get(section, "kwargs"), name, kwargs_table, sizeof kwargs, &kwargs);
    out->batch_size = kwargs.batch_size;
    out->workers = kwargs.num_workers;
    out->drop_last = kwargs.drop_last;
}
