/* One workload in this process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "host/backend/trace.h"
#include "host/base/log.h"
#include "host/base/pool.h"
#include "host/tensor/fill.h"
#include "host/train/stage.h"
#include "tools/measure/measure.h"

double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Normal inputs and random classes, the same in each run. */
static int make_batch(td_ctx *c, const struct workload *w, int64_t size, td__batch *b)
{
    const td_desc input = {TD_FLOAT32, 4, {size, 3, w->pixels, w->pixels}}, target = {TD_INT64, 1, {size}};
    *b = (td__batch){.input = td__tensor_new(c, &input), .target = td__tensor_new(c, &target), .size = size};
    td__tensor_fill(c, b->input, &(td__fill){TD__FILL_NORMAL, 0, 1, 0, 0});
    td__tensor_fill(c, b->target, &(td__fill){TD__FILL_UNIFORM, 0, (double)w->classes, 1, 0});
    return c->error ? -1 : 0;
}

/* ---- what the convolutions compute ---- */

struct count {
    const td_tensor *input; /* of the network: what takes it has no gradient to pass on */
    int passes;             /* 1: forward only; 3: with the gradients of weight and input */
    double flop;            /* a sample */
};

static void count_conv(td_ctx *c, td_module *m, td_value in, td_value out, void *user)
{
    struct count *k = user;
    const td_tensor *w = td_member(m, "weight");
    (void)c;
    double macs = (double)td_numel(out.tensor) * (double)(td_numel(w) / td_dim(w, 0));
    k->flop += 2 * macs * (k->passes == 3 && in.tensor == k->input ? 2 : k->passes);
}

static int hook_conv(td_module *m, const char *path, void *user)
{
    (void)path;
    return strcmp(m->type.name, "Conv2d") ? 0 : td__hook_add(m, count_conv, user);
}

/* FLOPs of one sample, found by running the network on it. */
static double conv_flop(td_ctx *c, td_module *root, const struct workload *w, int passes)
{
    td__batch b;
    struct count k = {NULL, passes, 0};
    td__set_training(root, 0);
    td__frame_push(c);
    if (!make_batch(c, w, 1, &b)) {
        k.input = b.input;
        if (td__walk(root, hook_conv, &k))
            td_fail(c, "out of memory");
        td_call(c, root, b.input);
    }
    td__frame_pop(c, td_none());
    td__hooks_clear(root);
    return k.flop;
}

/* ---- timing ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int one_step(td_ctx *c, td__train_stage *s, const td__batch *b, int64_t step)
{
    double loss;
    td__frame_push(c);
    td_tensor *l = td__stage_step(c, s, b, 0, step);
    td__tensor_read(c, l, TD_FLOAT64, &loss, 1); /* waits for what was queued */
    td__frame_pop(c, td_none());
    return c->error ? -1 : 0;
}

/* What the kernels of one step read and write. */
static double step_gbytes(td_ctx *c, td__train_stage *s, const td__batch *b, int64_t step)
{
    td__trace t = {0};
    td__trace_begin(&t, 0);
    td__frame_push(c);
    c->trace = &t;
    td__stage_run(c, s, b, 0, step);
    c->trace = NULL;
    td__frame_pop(c, td_none());
    td__trace_free(&t);
    return 1e-9 * t.bytes;
}

static void time_steps(td_ctx *c, td__train_stage *s, const struct workload *w, int steps, double start,
                       struct measured *out)
{
    td__batch b;
    double *ms = calloc((size_t)steps, sizeof *ms);
    td__frame_push(c);
    if (!ms)
        td_fail(c, "out of memory");
    else if (!make_batch(c, w, w->batch, &b) && !one_step(c, s, &b, 0)) {
        out->first = seconds() - start;
        for (int i = -3; i < steps; i++) {
            double begin = seconds();
            if (one_step(c, s, &b, i + 4))
                break;
            if (i >= 0)
                ms[i] = 1e3 * (seconds() - begin);
        }
        qsort(ms, (size_t)steps, sizeof *ms, ascending);
        out->ms = ms[steps / 2];
        out->low_ms = ms[steps / 4];
        out->high_ms = ms[steps * 3 / 4];
        out->gbytes = step_gbytes(c, s, &b, steps + 4);
    }
    td__frame_pop(c, td_none());
    free(ms);
}

static double peak_memory(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (double)u.ru_maxrss / 1024;
}

static int open_stage(td__experiment *x, td__train_stage *s)
{
    if (td__stage_design(x, 0, 0, s) ||
        td__optimizer_open(x->c, &x->cfg, s->plan, &s->student, &s->teacher, s->criterion.states, NULL, &s->optimizer))
        return td__experiment_fail(x, TD__EXIT_CONFIG);
    td__network_set_modes(&s->student);
    td__network_set_modes(&s->teacher);
    return TD__EXIT_OK;
}

int measure_step(const struct setting *m, const struct workload *w, struct measured *out)
{
    char sets[4][96];
    snprintf(sets[0], sizeof sets[0], "models.teacher_model.key=%s", w->teacher);
    snprintf(sets[1], sizeof sets[1], "models.student_model.key=%s", w->student);
    snprintf(sets[2], sizeof sets[2], "models.teacher_model.kwargs.num_classes=%lld", (long long)w->classes);
    snprintf(sets[3], sizeof sets[3], "models.student_model.kwargs.num_classes=%lld", (long long)w->classes);
    const char *set[] = {sets[0], sets[1], sets[2], sets[3]};
    const td__run_options o = {.config = TD_SRCDIR "/tools/measure/step.yaml",
                               .sets = set,
                               .n_sets = 4,
                               .backend = m->backend,
                               .bf16 = m->bf16,
                               .threads = m->threads,
                               .plugins = m->plugins};
    td__experiment x;
    td__train_stage s = {0};
    memset(out, 0, sizeof *out);
    int code = td__experiment_open(&x, &o);
    if (code == TD__EXIT_OK)
        code = open_stage(&x, &s);
    if (code == TD__EXIT_OK) {
        time_steps(x.c, &s, w, m->steps, m->start, out);
        out->rss = peak_memory();
        td__stage_close(&s);
        out->gflop = 1e-9 * (double)w->batch * (conv_flop(x.c, x.teacher, w, 1) + conv_flop(x.c, x.student, w, 3));
        out->threads = td__pool_threads();
        out->backend = x.c->backend->type.key;
        out->peak = peak_gflops();
        if (x.c->error)
            code = td__experiment_fail(&x, TD__EXIT_FAILED);
    } else
        td__stage_close(&s);
    td__experiment_close(&x);
    return code;
}
