/* What came out of a run, as JSON: result.json. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "host/base/file.h"
#include "host/base/pool.h"
#include "host/train/report.h"

/* ---- accuracies ---- */

json_t *td__accuracy_json(const td__accuracy *a)
{
    return json_pack("{s:I, s:I, s:I, s:f, s:f}", "n", (json_int_t)a->n, "top1", (json_int_t)a->top1, "top5",
                     (json_int_t)a->top5, "top1_percent", td__percent(a->top1, a->n), "top5_percent",
                     td__percent(a->top5, a->n));
}

json_t *td__score_json(const td__score *s)
{
    json_t *j = s->epoch ? td__accuracy_json(&s->accuracy) : json_null();
    if (s->epoch)
        json_object_set_new(j, "epoch", json_integer(s->epoch));
    return j;
}

char *td__accuracy_text(const td__accuracy *a, char *buf, size_t size)
{
    snprintf(buf, size, "%lld of %lld right, %.2f %% (top-5 %.2f %%)", (long long)a->top1, (long long)a->n,
             td__percent(a->top1, a->n), td__percent(a->top5, a->n));
    return buf;
}

/* ---- models ---- */

/* Where a schedule ends in noise, one epoch says little. */
static json_t *mean_json(const td__manifest *m)
{
    double top1 = 0, top5 = 0;
    int n = 0;
    for (; n < TD__RECENT && m->recent[n].epoch; n++) {
        const td__accuracy *a = &m->recent[n].accuracy;
        top1 += td__percent(a->top1, a->n);
        top5 += td__percent(a->top5, a->n);
    }
    return n ? json_pack("{s:i, s:f, s:f}", "epochs", n, "top1_percent", top1 / n, "top5_percent", top5 / n)
             : json_null();
}

/* Of a model that was trained (m) the validations, of any other the test is all there is. */
static json_t *model_json(const td__manifest *m, json_t *test)
{
    if (m)
        return json_pack("{s:o, s:o, s:o, s:O?}", "best", td__score_json(&m->best), "last",
                         td__score_json(&m->recent[0]), "mean_of_last_5", mean_json(m), "final", test);
    return json_pack("{s:O?, s:O?, s:O?, s:O?}", "best", test, "last", test, "mean_of_last_5", test, "final", test);
}

json_t *td__models_json(const td__experiment *x, const td__manifest *m, const json_t *test)
{
    json_t *models = json_object();
    const char *own = x->plan.teacher.name ? "student" : "model";
    if (x->plan.teacher.name)
        json_object_set_new(models, "teacher", model_json(NULL, json_object_get(test, "teacher")));
    json_object_set_new(models, own, model_json(m, json_object_get(test, own)));
    return models;
}

/* ---- the rest ---- */

static json_t *plugins_json(const td__plugins *p)
{
    json_t *list = json_array();
    for (size_t i = 0; p && i < p->n; i++) {
        char hash[65];
        if (p->v[i]->loaded)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s?}", "id", p->v[i]->id, "version",
                                                  p->v[i]->version, "file", p->v[i]->file, "sha256",
                                                  td__plugin_hash(p->v[i], hash) ? NULL : hash));
    }
    return list;
}

static void add_weights(json_t *list, const td__model_plan *m)
{
    char hash[65];
    if (m->name && m->src.path && !td__file_hash(m->src.path, hash))
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "model", m->name, "file", m->src.path, "sha256", hash));
}

json_t *td__provenance_json(td__experiment *x)
{
    json_t *weights = json_array();
    add_weights(weights, &x->plan.teacher);
    add_weights(weights, &x->plan.student);
    return json_pack("{s:s, s:s, s:I, s:s, s:s, s:i, s:o, s:o}", "version", td_host->host_version, "config",
                     x->options->config, "seed", (json_int_t)x->seed, "backend", x->c->backend->type.key, "precision",
                     x->c->bf16 ? "bf16" : "float32", "threads",
                     td__pool_threads(), "weights", weights, "plugins", plugins_json(x->options->plugins));
}

json_t *td__result_json(td__experiment *x, const td__report *report, const td__manifest *m, const json_t *test)
{
    json_t *result = td__provenance_json(x), *models = td__models_json(x, m, test);
    struct rusage usage;
    int64_t resident = getrusage(RUSAGE_SELF, &usage) ? 0 : (int64_t)usage.ru_maxrss * 1024;
    json_t *run =
        json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:I, s:I}", "config_sha256", report->config_hash, "epochs",
                  (json_int_t)m->at.epoch, "steps", (json_int_t)m->at.step, "wall_seconds", m->wall, "train_seconds",
                  m->seconds, "images_per_second", m->seconds > 0 ? (double)m->images / m->seconds : 0.0,
                  "peak_memory_bytes", (json_int_t)td__memory_peak(), "peak_resident_bytes", (json_int_t)resident);
    int failed = json_object_update(result, run) || json_object_update(result, models);
    json_decref(run);
    json_decref(models);
    if (!failed)
        return result;
    json_decref(result);
    return NULL;
}

int td__json_write(td_ctx *c, const json_t *result, const char *path)
{
    td__replace r;
    int failed = !result || td__replace_begin(&r, path);
    if (!failed && (json_dumpf(result, r.out, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) ||
                    fputc('\n', r.out) == EOF)) {
        td__replace_drop(&r);
        failed = 1;
    } else if (!failed) {
        failed = td__replace_commit(&r) != 0;
    }
    if (failed)
        td__fail(c, "%s: cannot be written: %s", path, strerror(errno));
    return failed ? -1 : 0;
}
