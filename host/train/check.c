/* tdhost check: prints the plan, with shapes from a trial on two samples. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/train/stage.h"

/* ---- what a forward shows of one module ---- */

struct record {
    td_module *module;
    char *path;
    td_desc out; /* ndim 0 and no class of its own: never run, or no tensor */
    int seen;
    int64_t flops; /* multiplications and additions of the batch, here and not below */
};
struct trace {
    struct record *v;
    size_t n, capacity;
};

/* A convolution or linear layer does 2 operations for each weight that meets an element: each output element meets
 * weight/outputs, transposed each input element. */
static int64_t flops_of(td_module *m, const td_tensor *in, const td_tensor *out)
{
    const char *name = m->type.name;
    const td_tensor *w = td__module_member(m, "weight");
    int transposed = !strncmp(name, "ConvTranspose", 13);
    if (!w || td_ndim(w) < 2 || (strncmp(name, "Conv", 4) != 0 && strcmp(name, "Linear") != 0))
        return 0;
    return 2 * td_numel(transposed ? in : out) * (td_numel(w) / td_dim(w, 0));
}

static void record(td_ctx *c, td_module *m, td_value in, td_value out, void *user)
{
    struct record *r = user;
    (void)c;
    r->seen = 1;
    if (out.kind != TD_VALUE_TENSOR)
        return;
    r->out = *td_desc_of(out.tensor);
    if (in.kind == TD_VALUE_TENSOR)
        r->flops += flops_of(m, in.tensor, out.tensor);
}

static int list_module(td_module *m, const char *path, void *user)
{
    struct trace *t = user;
    if (td__grow(&t->v, &t->capacity, t->n + 1, sizeof *t->v))
        return -1;
    t->v[t->n++] = (struct record){.module = m, .path = td__strdup(path)};
    return t->v[t->n - 1].path ? 0 : -1;
}

static int trace_begin(struct trace *t, td_module *root)
{
    memset(t, 0, sizeof *t);
    if (td__walk(root, list_module, t))
        return -1;
    for (size_t i = 0; i < t->n; i++)
        if (td__hook_add(t->v[i].module, record, &t->v[i]))
            return -1;
    return 0;
}

static void trace_free(struct trace *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->v[i].path);
    free(t->v);
}

static int64_t trace_flops(const struct trace *t)
{
    int64_t sum = 0;
    for (size_t i = 0; i < t->n; i++)
        sum += t->v[i].flops;
    return sum / TD__TRIAL;
}

/* ---- printing ---- */

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

static int own_parameters(const td_module *m, int64_t *count)
{
    *count = 0;
    for (size_t i = 0; i < m->n_members; i++)
        if (!m->members[i].is_buffer)
            *count += td_numel(m->members[i].tensor);
    return *count != 0;
}

static void print_tree(const struct trace *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct record *r = &t->v[i];
        int depth = 0;
        int64_t own;
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
        if (own_parameters(r->module, &own))
            printf(" %lld parameters", (long long)own);
        printf(r->seen ? "\n" : " (not run)\n");
    }
}

static void print_network(const td__network *n, const struct trace *t)
{
    const td__network_plan *p = n->plan;
    printf("  %s: %s%s%s, %lld parameters, %lld trained", p->name, n->root->type.name, p->wrapper ? " by " : "",
           p->wrapper ? p->wrapper->type->key : "", (long long)td__count_parameters(n->root, 0),
           (long long)(p->requires_grad ? td__count_parameters(n->root, 1) : 0));
    if (trace_flops(t))
        printf(", %.4g MFLOPs an image forward", (double)trace_flops(t) / 1e6);
    printf("\n");
    print_tree(t);
}

