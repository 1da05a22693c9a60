/* tdhost --config: trains stage by stage, epoch by epoch, step by step, and tests what came out. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/file.h"
#include "host/base/log.h"
#include "host/train/progress.h"
#include "host/train/report.h"
#include "host/train/test.h"

struct run {
    td__experiment x;
    td__report report;
    td__train_stage stage;
    td__manifest m; /* where the run stands */
    td__progress progress;
    size_t *sample_bytes; /* by stage: what a sample keeps for the backward pass; 0: not known */
    double began; /* as if one process had done it all */
};

static volatile sig_atomic_t stop;

/* The first signal asks; a second one ends the process at once. */
static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

/* Those that ask a program to end; a lost terminal only where nohup does not say to go on without it. */
static void catch_signals(void)
{
    struct sigaction a = {0}, before;
    a.sa_handler = on_signal;
    a.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    a.sa_flags = 0; /* shell and kernel both send it */
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &a, NULL);
}

/* ---- saying what happens ---- */

static json_t *terms_json(td_ctx *c, const td__criterion *k)
{
    json_t *terms = json_object();
    for (size_t i = 0; i < k->n; i++)
        json_object_set_new(terms, k->terms[i].name, json_real(td__term_number(c, &k->terms[i])));
    return terms;
}

static char *terms_text(td_ctx *c, const td__criterion *k, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = 0;
    for (size_t i = 0; i < k->n && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s %.4f", i ? ", " : "", k->terms[i].name,
                                 td__term_number(c, &k->terms[i]));
    return buf;
}

static void say_step(struct run *r, double loss, const td__rates *rates, int kept)
{
    const td__train_stage *s = &r->stage;
    const td__position *at = &r->m.at;
    int64_t batches = td__loader_batches(s->train);
    double left = (double)((s->plan->epochs - at->stage_epoch) * batches - at->batch) * rates->seconds_per_step;
    char terms[512], eta[32];
    td__progress_line(&r->progress, kept,
                      "%s epoch %lld/%lld [%lld/%lld] eta %s %.0f img/s data %.0f %% lr %.3g loss %.4f (%s)",
                      s->plan->name, (long long)at->stage_epoch + 1, (long long)s->plan->epochs, (long long)at->batch,
                      (long long)batches, td__duration(left, eta, sizeof eta), rates->images_per_second,
                      100 * rates->wait_share, td__optimizer_lr(&s->optimizer), loss,
                      terms_text(r->x.c, &s->criterion, terms, sizeof terms));
}

static void log_step(struct run *r, double loss, const td__rates *rates)
{
    const td__position *at = &r->m.at;
    td__report_log(r->x.c, &r->report,
                   json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:o, s:f, s:f, s:f}", "event", "step", "stage",
                             r->stage.plan->name, "epoch", (json_int_t)at->epoch + 1, "batch", (json_int_t)at->batch,
                             "step", (json_int_t)at->step, "loss", loss, "terms",
                             terms_json(r->x.c, &r->stage.criterion), "lr", td__optimizer_lr(&r->stage.optimizer),
                             "images_per_second", rates->images_per_second, "data_wait", rates->wait_share));
}

/* ---- checkpoints ---- */

static int save(struct run *r)
{
    r->m.wall = td__seconds() - r->began;
    return td__checkpoint_save(&r->x, &r->stage, r->report.checkpoints, &r->m) ? TD__EXIT_FAILED : TD__EXIT_OK;
}

static int save_student(struct run *r)
{
    char *path = td__printf("%s/best.safetensors", r->report.checkpoints);
    if (!path)
        td__fail(r->x.c, "out of memory");
    else
        td__save_state_file(r->x.c, r->x.deployed, path);
    free(path);
    if (!r->x.c->error && r->x.plan.student.dst)
        td__save_state_file(r->x.c, r->x.deployed, r->x.plan.student.dst);
    return r->x.c->error ? TD__EXIT_FAILED : TD__EXIT_OK;
}

/* ---- steps ---- */

static int diverged(struct run *r, double loss)
{
    char terms[1024];
    td__fail(r->x.c, "%s epoch %lld, step %lld: the loss is not finite (%g): %s", r->stage.plan->name,
             (long long)r->m.at.stage_epoch + 1, (long long)r->m.at.step, isnan(loss) ? fabs(loss) : loss,
             td__criterion_text(r->x.c, &r->stage.criterion, terms, sizeof terms));
    return TD__EXIT_DIVERGED;
}

/* The step was too large for the backend's memory, of which `before` bytes were in use when it began: says what would
 * fit. */
