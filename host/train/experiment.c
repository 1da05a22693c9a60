#include "host/train/experiment.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/base/log.h"
#include "host/base/pool.h"
#include "host/base/text.h"
#include "host/data/functions.h"
#include "host/tensor/fill.h"
#include "host/train/stage.h"

uint64_t td__role_seed(uint64_t seed, const char *role)
{
    return td__hash(role, strlen(role), td__hash(&seed, sizeof seed, 0));
}

static int keep_entry(const struct td__diag_entry *e, void *user)
{
    json_t *list = json_object_get(user, e->warning ? "warnings" : "errors");
    return json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o}", "file", td__text_json(e->at.file), "line",
                                                 e->at.line ? json_integer(e->at.line) : json_null(), "column",
                                                 e->at.line ? json_integer(e->at.column) : json_null(), "message",
                                                 td__text_json(e->text)));
}

/* Where messages of the run go that have no place in the file. */
static void say_error(td__experiment *x)
{
    const struct td__diag_entry e = {.text = (char *)(uintptr_t)x->c->error};
    if (!x->options->said || keep_entry(&e, x->options->said))
        td__log(TD_LOG_ERROR, "%s", x->c->error);
}

int td__experiment_fail(td__experiment *x, int code)
{
    if (!x->options->said || td__diag_each(&x->cfg.diag, keep_entry, x->options->said))
        td__diag_print(&x->cfg.diag, stderr);
    if (x->cfg.missed)
        td__log(TD_LOG_INFO, "plugins were looked for in %s: --plugins DIR names more",
                x->options->plugins->searched ? x->options->plugins->searched : "no folder");
    x->cfg.missed = 0;
    td__diag_free(&x->cfg.diag);
    memset(&x->cfg.diag, 0, sizeof x->cfg.diag);
    if (x->c && x->c->error) {
        say_error(x);
        td__ctx_clear(x->c);
    }
    return code;
}

/* ---- opening ---- */

static td_module *build_model(td__experiment *x, const td__model_plan *p, const char *role)
{
    if (!p->object)
        return NULL;
    x->c->seed = td__role_seed(x->seed, role);
    x->c->draws = 0;
    x->c->blank = p->src.path && p->src.rename.strict; /* the file has all of it */
    td__fills_begin(x->c);
    td_module *m = td__module_retain(((const td_model_type *)p->object->type)->build(x->c, p->object->params));
    td__fills_end(x->c);
    x->c->blank = 0;
    if (!td__diag_take(x->c, &x->cfg, p->at))
        return m;
    td__module_release(m);
    return NULL;
}

/* What comes out of the run. */
static td_module *deploy(td__experiment *x)
{
    const td__network_plan *p = x->plan.n_stages ? &x->plan.stages[x->plan.n_stages - 1].student : NULL;
    if (!x->student || !p || !td__predicts(p))
        return td__module_retain(x->student);
    x->c->seed = td__role_seed(x->seed, "deployed");
    x->c->draws = 0;
    td_module *m = td__module_retain(td__network_wrap(x->c, &x->cfg, p, x->student));
    td__diag_take(x->c, &x->cfg, p->wrapper->node->at);
    return m;
}

/* Builds each stage once and throws it away: wrong paths of the last one are found before the first one runs. */
static void try_stages(td__experiment *x)
{
    for (size_t i = 0; i < x->plan.n_stages; i++) {
        td__train_stage s;
        td__stage_design(x, i, 1, &s);
        if (s.criterion.plan && !td__optimizer_open(x->c, &x->cfg, s.plan, &s.student, &s.teacher, s.criterion.states,
                                                    NULL, &s.optimizer))
            td__optimizer_warn(&x->cfg, &s.optimizer, &s.student, &s.teacher);
        td__diag_take(x->c, &x->cfg, x->plan.stages[i].at);
        td__stage_close(&s);
    }
}

