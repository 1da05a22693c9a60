/* The plan as programs read it. */
#include "host/train/check.h"

#include <math.h>

/* [null, 64, 8, 8]: the first length is the batch. */
static json_t *shape_json(const td_desc *d)
{
    json_t *shape = json_array();
    for (uint32_t i = 0; i < d->ndim; i++)
        json_array_append_new(shape, i ? json_integer(d->shape[i]) : json_null());
    return shape;
}

/* {"shape": [...]}, {"tuple": [...]} or {"dict": {...}}; null: nothing. */
static json_t *value_json(td_value v)
{
    if (v.kind == TD_VALUE_TENSOR)
        return json_pack("{s:o}", "shape", shape_json(td_desc_of(v.tensor)));
    if (v.kind != TD_VALUE_TUPLE && v.kind != TD_VALUE_DICT)
        return json_null();
    json_t *items = v.keys ? json_object() : json_array();
    for (uint32_t i = 0; i < v.n; i++)
        if (v.keys)
            json_object_set_new(items, v.keys[i], value_json(v.items[i]));
        else
            json_array_append_new(items, value_json(v.items[i]));
    return json_pack("{s:o}", v.keys ? "dict" : "tuple", items);
}

static const char *key_of(const td__object *o) { return o ? o->type->key : NULL; }

static json_t *modules_json(const td__trace *t)
{
    json_t *modules = json_array();
    for (size_t i = 0; i < t->n; i++) {
        const td__record *r = &t->v[i];
        json_array_append_new(modules,
                              json_pack("{s:s, s:s, s:o, s:I, s:I, s:b}", "path", *r->path ? r->path : ".", "type",
                                        r->module->type.name, "output", r->out.ndim ? shape_json(&r->out) : json_null(),
                                        "parameters", (json_int_t)td__own_parameters(r->module), "flops",
                                        (json_int_t)(r->flops / t->images), "runs", r->seen));
    }
    return modules;
}

static json_t *network_json(const td__network *n, const td__trace *t)
{
    if (!n->root)
        return json_null();
    return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:o}", "type", n->root->type.name, "wrapper", key_of(n->plan->wrapper),
                     "parameters", (json_int_t)td__count_parameters(n->root, 0), "trained",
                     (json_int_t)(n->plan->requires_grad ? td__count_parameters(n->root, 1) : 0), "flops",
                     (json_int_t)td__trace_flops(t), "modules", modules_json(t));
}

static json_t *taps_json(const td__train_stage *s)
{
    json_t *taps = json_array();
    for (size_t i = 0; i < s->n_taps; i++) {
        const td__tap_use *u = &s->taps[i];
        json_array_append_new(taps, json_pack("{s:s, s:s, s:s, s:o, s:b, s:b}", "side", td__side_name(u->tap.side),
                                              "path", u->tap.path, "io", td__end_name(u->tap.io), "value",
                                              value_json(td__tap_value(s, &u->tap)), "in_forward_hook", u->listed,
                                              "used", u->used));
    }
    return taps;
}

static json_t *terms_json(const td__term_plan *v, size_t n)
{
    json_t *terms = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(terms,
                              json_pack("{s:s, s:s, s:s?, s:f}", "name", v[i].name, "criterion", key_of(v[i].loss),
                                        "criterion_wrapper", key_of(v[i].wrapper), "weight", v[i].weight));
    return terms;
}

static json_t *criterion_json(const td__criterion_plan *k)
{
    return json_pack("{s:s, s:o, s:o, s:b}", "key", key_of(k->object), "terms", terms_json(k->terms, k->n_terms),
                     "not_used", terms_json(k->unused, k->n_unused), "model_term", k->model_term != NULL);
}

static json_t *optimizer_json(const td__optimizer_plan *o)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < o->n_groups; i++)
        json_array_append_new(groups, json_pack("{s:s?, s:s, s:f}", "module", o->groups[i].module.text, "side",
                                                td__side_name(o->groups[i].side), "lr", o->groups[i].lr));
    return json_pack("{s:s, s:b, s:o, s:I, s:o}", "key", o->type->type.key, "goes_on", o->kept, "groups", groups,
                     "grad_accum_step", (json_int_t)o->accumulate, "max_grad_norm",
                     o->max_grad_norm > 0 ? json_real(o->max_grad_norm) : json_null());
}

/* Rates of the first group, where the schedule counts epochs (from 1). */
static json_t *scheduler_json(const td__stage_plan *p)
{
    double lr;
    json_t *rates = json_array();
    if (!p->scheduler.type) {
        json_decref(rates);
        return json_null();
    }
    for (int64_t e = p->scheduler.every ? p->epochs : td__next_rate(p, 0, &lr); e < p->epochs;
         e = td__next_rate(p, e + 1, &lr))
        json_array_append_new(rates, json_pack("{s:I, s:f}", "from_epoch", (json_int_t)e + 1, "lr", lr));
    return json_pack("{s:s, s:I, s:b, s:o}", "key", p->scheduler.type->type.key, "scheduling_step",
                     (json_int_t)p->scheduler.every, "goes_on", p->scheduler.kept, "rates", rates);
}

static json_t *memory_json(const td__train_stage *s, const td__trial *t)
{
    int64_t fixed, step;
    if (!t->activations)
        return json_null();
    td__trial_memory(s, t, &fixed, &step);
    return json_pack("{s:I, s:I}", "parameter_bytes", (json_int_t)fixed, "step_bytes", (json_int_t)step);
}

json_t *td__loader_json(td__experiment *x, const td__loader_plan *p)
{
    if (!p->dataset_id)
        return json_null();
    td__loader *l = x->n_datasets ? td__experiment_loader(x, p) : NULL;
    json_t *j = json_pack("{s:s, s:s?, s:I, s:I, s:o, s:o}", "dataset_id", p->dataset_id, "dataset_wrapper",
                          key_of(p->wrapper), "batch_size", (json_int_t)p->batch_size, "num_workers",
                          (json_int_t)p->workers, "samples", l ? json_integer(td__loader_samples(l)) : json_null(),
                          "batches", l ? json_integer(td__loader_batches(l)) : json_null());
    td__loader_free(l);
    return j;
}

json_t *td__model_json(const td__model_plan *p, td_module *m)
{
    return m ? json_pack("{s:s, s:I, s:s?}", "key", key_of(p->object), "parameters",
                         (json_int_t)td__count_parameters(m, 0), "src_ckpt", p->src.path)
             : json_null();
}

json_t *td__stage_json(td__experiment *x, const td__train_stage *s, const td__trial *t)
{
    const td__stage_plan *p = s->plan;
    return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", p->name, "epochs",
                     (json_int_t)p->epochs, "train_data_loader", td__loader_json(x, &p->train), "val_data_loader",
                     td__loader_json(x, &p->val), "teacher", network_json(&s->teacher, &t->teacher), "student",
                     network_json(&s->student, &t->student), "taps", taps_json(s), "criterion",
                     criterion_json(&p->criterion), "optimizer", optimizer_json(&p->optimizer), "scheduler",
                     scheduler_json(p), "memory", memory_json(s, t));
}