static void explain_memory(struct run *r, int64_t batch, size_t before)
{
    td_ctx *c = r->x.c;
    uint64_t left, all;
    const size_t sample = r->sample_bytes[r->m.at.stage], kept = td__memory_reserved();
    if (!sample || !c->backend->memory || c->backend->memory(&left, &all))
        return;
    const uint64_t room = left + (kept > before ? kept - before : 0);
    const int64_t fits = (int64_t)(room / sample) < batch ? (int64_t)(room / sample) : batch - 1;
    char *text =
        td__printf("%s; a sample keeps %.2f MiB for the gradients and %.0f MiB are left for a step: of this batch of "
                   "%lld about %lld would fit",
                   c->error, (double)sample / 1048576, (double)room / 1048576, (long long)batch, (long long)fits);
    td__ctx_clear(c);
    td__fail(c, "%s", text ? text : "out of memory");
    free(text);
}

static int train_batch(struct run *r, const td__batch *batch, double waited)
{
    td_ctx *c = r->x.c;
    double loss = 0;
    td__rates rates;
    size_t before = td__memory_now();
    td_tensor *t = td__stage_step(c, &r->stage, batch, r->m.at.epoch, r->m.at.step);
    int last = r->m.at.batch + 1 == td__loader_batches(r->stage.train);
    int due = td__progress_step(&r->progress, batch->size, waited, last, &rates);
    int said = due || td__progress_wants(&r->progress);
    /* A loss that is not finite stays so, so where reading waits for a queue it is enough to look now and then. */
    if (said || !c->backend->capture_begin)
        td__tensor_read(c, t, TD_FLOAT64, &loss, 1);
    if (c->out_of_memory)
        explain_memory(r, batch->size, before);
    if (c->error)
        return TD__EXIT_FAILED;
    if (!isfinite(loss))
        return diverged(r, loss);
    r->m.at.batch++;
    r->m.at.step++;
    r->m.images += batch->size;
    if (said)
        say_step(r, loss, &rates, due);
    if (due)
        log_step(r, loss, &rates);
    return c->error ? TD__EXIT_FAILED : TD__EXIT_OK;
}

/* One step, and what may come after it.  *more: whether there was a batch. */
static int train_step(struct run *r, int *more)
{
    td_ctx *c = r->x.c;
    td__batch batch;
    double began = td__seconds(), waited = td__loader_wait(r->stage.train);
    td__frame_push(c);
    int got = td__loader_next(c, r->stage.train, &batch), code = got < 0 ? TD__EXIT_DATA : TD__EXIT_OK;
    *more = got > 0;
    if (got > 0)
        code = train_batch(r, &batch, td__loader_wait(r->stage.train) - waited);
    td__frame_pop(c, td_none());
    r->m.seconds += td__seconds() - began;
    if (code || !*more)
        return code;
    int64_t every = r->x.plan.checkpoint_every;
    if (stop || (every && r->m.at.step % every == 0))
        code = save(r);
    return code ? code : stop ? TD__EXIT_STOPPED : TD__EXIT_OK;
}

/* ---- epochs ---- */

/* A stage that leaves the student alone cannot change its accuracy. */
static int trains_student(const struct run *r)
{
    return r->stage.student.plan->requires_grad && td__trains(r->x.deployed);
}

static int evaluate(struct run *r)
{
    td_ctx *c = r->x.c;
    td__score now = {.epoch = r->m.at.epoch + 1};
    char text[128];
    if (!trains_student(r))
        return TD__EXIT_OK;
    if (!r->stage.val) /* nothing to choose by: the newest is the best */
        return save_student(r);
    int code = td__accuracy_measure(c, r->x.deployed, r->stage.val, NULL, NULL, &now.accuracy);
    td__io_clear(r->stage.io);
    if (code)
        return code;
    memmove(&r->m.recent[1], &r->m.recent[0], (TD__RECENT - 1) * sizeof now);
    r->m.recent[0] = now;
    int better = !r->m.best.epoch || now.accuracy.top1 > r->m.best.accuracy.top1;
    td__progress_line(&r->progress, 1, "%s epoch %lld/%lld validation: %s%s", r->stage.plan->name,
                      (long long)r->m.at.stage_epoch + 1, (long long)r->stage.plan->epochs,
                      td__accuracy_text(&now.accuracy, text, sizeof text), better ? ", best so far" : "");
    td__report_log(c, &r->report,
                   json_pack("{s:s, s:s, s:I, s:I, s:o, s:b}", "event", "validation", "stage", r->stage.plan->name,
                             "epoch", (json_int_t)now.epoch, "step", (json_int_t)r->m.at.step, "accuracy",
                             td__accuracy_json(&now.accuracy), "best", better));
    if (c->error)
        return TD__EXIT_FAILED;
    if (!better)
        return TD__EXIT_OK;
    r->m.best = now;
    return save_student(r);
}

