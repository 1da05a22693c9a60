/* Decoding and augmenting photographs, and whole epochs from files. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/train/stage.h"
#include "tools/measure/measure.h"

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One pass over the loader's samples.  0, or -1 and c fails. */
static int pass(td_ctx *c, td__loader *l, int64_t epoch)
{
    td__batch b;
    int more = td__loader_start(c, l, epoch, 0) ? -1 : 1;
    while (more > 0) {
        td__frame_push(c);
        more = td__loader_next(c, l, &b);
        td__frame_pop(c, td_none());
    }
    return more;
}

int measure_load(const struct setting *m, const char *folder, double *images_per_second)
{
    char set[4200];
    snprintf(set, sizeof set, "_folder=%s", folder);
    const char *sets[] = {set};
    const td__run_options o = {
        .config = TD_SRCDIR "/tools/measure/load.yaml", .sets = sets, .n_sets = 1, .threads = 1, .plugins = m->plugins};
    td__experiment x;
    int code = td__experiment_open(&x, &o);
    td__loader *l = code == TD__EXIT_OK ? td__experiment_loader(&x, &x.plan.stages[0].train) : NULL;
    *images_per_second = 0;
    for (int64_t i = 0; l && i < 3; i++) {
        double start = processor_seconds();
        if (pass(x.c, l, i))
            break;
        double rate = (double)td__loader_samples(l) / (processor_seconds() - start);
        *images_per_second = rate > *images_per_second ? rate : *images_per_second;
    }
    if (code == TD__EXIT_OK && (!l || x.c->error))
        code = td__experiment_fail(&x, TD__EXIT_DATA);
    td__loader_free(l);
    td__experiment_close(&x);
    return code;
}

/* ---- an epoch ---- */

static int step(td_ctx *c, td__train_stage *s, const td__batch *b, int64_t number)
{
    double loss;
    td__frame_push(c);
    td__tensor_read(c, td__stage_step(c, s, b, 0, number), TD_FLOAT64, &loss, 1); /* waits for what was queued */
    td__frame_pop(c, td_none());
    return c->error ? -1 : 0;
}

/* Steps on one batch, while nothing is loaded: the first half before, the second after those from files. */
static double bare_seconds(td_ctx *c, td__train_stage *s, const td__batch *b, int64_t n)
{
    double start = seconds();
    for (int64_t i = 0; i < n && !step(c, s, b, i); i++)
        ;
    return seconds() - start;
}

static double loaded_seconds(td_ctx *c, td__train_stage *s, int64_t n)
{
    td__batch b;
    double start = seconds();
    int failed = td__loader_start(c, s->train, 1, 0);
    for (int64_t i = 0; i < n && !failed; i++) {
        td__frame_push(c);
        failed = td__loader_next(c, s->train, &b) <= 0 || step(c, s, &b, i);
        td__frame_pop(c, td_none());
    }
    return seconds() - start;
}

static void time_epoch(td_ctx *c, td__train_stage *s, int64_t most, struct epoch *out)
{
    td__batch b;
    int64_t n = td__loader_batches(s->train);
    out->steps = n = n < most ? n : most;
    td__network_set_modes(&s->student);
    td__network_set_modes(&s->teacher);
    td__frame_push(c);
    if (!td__loader_start(c, s->train, 0, 0) && td__loader_next(c, s->train, &b) > 0) {
        bare_seconds(c, s, &b, 3);
        double bare = bare_seconds(c, s, &b, n / 2), loaded = loaded_seconds(c, s, n);
        bare += bare_seconds(c, s, &b, n - n / 2);
        out->ms = 1e3 * loaded / (double)n;
        out->bare_ms = 1e3 * bare / (double)n;
        out->waited_ms = 1e3 * td__loader_wait(s->train) / (double)n;
    }
    td__frame_pop(c, td_none());
}

int measure_epoch(const struct setting *m, const char *data, struct epoch *out)
{
    char set[2][4200];
    snprintf(set[0], sizeof set[0], "_data=%s", data);
    snprintf(set[1], sizeof set[1], "_weights=%s/cifar10-resnet", data);
    const char *sets[] = {set[0], set[1]};
    const td__run_options o = {.config = TD_SRCDIR "/configs/cifar10/kd/resnet20_from_resnet56.yaml",
                               .sets = sets,
                               .n_sets = 2,
                               .backend = m->backend,
                               .threads = m->threads,
                               .plugins = m->plugins};
    td__experiment x;
    td__train_stage s = {0};
    memset(out, 0, sizeof *out);
    int code = td__experiment_open(&x, &o);
    if (!code)
        code = td__experiment_load_weights(&x);
    if (!code)
        code = td__stage_open(&x, 0, NULL, &s);
    if (!code)
        time_epoch(x.c, &s, m->steps, out);
    if (!code && x.c->error)
        code = td__experiment_fail(&x, TD__EXIT_FAILED);
    td__stage_close(&s);
    td__experiment_close(&x);
    return code;
}
