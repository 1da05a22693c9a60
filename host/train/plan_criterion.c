/* The criterion section: terms and their weights. */
#include <string.h>

#include "host/train/plan.h"

static int weighs(const td__node *weight)
{
    return !td__plan_is_null(weight) &&
           (weight->kind == TD__MAP || ((weight->kind == TD__INT || weight->kind == TD__FLOAT) && weight->f != 0));
}

static int is_weight(td__config *cfg, const td__node *n, int map_allowed)
{
    if (td__plan_is_null(n) || n->kind == TD__INT || n->kind == TD__FLOAT || (map_allowed && n->kind == TD__MAP))
        return 1;
    td__diag_error(&cfg->diag, n->at, "'weight' is a number or null, not %s", td__node_kind_name(n));
    return 0;
}

/* A low-level loss compares what a wrapper hands it; the others read the tapped values themselves. */
void td__check_loss_wrapper(td__config *cfg, td__node *section, const char *name, const td__object *loss,
                            const td__object *wrapper)
{
    const td_loss_type *l = (const td_loss_type *)loss->type;
    const td_loss_wrapper_type *w = wrapper ? (const td_loss_wrapper_type *)wrapper->type : NULL;
    if (l->compare && (!w || w->wraps == TD_WRAPS_FORWARD))
        td__diag_error(&cfg->diag, w ? wrapper->node->at : section->at,
                       "%s compares an input with a target: it needs a '%s' (SimpleLossWrapper) that says which",
                       l->type.key, name);
    else if (!l->compare && w && w->wraps == TD_WRAPS_COMPARE)
        td__diag_error(&cfg->diag, td__place_of(section, name),
                       "%s reads the tapped values itself: %s is for losses that compare an input with a target",
                       l->type.key, w->type.key);
}

static int read_term(td__config *cfg, const char *name, td__node *section, td__term_plan *out)
{
    static const char *const keys[] = {"criterion", "criterion_wrapper", "weight"};
    td__node_check_keys(cfg, section, name, keys, sizeof keys / sizeof *keys);
    out->name = name;
    out->at = section->at;
    td__node *criterion = td__plan_need(cfg, section, name, "criterion", "{key, kwargs} of a loss");
    if (criterion)
        out->loss = td__object_of(cfg, criterion, TD_KIND_LOSS);
    td__node *wrapper = td__node_get(section, "criterion_wrapper");
    if (!td__plan_is_null(wrapper))
        out->wrapper = td__object_of(cfg, wrapper, TD_KIND_LOSS_WRAPPER);
    td__node *weight = td__node_get(section, "weight");
    if (!is_weight(cfg, weight, 0) || !out->loss || (!td__plan_is_null(wrapper) && !out->wrapper))
        return -1;
    td__check_loss_wrapper(cfg, section, "criterion_wrapper", out->loss, out->wrapper);
    out->weight = td__plan_is_null(weight) ? 0 : weight->f;
    return 0;
}

static void read_terms(td__config *cfg, td__node *terms, td__criterion_plan *out)
{
    if (td__plan_is_null(terms))
        return;
    if (terms->kind != TD__MAP) {
        td__diag_error(&cfg->diag, terms->at, "'sub_terms' maps names to terms, this is %s", td__node_kind_name(terms));
        return;
    }
    out->terms = td__arena_alloc(cfg->arena, 2 * (terms->n + 1) * sizeof *out->terms);
    if (!out->terms)
        return;
    out->unused = out->terms + terms->n + 1;
    for (size_t i = 0; i < terms->n; i++) {
        td__term_plan t = {0};
        if (read_term(cfg, terms->keys[i]->text, terms->items[i], &t))
            continue;
        if (t.weight != 0)
            out->terms[out->n_terms++] = t;
        else
            out->unused[out->n_unused++] = t;
    }
}

