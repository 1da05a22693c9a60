#include "host/plugin/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/plugin/registry.h"

/* A function a descriptor must bring. */
struct callback {
    const char *name;
    size_t offset;
};
#define MUST(s, member) {#member, offsetof(s, member)}

static const char *check_loss(const void *descriptor)
{
    const td_loss_type *t = descriptor;
    return !t->forward == !t->compare ? "needs exactly one of the functions forward and compare" : NULL;
}

static const char *check_optimizer(const void *descriptor)
{
    const td_optimizer_type *t = descriptor;
    if (!t->update == !t->update_parts)
        return "needs exactly one of the functions update and update_parts";
    return t->n_state && !t->state_names ? "has state tensors without names" : NULL;
}

static const char *check_op(const void *descriptor)
{
    const td_op_type *t = descriptor;
    if (!t->grad && !(t->flags & (TD_OP_NONDIFF | TD_OP_INPLACE)))
        return "has no grad function and is not marked TD_OP_NONDIFF";
    if (t->max_in > TD_OP_MAX_IN || t->min_in > t->max_in || t->n_out > TD_OP_MAX_OUT)
        return "has more inputs or outputs than an operation may have";
    return t->kernels ? NULL : "has no kernels";
}

static const struct kind {
    const char *name, *title;
    uint32_t size;
    struct callback required[9];            /* ended by {NULL} */
    const char *(*check)(const void *); /* what else is wrong, or NULL */
} kinds[] = {
    [TD_KIND_MODEL] = {"model", "a model", sizeof(td_model_type), {MUST(td_model_type, build)}, NULL},
    [TD_KIND_LAYER] = {"layer", "a layer", sizeof(td_layer_type), {MUST(td_layer_type, build)}, NULL},
    [TD_KIND_WRAPPER] =
        {"wrapper", "an auxiliary model wrapper", sizeof(td_wrapper_type), {MUST(td_wrapper_type, build)}, NULL},
    [TD_KIND_LOSS] = {"loss", "a loss", sizeof(td_loss_type), {{0}}, check_loss},
    [TD_KIND_LOSS_WRAPPER] =
        {"loss_wrapper", "a loss wrapper", sizeof(td_loss_wrapper_type), {MUST(td_loss_wrapper_type, forward)}, NULL},
    [TD_KIND_CRITERION] =
        {"criterion", "a criterion", sizeof(td_criterion_type), {MUST(td_criterion_type, combine)}, NULL},
    [TD_KIND_DATASET] = {"dataset",
                         "a data set",
                         sizeof(td_dataset_type),
                         {MUST(td_dataset_type, open), MUST(td_dataset_type, length), MUST(td_dataset_type, get)},
                         NULL},
    [TD_KIND_DATASET_WRAPPER] = {"dataset_wrapper",
                                 "a data-set wrapper",
                                 sizeof(td_dataset_wrapper_type),
                                 {MUST(td_dataset_wrapper_type, open), MUST(td_dataset_wrapper_type, length),
                                  MUST(td_dataset_wrapper_type, get)},
                                 NULL},
    [TD_KIND_TRANSFORM] =
        {"transform", "a transform", sizeof(td_transform_type), {MUST(td_transform_type, apply)}, NULL},
    [TD_KIND_SAMPLER] = {"sampler", "a sampler", sizeof(td_sampler_type), {MUST(td_sampler_type, order)}, NULL},
    [TD_KIND_FORWARD_PROC] = {"forward_proc",
                              "a forward procedure",
                              sizeof(td_forward_proc_type),
                              {MUST(td_forward_proc_type, forward)},
                              NULL},
    [TD_KIND_OPTIMIZER] =
        {"optimizer", "an optimizer", sizeof(td_optimizer_type), {{0}}, check_optimizer},
    [TD_KIND_SCHEDULER] = {"scheduler", "a scheduler", sizeof(td_scheduler_type), {MUST(td_scheduler_type, lr)}, NULL},
    [TD_KIND_FUNCTION] = {"function", "a function", sizeof(td_function_type), {MUST(td_function_type, call)}, NULL},
    [TD_KIND_BACKEND] = {"backend",
                         "a backend",
                         sizeof(td_backend_type),
                         {MUST(td_backend_type, score), MUST(td_backend_type, alloc), MUST(td_backend_type, free),
                          MUST(td_backend_type, copy_in), MUST(td_backend_type, copy_out),
                          MUST(td_backend_type, kernel)},
                         NULL},
    [TD_KIND_OP] = {"op", "an operation", sizeof(td_op_type), {MUST(td_op_type, infer)}, check_op},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static const struct kind *kind_of(uint32_t kind) { return kind > 0 && kind < N_KINDS ? &kinds[kind] : NULL; }

const char *td__kind_name(uint32_t kind) { return kind_of(kind) ? kinds[kind].name : "?"; }

const char *td__kind_title(uint32_t kind) { return kind_of(kind) ? kinds[kind].title : "something unknown"; }

uint32_t td__kind_size(uint32_t kind) { return kind_of(kind) ? kinds[kind].size : 0; }

uint32_t td__kind_by_name(const char *name)
{
    for (uint32_t k = 1; k < N_KINDS; k++)
        if (!strcmp(kinds[k].name, name))
            return k;
    return 0;
}

/* ---- parameter tables ---- */

/* Bytes a parameter fills at its offset; 0: no such type. */
static size_t param_size(const td_param *p)
{
    switch (p->type) {
    case TD_P_INT: return sizeof(int64_t);
    case TD_P_FLOAT: return sizeof(double);
    case TD_P_BOOL: return sizeof(int32_t);
    case TD_P_STRING: return sizeof(char *);
    case TD_P_INTS: return sizeof(td_ints);
    case TD_P_FLOATS: return sizeof(td_floats);
    case TD_P_STRINGS: return sizeof(td_strings);
    case TD_P_STRUCT: return p->size;
    case TD_P_LIST: return sizeof(td_list);
    case TD_P_MAP: return sizeof(td_list);
    case TD_P_TAP: return sizeof(td_tap);
    case TD_P_TAP_IO: return sizeof(td_tap);
    case TD_P_OBJECT: return sizeof(void *);
    case TD_P_FILE: return sizeof(char *);
    case TD_P_LAYER:
    case TD_P_MODEL: return sizeof(td_layer_spec);
    default: return 0;
    }
}

static char *check_params(const td_param *table, size_t size)
{
    for (const td_param *p = table; p && p->name; p++) {
        int nested = p->type == TD_P_STRUCT || p->type == TD_P_LIST || p->type == TD_P_MAP;
        if (p->flags & TD_PARAM_IGNORED)
            continue;
        if (!param_size(p))
            return td__printf("parameter '%s' has type %u, which this host does not know", p->name, p->type);
        if (p->offset + param_size(p) > size)
            return td__printf("parameter '%s' reaches byte %zu of a struct of %zu", p->name, p->offset + param_size(p),
                              size);
        if (p->type == TD_P_OBJECT && (!p->choices || !td__kind_by_name(p->choices)))
            return td__printf("parameter '%s' is an object of no known kind", p->name);
        if (p->type == TD_P_MAP && !p->fields && p->size == sizeof(double))
            continue;
        if (nested && !p->fields)
            return td__printf("parameter '%s' has no table of its fields", p->name);
        char *wrong = nested ? check_params(p->fields, p->size) : NULL;
        if (wrong)
            return wrong;
    }
    return NULL;
}

static int has_function(const void *descriptor, size_t offset)
{
    void (*fn)(void);
    memcpy(&fn, (const char *)descriptor + offset, sizeof fn);
    return fn != NULL;
}

char *td__kind_check(uint32_t kind, const char *key, const void *descriptor)
{
    const struct kind *k = &kinds[kind];
    for (const struct callback *c = k->required; c->name; c++)
        if (!has_function(descriptor, c->offset))
            return td__printf("%s '%s' has no %s function", k->name, key, c->name);
    const char *why = k->check ? k->check(descriptor) : NULL;
    if (why)
        return td__printf("%s '%s' %s", k->name, key, why);
    if (kind == TD_KIND_OP) /* no td_type, no parameters */
        return NULL;
    const td_type *type = descriptor;
    char *wrong = check_params(type->params, type->params_size);
    char *text = wrong ? td__printf("%s '%s': %s", k->name, key, wrong) : NULL;
    free(wrong);
    return text;
}