static void print_taps(const td__train_stage *s)
{
    for (size_t i = 0; i < s->n_taps; i++) {
        const td__tap_use *u = &s->taps[i];
        printf("  tap: %s %s '%s' ", td__side_name(u->tap.side), td__end_name(u->tap.io), u->tap.path);
        td_value v = td_none();
        for (size_t k = 0; k < s->io->n; k++) {
            const td_tap *t = &s->io->slots[k]->tap;
            if (t->side == u->tap.side && t->io == u->tap.io && !strcmp(t->path, u->tap.path))
                v = s->io->slots[k]->value;
        }
        print_value(v);
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
    if (p->scheduler.type)
        for (int64_t e = 0, last = -1; e < p->epochs && !p->scheduler.every && e < 100000; e++) {
            double lr = p->scheduler.type->lr(p->scheduler.params, o->groups[0].lr, e);
            if (last < 0 || lr != p->scheduler.type->lr(p->scheduler.params, o->groups[0].lr, last)) {
                printf("%s lr %g from epoch %lld", last < 0 ? ":" : ",", lr, (long long)e + 1);
                last = e;
            }
        }
    printf("\n");
}

static void print_loader(td__experiment *x, const char *name, const td__loader_plan *p)
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

/* ---- the trial ---- */

struct trial {
    struct trace student, teacher;
    size_t activations; /* bytes an image keeps for the backward pass */
};

static void print_memory(const td__train_stage *s, const struct trial *t)
{
    int64_t all = 0, trained = 0;
    td_module *m[2] = {s->student.root, s->teacher.root};
    for (int i = 0; i < 2; i++)
        if (m[i])
            all += td__count_parameters(m[i], 0);
    for (size_t i = 0; i < s->optimizer.n; i++)
        trained += td_numel(s->optimizer.v[i].tensor);
    double mb = (double)(all + trained * (1 + (int64_t)s->optimizer.plan->type->n_state)) * 4 / 1e6;
    double step = (double)t->activations * (double)s->plan->train.batch_size / 1e6;
    printf("  memory: about %.0f MB: parameters, gradients, optimiser %.1f MB; a step of %lld images %.1f MB\n",
           mb + step, mb, (long long)s->plan->train.batch_size, step);
}

static void print_stage(td__experiment *x, td__train_stage *s, const struct trial *t)
{
    printf("%s: %lld epochs\n", s->plan->name, (long long)s->plan->epochs);
    print_loader(x, "train", &s->plan->train);
    print_loader(x, "validation", &s->plan->val);
    if (s->teacher.root)
        print_network(&s->teacher, &t->teacher);
    print_network(&s->student, &t->student);
    print_taps(s);
    print_criterion(&s->plan->criterion);
    print_optimizer(s->plan);
    if (t->activations)
        print_memory(s, t);
}

/* Shapes where the data is there; the plan in any case. */
static int check_stage(td__experiment *x, size_t number)
{
    struct trial t = {0};
    td__train_stage s;
    int failed = td__stage_design(x, number, &s);
    if (!failed)
        failed = td__optimizer_open(x->c, &x->cfg, s.plan, &s.student, &s.teacher, NULL, NULL, &s.optimizer);
    if (!failed)
        failed = trace_begin(&t.student, s.student.root) || (s.teacher.root && trace_begin(&t.teacher, s.teacher.root));
    int code = !failed && x->n_datasets ? td__stage_try(x, &s, &t.activations) : TD__EXIT_OK;
    if (code != TD__EXIT_DATA)
        td__diag_take(x->c, &x->cfg, s.plan->at);
    if (!failed)
        print_stage(x, &s, &t);
    td__io_clear(s.io);
    td__stage_close(&s);
    trace_free(&t.student);
    trace_free(&t.teacher);
    return failed || x->cfg.diag.errors ? TD__EXIT_CONFIG : code;
}

static void print_model(const td__model_plan *p, td_module *m)
{
    if (m)
        printf("%s: %s, %lld parameters, weights %s\n", p->name, p->object->type->key,
               (long long)td__count_parameters(m, 0), p->src.path ? p->src.path : "drawn");
}

int td__check_command(const td__run_options *o)
{
    td__experiment x;
    int code = td__experiment_open(&x, o), data = TD__EXIT_OK;
    if (!code)
        data = td__experiment_open_data(&x);
    if (!code) {
        print_model(&x.plan.teacher, x.teacher);
        print_model(&x.plan.student, x.student);
    }
    for (size_t i = 0; !code && i < x.plan.n_stages; i++)
        code = check_stage(&x, i);
    if (!code) {
        printf("test\n");
        print_loader(&x, "test", &x.plan.test);
    }
    code = td__experiment_fail(&x, code ? code : data);
    td__experiment_close(&x);
    return code;
}