static void read_model_term(td__config *cfg, td__node *term, td__criterion_plan *out)
{
    static const char *const keys[] = {"weight"};
    if (td__plan_is_null(term))
        return;
    td__node_check_keys(cfg, term, "model_term", keys, 1);
    td__node *weight = td__node_get(term, "weight");
    if (is_weight(cfg, weight, 1) && weighs(weight))
        out->model_term = weight;
    for (size_t i = 0; out->model_term && weight->kind == TD__MAP && i < weight->n; i++)
        is_weight(cfg, weight->items[i], 0);
}

void td__plan_criterion(td__config *cfg, td__node *section, td__criterion_plan *out)
{
    static const char *const keys[] = {"key", "kwargs", "func2extract_model_loss"};
    td__node_check_keys(cfg, section, "criterion", keys, sizeof keys / sizeof *keys);
    td__node *kwargs = td__node_get(section, "kwargs");
    td__node *key = td__plan_need(cfg, section, "criterion", "key", "WeightedSumLoss");
    if (key) /* the terms are the grammar's, the rest is the criterion's own */
        out->object = td__object_from(cfg, key, td__plan_merge(cfg, kwargs, NULL, "model_term|sub_terms"), section,
                                      TD_KIND_CRITERION);
    read_model_term(cfg, td__node_get(kwargs, "model_term"), out);
    read_terms(cfg, td__node_get(kwargs, "sub_terms"), out);
    td__node *f = td__node_get(section, "func2extract_model_loss");
    if (!td__plan_is_null(f) && (f->kind != TD__STRING || strcmp(f->text, "extract_model_loss_dict") != 0))
        td__diag_error(&cfg->diag, f->at,
                       "'func2extract_model_loss' is '%s'; it may be extract_model_loss_dict or null",
                       f->text ? f->text : td__node_kind_name(f));
    if (!cfg->diag.errors && !out->n_terms && !out->model_term)
        td__diag_error(&cfg->diag, section->at, "no term has a weight: there is nothing to minimise");
}

void td__plan_check_batches(td__config *cfg, const td__stage_plan *stage, int64_t samples)
{
    const td__loader_plan *l = &stage->train;
    const int64_t last = l->drop_last || !l->batch_size ? 0 : samples % l->batch_size; /* 0: it is full */
    for (size_t i = 0; l->batch_size && i < stage->criterion.n_terms; i++) {
        const td__term_plan *t = &stage->criterion.terms[i];
        const td_loss_type *loss = (const td_loss_type *)t->loss->type;
        if (l->batch_size < loss->min_batch)
            td__diag_error(&cfg->diag, l->at,
                           "'batch_size' is %lld, but %s of '%s' needs %u samples or more in a batch",
                           (long long)l->batch_size, loss->type.key, t->name, loss->min_batch);
        else if (last && last < loss->min_batch)
            td__diag_error(&cfg->diag, l->at,
                           "%lld samples in batches of %lld leave %lld for the last one, but %s of '%s' needs %u or "
                           "more: 'drop_last: true' in its kwargs leaves that batch out",
                           (long long)samples, (long long)l->batch_size, (long long)last, loss->type.key, t->name,
                           loss->min_batch);
    }
}

static void check_rows(td__config *cfg, const td__term_plan *t, const td_param *p, int64_t length)
{
    int64_t rows = *(const int64_t *)(const void *)((const char *)t->loss->params + p->offset);
    td__node *kwargs = td__node_get(t->loss->node, "kwargs");
    if (rows < length)
        td__diag_error(
            &cfg->diag, kwargs ? td__place_of(kwargs, p->name) : t->loss->node->at,
            "'%s' of %s is %lld, but the training data has %lld samples, each of which needs a row of its own: "
            "%s: %lld",
            p->name, t->loss->type->key, (long long)rows, (long long)length, p->name, (long long)length);
}

void td__plan_check_samples(td__config *cfg, const td__stage_plan *stage, int64_t length)
{
    for (size_t i = 0; i < stage->criterion.n_terms; i++) {
        const td__term_plan *t = &stage->criterion.terms[i];
        for (const td_param *p = t->loss->type->params; p && p->name; p++)
            if (p->flags & TD_PARAM_SAMPLES)
                check_rows(cfg, t, p, length);
    }
}