static int end_epoch(struct run *r)
{
    td__optimizer_end_epoch(&r->stage.optimizer);
    td__network_end_epoch(r->x.c, &r->stage.teacher);
    td__network_end_epoch(r->x.c, &r->stage.student);
    if (r->x.c->error)
        return TD__EXIT_FAILED;
    int code = evaluate(r);
    if (code)
        return code;
    r->m.at.stage_epoch++;
    r->m.at.epoch++;
    r->m.at.batch = 0;
    code = save(r);
    return code ? code : stop ? TD__EXIT_STOPPED : TD__EXIT_OK;
}

static int run_epoch(struct run *r)
{
    int code = TD__EXIT_OK, more = r->m.at.batch < td__loader_batches(r->stage.train);
    td__progress_restart(&r->progress);
    td__network_set_modes(&r->stage.teacher);
    td__network_set_modes(&r->stage.student);
    if (more && td__loader_start(r->x.c, r->stage.train, r->m.at.epoch, r->m.at.batch))
        return TD__EXIT_FAILED;
    while (more && !code)
        code = train_step(r, &more);
    return code ? code : end_epoch(r);
}

/* ---- stages ---- */

static int save_networks(struct run *r)
{
    const td__network *n[2] = {&r->stage.teacher, &r->stage.student};
    for (int i = 0; i < 2; i++)
        if (n[i]->root && n[i]->plan->dst)
            td__save_state_file(r->x.c, n[i]->root, n[i]->plan->dst);
    return r->x.c->error ? TD__EXIT_FAILED : TD__EXIT_OK;
}

/* The stage at the position is open; runs it and those after it. */
static int run_stages(struct run *r)
{
    for (;;) {
        while (r->m.at.stage_epoch < r->stage.plan->epochs) {
            int code = run_epoch(r);
            if (code)
                return code;
        }
        int code = save_networks(r);
        if (code || r->m.at.stage + 1 == (int64_t)r->x.plan.n_stages)
            return code;
        td__train_stage next;
        code = td__stage_open(&r->x, (size_t)r->m.at.stage + 1, &r->stage, &next);
        r->stage = next;
        if (code)
            return code;
        r->m.at.stage++;
        r->m.at.stage_epoch = 0;
    }
}

/* ---- beginning and end ---- */

/* Where the run in --out stands; one that was stopped before its first checkpoint begins again. */
static int resume(struct run *r)
{
    const td__run_options *o = r->x.options;
    int code = td__report_open(&r->report, &r->x);
    int found = code ? 0 : td__checkpoint_read(r->x.c, r->report.checkpoints, &r->m);
    if (!code && !found)
        td__log(TD_LOG_INFO, "--resume: %s holds no checkpoint yet: the run begins anew", r->report.dir);
    if (code || found < 0)
        return code ? code : TD__EXIT_DATA;
    if (found && (r->m.at.stage < 0 || r->m.at.stage >= (int64_t)r->x.plan.n_stages ||
                  strcmp(r->m.config_hash, r->report.config_hash) != 0)) {
        td__fail(r->x.c, "%s/last.json is not of this configuration", r->report.checkpoints);
        return TD__EXIT_DATA;
    }
    if (found && o->has_seed && o->seed != r->m.seed) {
        td__fail(r->x.c, "--resume: the run began with --seed %llu", (unsigned long long)r->m.seed);
        return TD__EXIT_USAGE;
    }
    if (found && (strcmp(r->m.backend, r->x.c->backend->type.key) != 0 || r->m.bf16 != r->x.c->bf16)) {
        td__fail(r->x.c, "--resume: the run began with --backend %s --precision %s", r->m.backend,
                 r->m.bf16 ? "bf16" : "float32");
        return TD__EXIT_USAGE;
    }
    if (found)
        r->x.seed = r->m.seed;
    r->began -= r->m.wall;
    return TD__EXIT_OK;
}

/* The folders of all dst_ckpt, so that none turns out to be missing after hours. */
static int make_room(struct run *r, const char *dst)
{
    char *dir = dst ? td__strdup(dst) : NULL, *slash = dir ? strrchr(dir, '/') : NULL;
    if (slash && slash > dir) {
        *slash = 0;
        if (td__make_dirs(dir))
            td__fail(r->x.c, "dst_ckpt %s: %s", dst, strerror(errno));
    }
    free(dir);
    return r->x.c->error ? TD__EXIT_FAILED : TD__EXIT_OK;
}