int td__experiment_open(td__experiment *x, const td__run_options *o)
{
    memset(x, 0, sizeof *x);
    x->options = o;
    x->seed = o->has_seed ? o->seed : 0;
    td__config_load(&x->cfg, o->config, o->sets, o->n_sets);
    if (!x->cfg.root)
        return td__experiment_fail(x, TD__EXIT_CONFIG);
    if (td__pool_start(o->threads)) {
        td__log(TD_LOG_ERROR, "cannot start %d threads", o->threads);
        return TD__EXIT_FAILED;
    }
    const td_backend_type *backend = td__choose_backend(o->plugins, o->backend);
    x->c = backend ? td__ctx_new(backend) : NULL;
    if (!x->c)
        return backend ? TD__EXIT_FAILED : TD__EXIT_USAGE;
    x->c->bf16 = o->bf16;
    td__functions_use(x->c, x->seed);
    td__plan_read(&x->plan, &x->cfg);
    x->teacher = build_model(x, &x->plan.teacher, "teacher");
    x->student = build_model(x, &x->plan.student, "student");
    x->deployed = deploy(x);
    if (!x->cfg.diag.errors)
        try_stages(x);
    int code = x->cfg.diag.errors ? TD__EXIT_CONFIG : TD__EXIT_OK;
    return td__experiment_fail(x, code);
}

static void close_data(td__experiment *x)
{
    for (size_t i = 0; i < x->n_datasets; i++)
        td__dataset_release(x->datasets[i]);
    free(x->datasets);
    x->datasets = NULL;
    x->n_datasets = 0;
}

void td__experiment_close(td__experiment *x)
{
    close_data(x);
    td__functions_use(NULL, 0);
    td__module_release(x->teacher);
    td__module_release(x->student);
    td__module_release(x->deployed);
    td__ctx_free(x->c);
    td__config_free(&x->cfg);
    td__pool_stop();
}

/* ---- weights and data ---- */

int td__experiment_load_weights(td__experiment *x)
{
    const td__model_plan *plans[2] = {&x->plan.teacher, &x->plan.student};
    td_module *models[2] = {x->teacher, x->student};
    for (int i = 0; i < 2; i++)
        if (models[i] && plans[i]->src.path &&
            td__load_state_file(x->c, models[i], plans[i]->src.path, &plans[i]->src.rename)) {
            td__diag_take(x->c, &x->cfg, plans[i]->src.at);
            return td__experiment_fail(x, TD__EXIT_DATA);
        }
    return TD__EXIT_OK;
}

static int open_dataset(td__experiment *x, const td__loader_plan *p, size_t *capacity)
{
    if (!p->dataset_id)
        return 0;
    td_dataset *d = td__dataset_open(x->c, &x->cfg, p->dataset, x->seed);
    if (!d || td__grow(&x->datasets, capacity, x->n_datasets + 1, sizeof *x->datasets)) {
        td__dataset_release(d);
        return -1;
    }
    x->datasets[x->n_datasets++] = d;
    return 0;
}

int td__experiment_open_data(td__experiment *x)
{
    size_t capacity = 0;
    int failed = open_dataset(x, &x->plan.test, &capacity);
    for (size_t i = 0; !failed && i < x->plan.n_stages; i++)
        failed =
            open_dataset(x, &x->plan.stages[i].train, &capacity) || open_dataset(x, &x->plan.stages[i].val, &capacity);
    if (!failed)
        return TD__EXIT_OK;
    close_data(x);
    return td__experiment_fail(x, x->cfg.diag.errors ? TD__EXIT_CONFIG : TD__EXIT_DATA);
}

td__loader *td__experiment_loader(td__experiment *x, const td__loader_plan *p)
{
    td__loader_options o = {p->batch_size, p->drop_last, (int32_t)p->workers, x->seed, p->sampler,
                             !p->streamed && x->c->backend->capture_begin};
    td_dataset *d = td__dataset_open(x->c, &x->cfg, p->dataset, x->seed);
    if (d && p->wrapper) {
        td_dataset *wrapped = td__dataset_wrap(x->c, p->wrapper, d);
        td__dataset_release(d);
        d = wrapped;
    }
    td__loader *l = d ? td__loader_new(x->c, d, &o) : NULL;
    td__dataset_release(d);
    return l;
}
