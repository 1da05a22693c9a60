/* The plan as people read it. */
#include <stdio.h>
#include <string.h>

#include "host/train/check.h"

/* A shape for one sample: the first length is the batch. */
static void print_shape(const td_desc *d)
{
    printf("[B");
    for (uint32_t i = 1; i < d->ndim; i++)
        printf(", %lld", (long long)d->shape[i]);
    printf("]");
}

static void print_value(td_value v)
{
    if (v.kind == TD_VALUE_TENSOR)
        print_shape(td_desc_of(v.tensor));
    else if (v.kind == TD_VALUE_NONE)
        printf("nothing");
    else
        printf(v.kind == TD_VALUE_DICT ? "{" : "(");
    for (uint32_t i = 0; i < v.n; i++) {
        printf("%s", i ? ", " : "");
        if (v.keys)
            printf("%s: ", v.keys[i]);
        print_value(v.items[i]);
    }
    if (v.kind == TD_VALUE_DICT || v.kind == TD_VALUE_TUPLE)
        printf(v.kind == TD_VALUE_DICT ? "}" : ")");
}

static void print_tree(const td__trace *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const td__record *r = &t->v[i];
        int depth = 0;
        for (const char *p = r->path; *p; p++)
            depth += *p == '.';
        const char *name = strrchr(r->path, '.') ? strrchr(r->path, '.') + 1 : r->path;
        if (!*name)
            continue;
        printf("    %*s%s: %s", 2 * depth, "", name, r->module->type.name);
        if (r->out.ndim) {
            printf(" ");
            print_shape(&r->out);
        }
        if (td__own_parameters(r->module))
            printf(" %lld parameters", (long long)td__own_parameters(r->module));
        printf(r->seen ? "\n" : " (not run)\n");
    }
}

static void print_network(const td__network *n, const td__trace *t)
{
    const td__network_plan *p = n->plan;
    printf("  %s: %s%s%s, %lld parameters, %lld trained", p->name, n->root->type.name, p->wrapper ? " by " : "",
           p->wrapper ? p->wrapper->type->key : "", (long long)td__count_parameters(n->root, 0),
           (long long)(p->requires_grad ? td__count_parameters(n->root, 1) : 0));
    if (td__trace_flops(t))
        printf(", %.4g MFLOPs an image forward", (double)td__trace_flops(t) / 1e6);
    printf("\n");
    print_tree(t);
}

static void print_taps(const td__train_stage *s)
{
    for (size_t i = 0; i < s->n_taps; i++) {
        const td__tap_use *u = &s->taps[i];
        printf("  tap: %s %s '%s' ", td__side_name(u->tap.side), td__end_name(u->tap.io), u->tap.path);
        print_value(td__tap_value(s, &u->tap));
        printf(!u->used                                      ? " (nothing reads it)\n"
               : !u->listed && strcmp(u->tap.path, ".") != 0 ? " (not in forward_hook; added)\n"
                                                             : "\n");
    }
}

static void print_criterion(const td__criterion_plan *k)
{
    printf("  criterion: %s =", k->object->type->key);
    for (size_t i = 0; i < k->n_terms; i++)
        printf("%s %g * %s (%s)", i ? " +" : "", k->terms[i].weight, k->terms[i].name, k->terms[i].loss->type->key);
    if (k->model_term)
        printf("%s the model's own losses", k->n_terms ? " +" : "");
    printf("\n");
    for (size_t i = 0; i < k->n_unused; i++)
        printf("  not used: %s (%s), its weight is 0\n", k->unused[i].name, k->unused[i].loss->type->key);
}

static void print_optimizer(const td__stage_plan *p)
{
    const td__optimizer_plan *o = &p->optimizer;
    double lr;
    printf("  optimizer: %s%s", o->type->type.key, o->kept ? " (the one before goes on)" : "");
    for (size_t i = 0; i < o->n_groups; i++)
        printf("%s %s%slr %g", i ? "," : "", o->groups[i].module.text ? o->groups[i].module.text : "",
               o->groups[i].module.text ? " " : "", o->groups[i].lr);
    if (o->accumulate > 1)
        printf(", an update each %lld steps", (long long)o->accumulate);
    if (o->max_grad_norm > 0)
        printf(", gradients clipped at %g", o->max_grad_norm);
    printf("\n  scheduler: %s", p->scheduler.type ? p->scheduler.type->type.key : "none");
    if (p->scheduler.every)
        printf(" each %lld steps", (long long)p->scheduler.every);
    if (p->scheduler.type && !p->scheduler.every)
        for (int64_t e = td__next_rate(p, 0, &lr); e < p->epochs; e = td__next_rate(p, e + 1, &lr))
            printf("%s lr %g from epoch %lld", e ? "," : ":", lr, (long long)e + 1);
    printf("\n");
}

void td__print_loader(td__experiment *x, const char *name, const td__loader_plan *p)
{
    if (!p->dataset_id)
        return;
    printf("  %s: '%s'%s%s, batch %lld", name, p->dataset_id, p->wrapper ? " by " : "",
           p->wrapper ? p->wrapper->type->key : "", (long long)p->batch_size);
    td__loader *l = x->n_datasets ? td__experiment_loader(x, p) : NULL;
    if (l)
        printf(", %lld samples, %lld steps an epoch", (long long)td__loader_samples(l),
               (long long)td__loader_batches(l));
    printf(", %lld workers\n", (long long)p->workers);
    td__loader_free(l);
}

static void print_memory(const td__train_stage *s, const td__trial *t)
{
    int64_t fixed, step;
    td__trial_memory(s, t, &fixed, &step);
    printf("  memory: about %.0f MB: parameters, memories, gradients, optimiser %.1f MB; a step of %lld images %.1f "
           "MB\n",
           (double)(fixed + step) / 1e6, (double)fixed / 1e6, (long long)s->plan->train.batch_size, (double)step / 1e6);
}

void td__print_stage(td__experiment *x, const td__train_stage *s, const td__trial *t)
{
    printf("%s: %lld epochs\n", s->plan->name, (long long)s->plan->epochs);
    td__print_loader(x, "train", &s->plan->train);
    td__print_loader(x, "validation", &s->plan->val);
    if (s->teacher.root)
        print_network(&s->teacher, &t->teacher);
    print_network(&s->student, &t->student);
    print_taps(s);
    print_criterion(&s->plan->criterion);
    print_optimizer(s->plan);
    if (t->activations)
        print_memory(s, t);
}

void td__print_model(const td__model_plan *p, td_module *m)
{
    if (m)
        printf("%s: %s, %lld parameters, weights %s\n", p->name, p->object->type->key,
               (long long)td__count_parameters(m, 0), p->src.path ? p->src.path : "drawn");
}
