/* The teacher, student and model sections of a stage. */
#include <string.h>

#include "host/train/plan.h"

struct network_section {
    int32_t requires_grad;
    const char *mode, *dst_ckpt;
};
static const td_param network_table[] = {
    TD_PARAM_BOOL(struct network_section, requires_grad, "true", "whether its parameters are trained"),
    TD_PARAM_STRING(struct network_section, mode, "null", "how batch normalisation and dropout behave",
                    .choices = "train|eval", .flags = TD_NULLABLE),
    TD_PARAM_FILE(struct network_section, dst_ckpt, "null", "where the network goes when the stage ends",
                  .flags = TD_NULLABLE),
    TD_PARAM_END};

static void read_adaptations(td__config *cfg, td__node *map, td__network_plan *out)
{
    if (td__plan_is_null(map))
        return;
    if (map->kind != TD__MAP) {
        td__diag_error(&cfg->diag, map->at, "'adaptations' maps names to {key, kwargs}, this is %s",
                       td__node_kind_name(map));
        return;
    }
    out->adaptations = td__arena_alloc(cfg->arena, (map->n + 1) * sizeof *out->adaptations);
    for (size_t i = 0; out->adaptations && i < map->n; i++) {
        td__object *o = td__object_of(cfg, map->items[i], TD_KIND_LAYER);
        if (o)
            out->adaptations[out->n_adaptations++] = (td__adaptation){map->keys[i]->text, o};
    }
}

static void read_wrapper(td__config *cfg, td__node *section, td__network_plan *out)
{
    static const char *const keys[] = {"key", "kwargs", "sequential", "frozen_modules"};
    td__node *w = td__node_get(section, "auxiliary_model_wrapper");
    if (td__plan_is_null(w))
        return;
    td__node_check_keys(cfg, w, "auxiliary_model_wrapper", keys, sizeof keys / sizeof *keys);
    td__node *key = td__plan_need(cfg, w, "auxiliary_model_wrapper", "key", "which wrapper");
    if (key)
        out->wrapper = td__object_from(cfg, key, td__node_get(w, "kwargs"), w, TD_KIND_WRAPPER);
    out->wrapper_sequential = td__plan_paths(cfg, w, "sequential");
    out->wrapper_frozen = td__plan_paths(cfg, w, "frozen_modules");
    if (out->sequential.n)
        td__diag_error(&cfg->diag, td__place_of(section, "sequential"),
                       "'sequential' would take the network apart that auxiliary_model_wrapper wraps: write it inside "
                       "that section");
}

static void read_hooks(td__config *cfg, td__node *section, td__network_plan *out)
{
    static const char *const keys[] = {"input", "output"};
    td__node *hook = td__node_get(section, "forward_hook");
    if (td__plan_is_null(hook))
        return;
    td__node_check_keys(cfg, hook, "forward_hook", keys, 2);
    out->hook_input = td__plan_paths(cfg, hook, "input");
    out->hook_output = td__plan_paths(cfg, hook, "output");
}

void td__plan_network(td__config *cfg, td__node *section, const char *name, uint32_t side, td__network_plan *out)
{
    static const char *const keys[] = {"forward_proc",  "sequential",   "adaptations", "frozen_modules",
                                       "requires_grad", "forward_hook", "wrapper",     "auxiliary_model_wrapper",
                                       "mode",          "src_ckpt",     "dst_ckpt"};
    struct network_section v = {1, NULL, NULL};
    td__node_check_keys(cfg, section, name, keys, sizeof keys / sizeof *keys);
    td__plan_bind(cfg, section, name, network_table, sizeof v, &v);
    out->at = section->at;
    out->name = name;
    out->side = side;
    /* A teacher is trained only when the file says so; upstream's files always say. */
    out->requires_grad = v.requires_grad && (side == TD_STUDENT || td__node_get(section, "requires_grad"));
    out->mode = v.mode;
    out->dst = v.dst_ckpt;
    td__node *proc =
        td__plan_need(cfg, section, name, "forward_proc", "how a batch enters it, mostly forward_batch_only");
    if (proc)
        out->forward_proc = td__object_of(cfg, proc, TD_KIND_FORWARD_PROC);
    out->sequential = td__plan_paths(cfg, section, "sequential");
    out->frozen = td__plan_paths(cfg, section, "frozen_modules");
    read_adaptations(cfg, td__node_get(section, "adaptations"), out);
    read_hooks(cfg, section, out);
    read_wrapper(cfg, section, out);
    td__plan_weights(cfg, td__node_get(section, "src_ckpt"), &out->src);
    if (!td__plan_is_null(td__node_get(section, "wrapper")))
        td__diag_warn(&cfg->diag, td__place_of(section, "wrapper"),
                      "'wrapper' has no effect: there is one process and one device");
}