/* What would only show in the first step of a stage, perhaps hours from now, shows before anything is written. */
static int look_ahead(struct run *r)
{
    int code = make_room(r, r->x.plan.student.dst);
    if (!code && !(r->sample_bytes = calloc(r->x.plan.n_stages, sizeof *r->sample_bytes))) {
        td__fail(r->x.c, "out of memory");
        code = TD__EXIT_FAILED;
    }
    for (size_t i = 0; !code && i < r->x.plan.n_stages; i++) {
        const td__stage_plan *p = &r->x.plan.stages[i];
        code = make_room(r, p->student.dst) || make_room(r, p->teacher.dst) ? TD__EXIT_FAILED : TD__EXIT_OK;
    }
    for (size_t i = (size_t)r->m.at.stage; !code && i < r->x.plan.n_stages; i++) {
        td__train_stage s;
        code = td__stage_design(&r->x, i, 1, &s) ? TD__EXIT_CONFIG : td__stage_try(&r->x, &s, &r->sample_bytes[i]);
        if (code == TD__EXIT_CONFIG)
            td__diag_take(r->x.c, &r->x.cfg, s.plan->at);
        td__stage_close(&s);
    }
    return code;
}

static int begin(struct run *r)
{
    int code = td__stage_open(&r->x, (size_t)r->m.at.stage, NULL, &r->stage);
    if (code)
        return code;
    memcpy(r->m.config_hash, r->report.config_hash, sizeof r->m.config_hash);
    if (r->m.file[0] && td__checkpoint_load(&r->x, &r->stage, r->report.checkpoints, &r->m))
        return TD__EXIT_DATA;
    td__report_log(r->x.c, &r->report,
                   json_pack("{s:s, s:I, s:o}", "event", r->m.file[0] ? "resume" : "start", "step",
                             (json_int_t)r->m.at.step, "run", td__provenance_json(&r->x)));
    td__progress_begin(&r->progress, r->x.plan.log_freq, r->x.options->quiet);
    return r->x.c->error ? TD__EXIT_FAILED : TD__EXIT_OK;
}

/* The best student, tested; the teacher beside it.  *test is what the tests say. */
static int test_best(struct run *r, json_t **test)
{
    const td__rename exact = {.strict = 1};
    char *best = td__printf("%s/best.safetensors", r->report.checkpoints);
    int code = best ? TD__EXIT_OK : TD__EXIT_FAILED;
    if (!code && access(best, F_OK)) /* no stage trained it */
        code = save_student(r);
    td__stage_close(&r->stage);
    if (!code && td__load_state_file(r->x.c, r->x.deployed, best, &exact))
        code = TD__EXIT_DATA;
    free(best);
    return code ? code : td__test_models(&r->x, !r->x.options->student_only, test);
}

static int finish(struct run *r)
{
    td__experiment *x = &r->x;
    json_t *test = NULL, *result = NULL;
    char *path = td__printf("%s/result.json", r->report.dir);
    int code = test_best(r, &test);
    r->m.wall = td__seconds() - r->began;
    if (!code && (!path || !(result = td__result_json(x, &r->report, &r->m, test)))) {
        td__fail(x->c, "out of memory");
        code = TD__EXIT_FAILED;
    }
    if (!code &&
        (td__json_write(x->c, result, path) || td__report_log(x->c, &r->report,
                                                              json_pack("{s:s, s:I, s:O}", "event", "finish", "step",
                                                                        (json_int_t)r->m.at.step, "test", test))))
        code = TD__EXIT_FAILED;
    if (!code && x->options->json)
        code = td__print_json(result);
    json_decref(test);
    json_decref(result);
    free(path);
    return code;
}

int td__train_command(const td__run_options *o)
{
    if (o->test_only)
        return td__test_command(o);
    struct run r = {.began = td__seconds()};
    int code = td__experiment_open(&r.x, o);
    stop = 0;
    if (!code && o->resume)
        code = resume(&r);
    if (!code)
        code = td__experiment_load_weights(&r.x);
    if (!code)
        code = td__experiment_open_data(&r.x);
    if (!code)
        code = look_ahead(&r);
    if (!code && !o->resume) /* nothing is left behind by a run that could not begin */
        code = td__report_open(&r.report, &r.x);
    if (!code) {
        td__log(TD_LOG_INFO, "results go to %s", r.report.dir);
        catch_signals();
        code = begin(&r);
    }
    if (!code)
        code = run_stages(&r);
    if (!code)
        code = finish(&r);
    if (code == TD__EXIT_STOPPED)
        td__log(TD_LOG_WARN, "stopped after step %lld; go on with --resume --out %s", (long long)r.m.at.step,
                r.report.dir);
    code = td__experiment_fail(&r.x, code);
    if (r.stage.plan)
        td__stage_close(&r.stage);
    free(r.sample_bytes);
    td__report_close(&r.report);
    td__experiment_close(&r.x);
    return code;
}
