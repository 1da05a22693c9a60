#include "host/train/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/train/progress.h"

int td__print_json(const json_t *j)
{
    if (!json_dumpf(j, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) &&
        putchar('\n') != EOF && !fflush(stdout))
        return TD__EXIT_OK;
    td__log(TD_LOG_ERROR, "stdout: %s", strerror(errno));
    return TD__EXIT_FAILED;
}

struct show {
    td__progress progress;
    const char *name;
};

static void show_batch(void *user, int64_t batch, int64_t batches)
{
    struct show *s = user;
    td__rates rates;
    int due = td__progress_step(&s->progress, 1, 0, 0, &rates);
    td__progress_line(&s->progress, due, "testing %s [%lld/%lld]", s->name, (long long)batch + 1, (long long)batches);
}

static int test_model(td__experiment *x, td_module *model, const char *name, td__loader *loader, json_t *out)
{
    struct show s = {.name = name};
    td__accuracy a;
    char text[128];
    td__progress_begin(&s.progress, x->plan.test_log_freq, x->options->quiet);
    int code = td__accuracy_measure(x->c, model, loader, show_batch, &s, &a);
    if (code)
        return code;
    td__accuracy_text(&a, text, sizeof text);
    td__progress_line(&s.progress, 1, "%s: %s", name, text);
    return json_object_set_new(out, name, td__accuracy_json(&a)) ? TD__EXIT_FAILED : TD__EXIT_OK;
}

int td__test_models(td__experiment *x, int with_teacher, json_t **out)
{
    const char *own = x->plan.teacher.name ? "student" : "model";
    if (!x->plan.test.dataset_id) {
        *out = json_null();
        return TD__EXIT_OK;
    }
    td__loader *loader = td__experiment_loader(x, &x->plan.test);
    int code = loader && (*out = json_object()) ? TD__EXIT_OK : TD__EXIT_FAILED;
    if (!code && with_teacher && x->teacher)
        code = test_model(x, x->teacher, "teacher", loader, *out);
    if (!code)
        code = test_model(x, x->deployed, own, loader, *out);
    td__loader_free(loader);
    return code;
}

/* The student's weights: the best of the run in --out, else what the file's dst_ckpt or src_ckpt holds. */
static int load_student(td__experiment *x)
{
    const td__model_plan *p = &x->plan.student;
    const td__rename exact = {.strict = 1};
    int failed;
    if (x->options->out) {
        char *path = td__printf("%s/checkpoints/best.safetensors", x->options->out);
        if (!path)
            td__fail(x->c, "out of memory");
        else if (access(path, F_OK))
            td__fail(x->c,
                     "--out %s holds no trained student (%s): without --out, dst_ckpt or src_ckpt of the file are tested",
                     x->options->out, path);
        failed = x->c->error || td__load_state_file(x->c, x->deployed, path, &exact);
        free(path);
    } else if (p->dst && !access(p->dst, R_OK)) {
        failed = td__load_state_file(x->c, x->deployed, p->dst, &exact);
    } else if (p->src.path && x->deployed == x->student) {
        failed = 0; /* read with the teacher's */
    } else {
        td__fail(
            x->c,
            "%s has no trained weights: dst_ckpt%s%s%s does not exist, there is no src_ckpt, and --out names no run",
            p->name, p->dst ? " (" : "", p->dst ? p->dst : "", p->dst ? ")" : "");
        failed = 1;
    }
    return failed ? TD__EXIT_DATA : TD__EXIT_OK;
}

int td__test_command(const td__run_options *o)
{
    td__experiment x;
    json_t *test = NULL, *result = NULL;
    int code = td__experiment_open(&x, o);
    if (!code && !x.plan.test.dataset_id) {
        td__log(TD_LOG_ERROR, "%s has no 'test' section", o->config);
        code = TD__EXIT_CONFIG;
    }
    if (!code)
        code = td__experiment_load_weights(&x);
    if (!code)
        code = load_student(&x);
    if (!code)
        code = td__experiment_open_data(&x);
    if (!code && x.teacher && !x.plan.teacher.src.path)
        td__log(TD_LOG_WARN, "teacher_model has no src_ckpt: it is not tested");
    if (!code)
        code = td__test_models(&x, !o->student_only && x.plan.teacher.src.path, &test);
    if (!code && o->json) {
        result = td__provenance_json(&x);
        int failed = json_object_update_new(result, td__models_json(&x, NULL, test));
        code = failed ? TD__EXIT_FAILED : td__print_json(result);
    }
    code = td__experiment_fail(&x, code);
    json_decref(test);
    json_decref(result);
    td__experiment_close(&x);
    return code;
}
