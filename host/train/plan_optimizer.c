/* The optimizer and scheduler sections. */
#include <math.h>
#include <string.h>

#include "host/train/plan.h"

struct optimizer_section {
    double max_grad_norm;
    int64_t grad_accum_step;
    int32_t filters_params;
};
static const td_param optimizer_table[] = {
    TD_PARAM_FLOAT(struct optimizer_section, max_grad_norm, "null", "gradients are scaled down to this norm", .min = 0,
                   .max = 1e300, .flags = TD_NULLABLE),
    TD_PARAM_INT(struct optimizer_section, grad_accum_step, "1", "backward passes an update", .min = 1, .max = 1e9),
    TD_PARAM_BOOL(struct optimizer_section, filters_params, "true", "frozen parameters are left out (always so here)"),
    TD_PARAM_END};

struct group_section {
    int32_t is_teacher;
};
static const td_param group_table[] = {
    TD_PARAM_BOOL(struct group_section, is_teacher, "false", "whether the module is the teacher's"), TD_PARAM_END};

struct scheduler_section {
    int64_t scheduling_step;
};
static const td_param scheduler_table[] = {TD_PARAM_INT(struct scheduler_section, scheduling_step, "0",
                                                        "0: steps once an epoch; N: each N backward passes", .max = 1e9,
                                                        .min = -1),
                                           TD_PARAM_END};

/* The rate is the host's to schedule: it reads it from the parameter every optimiser calls lr. */
static double base_lr(const td_type *type, const void *params)
{
    for (const td_param *p = type->params; p && p->name; p++)
        if (!strcmp(p->name, "lr") && p->type == TD_P_FLOAT) {
            double lr;
            memcpy(&lr, (const char *)params + p->offset, sizeof lr);
            return lr;
        }
    return NAN;
}

/* What the optimiser itself has to say about its arguments, at the one it names. */
static void check_params(td__config *cfg, const td__object *o, td__node *kwargs, td__node *section)
{
    const td_optimizer_type *type = (const td_optimizer_type *)o->type;
    char why[256] = "";
    const char *name = type->check ? type->check(o->params, why, sizeof why) : NULL;
    const td__node *value = name ? td__node_get(kwargs, name) : NULL;
    if (name)
        td__diag_error(&cfg->diag, value ? value->at : section->at, "'%s' in %s %s", name, type->type.key, why);
}

static int fill_group(td__config *cfg, td__node *key, td__node *kwargs, td__node *section, td__optimizer_plan *out,
                      td__group_plan *g)
{
    td__object *o = td__object_from(cfg, key, kwargs, section, TD_KIND_OPTIMIZER);
    if (!o)
        return -1;
    out->type = (const td_optimizer_type *)o->type;
    check_params(cfg, o, kwargs, section);
    g->params = o->params;
    g->lr = base_lr(o->type, o->params);
    if (isnan(g->lr))
        td__diag_error(&cfg->diag, section->at, "optimizer '%s' has no parameter lr: it cannot be scheduled",
                       o->type->key);
    return 0;
}

static void read_group(td__config *cfg, td__node *key, td__node *base, td__node *item, td__optimizer_plan *out)
{
    static const char *const keys[] = {"module", "kwargs", "is_teacher"};
    struct group_section v = {0};
    td__node_check_keys(cfg, item, "module_wise_configs", keys, sizeof keys / sizeof *keys);
    td__plan_bind(cfg, item, "module_wise_configs", group_table, sizeof v, &v);
    td__node *module = td__plan_need_text(cfg, item, "module_wise_configs", "module", "path of a module");
    if (!module)
        return;
    td__group_plan *g = &out->groups[out->n_groups];
    g->module = (td__path){module->text, module->at};
    g->side = v.is_teacher ? TD_TEACHER : TD_STUDENT;
    td__node *kwargs = td__plan_merge(cfg, base, td__node_get(item, "kwargs"), "");
    if (kwargs && !fill_group(cfg, key, kwargs, kwargs, out, g))
        out->n_groups++;
}

/* As upstream: with a list of modules only those are given to the optimiser. */
static void read_groups(td__config *cfg, td__node *section, td__node *key, td__node *kwargs, td__optimizer_plan *out)
{
    td__node *list = td__node_get(section, "module_wise_configs");
    if (td__plan_is_null(list))
        list = td__node_get(section, "module_wise_kwargs");
    size_t n = td__plan_is_null(list) ? 0 : list->n;
    out->groups = td__arena_alloc(cfg->arena, (n + 1) * sizeof *out->groups);
    if (!out->groups)
        return;
    if (n && list->kind != TD__SEQ) {
        td__diag_error(&cfg->diag, list->at, "'module_wise_configs' is a list of {module, kwargs}, not %s",
                       td__node_kind_name(list));
        return;
    }
    for (size_t i = 0; i < n; i++)
        read_group(cfg, key, kwargs, list->items[i], out);
    if (!n && !fill_group(cfg, key, kwargs, section, out, out->groups))
        out->n_groups = 1;
}

void td__plan_optimizer(td__config *cfg, td__node *section, td__optimizer_plan *out)
{
    static const char *const keys[] = {"key",
                                       "kwargs",
                                       "filters_params",
                                       "max_grad_norm",
                                       "grad_accum_step",
                                       "module_wise_configs",
                                       "module_wise_kwargs"};
    struct optimizer_section v = {NAN, 1, 1};
    td__node_check_keys(cfg, section, "optimizer", keys, sizeof keys / sizeof *keys);
    td__plan_bind(cfg, section, "optimizer", optimizer_table, sizeof v, &v);
    out->at = section->at;
    out->max_grad_norm = isnan(v.max_grad_norm) ? 0 : v.max_grad_norm;
    out->accumulate = v.grad_accum_step;
    td__node *key = td__plan_need(cfg, section, "optimizer", "key", "SGD, Adam, ...");
    if (key)
        read_groups(cfg, section, key, td__node_get(section, "kwargs"), out);
    if (out->type && out->type->update_parts && (out->accumulate > 1 || out->max_grad_norm > 0))
        td__diag_error(&cfg->diag, td__place_of(section, out->accumulate > 1 ? "grad_accum_step" : "max_grad_norm"),
                       "%s takes the gradient in two parts, which are neither accumulated nor clipped",
                       out->type->type.key);
}

void td__plan_scheduler(td__config *cfg, td__node *section, td__scheduler_plan *out)
{
    static const char *const keys[] = {"key", "kwargs", "scheduling_step"};
    struct scheduler_section v = {0};
    td__node_check_keys(cfg, section, "scheduler", keys, sizeof keys / sizeof *keys);
    td__plan_bind(cfg, section, "scheduler", scheduler_table, sizeof v, &v);
    out->every = v.scheduling_step > 0 ? v.scheduling_step : 0;
    td__node *key = td__plan_need(cfg, section, "scheduler", "key", "MultiStepLR, ...");
    td__object *o = key ? td__object_from(cfg, key, td__node_get(section, "kwargs"), section, TD_KIND_SCHEDULER) : NULL;
    if (!o)
        return;
    out->type = (const td_scheduler_type *)o->type;
    out->params = o->params;
}
