#include "host/train/plan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/file.h"
#include "host/base/text.h"
#include "host/plugin/plugins.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ---- weights and models ---- */

struct weights_section {
    const char *path, *strip_prefix;
    int32_t strict;
};
static const td_param weights_table[] = {
    TD_PARAM_FILE(struct weights_section, path, NULL, "safetensors or PyTorch file"),
    TD_PARAM_STRING(struct weights_section, strip_prefix, "null", "taken off the names in the file",
                    .flags = TD_NULLABLE),
    TD_PARAM_BOOL(struct weights_section, strict, "true", "missing and unexpected names are errors"), TD_PARAM_END};

static void read_rename(td__config *cfg, td__node *map, td__rename *out)
{
    if (map->kind != TD__MAP) {
        td__diag_error(&cfg->diag, map->at, "'rename' maps names in the file to names in the model, this is %s",
                       td__node_kind_name(map));
        return;
    }
    const char **names = td__arena_alloc(cfg->arena, 2 * (map->n + 1) * sizeof *names);
    if (!names)
        return;
    for (size_t i = 0; i < map->n; i++) {
        if (map->items[i]->kind != TD__STRING)
            td__diag_error(&cfg->diag, map->items[i]->at, "'rename' gives names, this is %s",
                           td__node_kind_name(map->items[i]));
        names[i] = map->keys[i]->text;
        names[map->n + i] = map->items[i]->text;
    }
    out->from = names;
    out->to = names + map->n;
    out->n = map->n;
}

/* A path with `~` expanded, in the arena; NULL for null. */
static const char *read_path(td__config *cfg, td__node *n, const char *key)
{
    if (td__plan_is_null(n))
        return NULL;
    if (n->kind != TD__STRING) {
        td__diag_error(&cfg->diag, n->at, "'%s' is a path or null, not %s", key, td__node_kind_name(n));
        return NULL;
    }
    char *path = td__expand_user(n->text);
    const char *kept = path ? td__arena_dup(cfg->arena, path, strlen(path)) : NULL;
    free(path);
    if (!kept)
        td__diag_error(&cfg->diag, n->at, "out of memory");
    return kept;
}

void td__plan_weights(td__config *cfg, td__node *n, td__weights *out)
{
    static const char *const keys[] = {"path", "strip_prefix", "rename", "strict"};
    struct weights_section s = {NULL, NULL, 1};
    if (td__plan_is_null(n))
        return;
    out->at = n->at;
    if (n->kind == TD__MAP) {
        td__node_check_keys(cfg, n, "src_ckpt", keys, COUNT(keys));
        td__plan_bind(cfg, n, "src_ckpt", weights_table, sizeof s, &s);
        if (!td__plan_is_null(td__node_get(n, "rename")))
            read_rename(cfg, td__node_get(n, "rename"), &out->rename);
    } else {
        s.path = read_path(cfg, n, "src_ckpt");
    }
    if (s.path && strstr(s.path, "://"))
        td__diag_error(&cfg->diag, n->at, "'%s' is a URL; nothing is downloaded here: fetch the file and give its path",
                       s.path);
    out->path = s.path;
    out->rename.strip_prefix = s.strip_prefix;
    out->rename.strict = s.strict;
}

static void read_model(td__config *cfg, td__node *models, const char *name, td__model_plan *out)
{
    static const char *const keys[] = {"key", "kwargs", "src_ckpt", "dst_ckpt", "repo_or_dir", "sync_bn", "quantized"};
    td__node *section = td__node_get(models, name);
    if (td__plan_is_null(section))
        return;
    td__node_check_keys(cfg, section, name, keys, COUNT(keys));
    out->name = name;
    out->at = section->at;
    td__node *key = td__plan_need(cfg, section, name, "key", "which model");
    if (key)
        out->object = td__object_from(cfg, key, td__node_get(section, "kwargs"), section, TD_KIND_MODEL);
    td__plan_weights(cfg, td__node_get(section, "src_ckpt"), &out->src);
    out->dst = read_path(cfg, td__node_get(section, "dst_ckpt"), "dst_ckpt");
    if (!td__plan_is_null(td__node_get(section, "repo_or_dir")))
        td__diag_warn(&cfg->diag, td__place_of(section, "repo_or_dir"),
                      "'repo_or_dir' has no effect: models come from plugins");
}

static void read_models(td__plan *plan, td__node *root)
{
    static const char *const keys[] = {"teacher_model", "student_model", "model"};
    td__node *models =
        td__plan_need(plan->cfg, root, "the experiment", "models", "teacher_model and student_model, or model");
    if (!models)
        return;
    td__node_check_keys(plan->cfg, models, "models", keys, COUNT(keys));
    read_model(plan->cfg, models, "teacher_model", &plan->teacher);
    read_model(plan->cfg, models, "student_model", &plan->student);
    if (td__node_get(models, "model") && (plan->teacher.name || plan->student.name))
        td__diag_error(&plan->cfg->diag, td__place_of(models, "model"),
                       "'model' stands alone; beside teacher_model and student_model it has no meaning");
    else if (td__node_get(models, "model"))
        read_model(plan->cfg, models, "model", &plan->student);
    if (!plan->student.name)
        td__diag_error(&plan->cfg->diag, models->at,
                       "'models' needs 'student_model' (with 'teacher_model') or 'model'");
}

/* ---- stages ---- */

struct stage_section {
    int64_t num_epochs;
};
static const td_param stage_table[] = {
    TD_PARAM_INT(struct stage_section, num_epochs, NULL, "passes over the training data", .min = 1, .max = 1e9),
    TD_PARAM_END};

struct train_section {
    int64_t log_freq, checkpoint_every;
};
static const td_param train_table[] = {
    TD_PARAM_INT(struct train_section, log_freq, "1000", "steps between lines of progress", .min = 1, .max = 1e9),
    TD_PARAM_INT(struct train_section, checkpoint_every, "0", "steps between checkpoints within an epoch; 0: none",
                 .max = 1e9, .min = 0),
    TD_PARAM_END};

static const char *const stage_keys[] = {"num_epochs",
                                         "train_data_loader",
                                         "val_data_loader",
                                         "teacher",
                                         "student",
                                         "model",
                                         "optimizer",
                                         "scheduler",
                                         "criterion",
                                         "pre_epoch_process",
                                         "pre_forward_process",
                                         "post_forward_process",
                                         "post_epoch_process",
                                         "log_freq",
                                         "checkpoint_every"};
#define STAGE_KEYS (COUNT(stage_keys) - 2) /* the last two belong to train as a whole */

static td__loader_plan loader_of(td__plan *plan, td__node *section, td__node *datasets, const char *key,
                                 const td__loader_plan *before)
{
    td__loader_plan p = {0};
    td__node *n = td__node_get(section, key);
    if (!td__plan_is_null(n))
        td__plan_loader(plan->cfg, datasets, n, key, !strcmp(key, "train_data_loader"), &p);
    else if (before)
        p = *before;
    else if (!strcmp(key, "train_data_loader"))
        td__plan_need(plan->cfg, section, "train", key, "where the training data comes from");
    return p;
}

static void read_networks(td__plan *plan, td__node *section, td__stage_plan *s)
{
    td__config *cfg = plan->cfg;
    int distils = plan->teacher.name || (plan->student.name && strcmp(plan->student.name, "model") != 0);
    const char *own = distils ? "student" : "model", *other = distils ? "model" : "student";
    td__node *n = td__plan_need(cfg, section, s->name, own, "how the batch enters the network, what is trained");
    if (n)
        td__plan_network(cfg, n, own, TD_STUDENT, &s->student);
    if (!td__plan_is_null(td__node_get(section, other)))
        td__diag_error(&cfg->diag, td__place_of(section, other), "'models' has no %s: this section is named '%s'",
                       distils ? "model" : "student_model", own);
    if (plan->teacher.name)
        n = td__plan_need(cfg, section, s->name, "teacher", "how the batch enters the teacher");
    else if ((n = td__node_get(section, "teacher")) && !td__plan_is_null(n))
        td__diag_error(&cfg->diag, n->at, "there is a 'teacher' here but no 'teacher_model' in 'models'");
    if (n && plan->teacher.name)
        td__plan_network(cfg, n, "teacher", TD_TEACHER, &s->teacher);
}

/* An optimiser that is given comes with the schedule that is given; what is not given goes on. */
static void read_optimization(td__plan *plan, td__node *section, td__stage_plan *s, const td__stage_plan *before)
{
    td__node *o = td__node_get(section, "optimizer"), *sch = td__node_get(section, "scheduler");
    if (!td__plan_is_null(o)) {
        td__plan_optimizer(plan->cfg, o, &s->optimizer);
    } else if (before) {
        s->optimizer = before->optimizer;
        s->optimizer.kept = 1;
    } else {
        td__plan_need(plan->cfg, section, s->name, "optimizer", "SGD, Adam, ...");
    }
    if (!td__plan_is_null(sch)) {
        td__plan_scheduler(plan->cfg, sch, &s->scheduler);
    } else if (s->optimizer.kept) {
        s->scheduler = before->scheduler;
        s->scheduler.kept = 1;
    }
}

static void read_stage(td__plan *plan, td__node *section, td__node *datasets, td__stage_plan *s,
                       const td__stage_plan *before)
{
    struct stage_section v = {0};
    s->at = section->at;
    td__plan_bind(plan->cfg, section, s->name, stage_table, sizeof v, &v);
    s->epochs = v.num_epochs;
    s->train = loader_of(plan, section, datasets, "train_data_loader", before ? &before->train : NULL);
    s->val = loader_of(plan, section, datasets, "val_data_loader", before ? &before->val : NULL);
    read_networks(plan, section, s);
    read_optimization(plan, section, s, before);
    td__node *criterion = td__plan_need(plan->cfg, section, s->name, "criterion", "what is minimised");
    if (criterion)
        td__plan_criterion(plan->cfg, criterion, &s->criterion);
    td__plan_check_batches(plan->cfg, s, 0);
    static const char *const processes[] = {"pre_epoch_process", "pre_forward_process", "post_forward_process",
                                            "post_epoch_process"};
    for (size_t i = 0; i < COUNT(processes); i++)
        if (!td__plan_is_null(td__node_get(section, processes[i])))
            td__diag_error(&plan->cfg->diag, td__place_of(section, processes[i]),
                           "'%s' is not supported: leave it out or null", processes[i]);
}

/* "stage12" -> 12; 0: another name. */
static int64_t stage_number(const char *key)
{
    if (strncmp(key, "stage", 5) || !isdigit((unsigned char)key[5]) || key[5] == '0' || strlen(key) > 8)
        return 0;
    for (const char *p = key + 5; *p; p++)
        if (!isdigit((unsigned char)*p))
            return 0;
    return strtoll(key + 5, NULL, 10);
}

/* The names that may stand in `train` when it has stages: those of the stages, log_freq and checkpoint_every. */
static void read_stages(td__plan *plan, td__node *train, td__node *datasets)
{
    const char **names = td__arena_alloc(plan->cfg->arena, (train->n + 3) * sizeof *names);
    plan->stages = td__arena_alloc(plan->cfg->arena, (train->n + 1) * sizeof *plan->stages);
    if (!names || !plan->stages)
        return;
    size_t n = 0;
    for (size_t i = 0; i < train->n; i++)
        n += stage_number(train->keys[i]->text) > 0;
    for (size_t i = 0; i < n; i++) {
        names[i] = td__arena_printf(plan->cfg->arena, "stage%zu", i + 1);
        if (!names[i])
            return;
    }
    names[n] = "log_freq";
    names[n + 1] = "checkpoint_every";
    td__node_check_keys(plan->cfg, train, "train", names, n + 2);
    for (size_t i = 0; i < n; i++) {
        td__node *section = td__plan_need(plan->cfg, train, "train", names[i], "stages count up from stage1");
        if (!section)
            return;
        td__stage_plan *s = &plan->stages[plan->n_stages];
        s->name = names[i];
        td__node_check_keys(plan->cfg, section, s->name, stage_keys, STAGE_KEYS);
        read_stage(plan, section, datasets, s, i ? s - 1 : NULL);
        plan->n_stages++;
    }
}

static void read_train(td__plan *plan, td__node *root, td__node *datasets)
{
    struct train_section v = {1000, 0};
    td__node *train = td__plan_need(plan->cfg, root, "the experiment", "train", "how to train");
    if (!train)
        return;
    td__plan_bind(plan->cfg, train, "train", train_table, sizeof v, &v);
    plan->log_freq = v.log_freq;
    plan->checkpoint_every = v.checkpoint_every;
    for (size_t i = 0; train->kind == TD__MAP && i < train->n; i++)
        if (stage_number(train->keys[i]->text)) {
            read_stages(plan, train, datasets);
            return;
        }
    td__node_check_keys(plan->cfg, train, "train", stage_keys, COUNT(stage_keys));
    plan->stages = td__arena_alloc(plan->cfg->arena, sizeof *plan->stages);
    if (!plan->stages)
        return;
    plan->n_stages = 1;
    plan->stages->name = "train";
    read_stage(plan, train, datasets, plan->stages, NULL);
}

/* ---- the rest of the top level ---- */

static void read_test(td__plan *plan, td__node *root, td__node *datasets)
{
    static const char *const keys[] = {"test_data_loader", "log_freq"};
    struct train_section v = {1000, 0};
    td__node *test = td__node_get(root, "test");
    if (td__plan_is_null(test))
        return;
    td__node_check_keys(plan->cfg, test, "test", keys, COUNT(keys));
    td__plan_bind(plan->cfg, test, "test", train_table, sizeof v, &v);
    plan->test_log_freq = v.log_freq;
    td__node *loader = td__plan_need(plan->cfg, test, "test", "test_data_loader", "where the test data comes from");
    if (loader)
        td__plan_loader(plan->cfg, datasets, loader, "test_data_loader", 0, &plan->test);
}

/* Every data set of the file must be one, used or not.  Beside them may stand what a function gives (split_dataset),
 * whose elements are the data sets. */
static void check_datasets(td__config *cfg, td__node *datasets)
{
    if (td__plan_is_null(datasets))
        return;
    if (datasets->kind != TD__MAP) {
        td__diag_error(&cfg->diag, datasets->at, "'datasets' maps names to data sets, this is %s",
                       td__node_kind_name(datasets));
        return;
    }
    for (size_t i = 0; i < datasets->n; i++) {
        td__node *n = datasets->items[i];
        int computed = n->kind == TD__CALL && td__find_entry(TD_KIND_FUNCTION, n->text);
        if (n->kind != TD__NULL)
            td__object_of(cfg, n, computed ? TD_KIND_FUNCTION : TD_KIND_DATASET);
    }
}

static int has_plugin(const char *id)
{
    const td__entry *e;
    for (size_t i = 0; (e = td__entry_at(i)); i++)
        if (e->plugin && !strcmp(e->plugin->id, id))
            return 1;
    return 0;
}

/* `dependencies` names plugins (upstream: modules) that must be there: a string, or a list of strings or {name}. */
static void check_dependencies(td__config *cfg, td__node *n)
{
    if (td__plan_is_null(n))
        return;
    td__node **items = n->kind == TD__SEQ ? n->items : &n;
    size_t count = n->kind == TD__SEQ ? n->n : 1;
    for (size_t i = 0; i < count; i++) {
        td__node *name = items[i];
        if (name->kind == TD__MAP)
            name = td__node_get(name, "name");
        else if (name->kind == TD__SEQ && name->n)
            name = name->items[0];
        if (!name || name->kind != TD__STRING)
            td__diag_error(&cfg->diag, items[i]->at, "a dependency is a plugin's name or {name: …}, not %s",
                           td__node_kind_name(items[i]));
        else if (!has_plugin(name->text))
            td__diag_warn(&cfg->diag, name->at,
                          "no plugin '%s' is loaded (nothing is imported: what is used must come from plugins)",
                          name->text);
    }
}

int td__plan_read(td__plan *plan, td__config *cfg)
{
    static const char *const keys[] = {"dependencies", "datasets", "models", "train", "test"};
    memset(plan, 0, sizeof *plan);
    plan->cfg = cfg;
    td__node *root = cfg->root;
    if (!root || root->kind != TD__MAP)
        return -1; /* td__config_load said so */
    td__node_check_keys(cfg, root, "the experiment", keys, COUNT(keys));
    check_dependencies(cfg, td__node_get(root, "dependencies"));
    td__node *datasets = td__node_get(root, "datasets");
    check_datasets(cfg, datasets);
    read_models(plan, root);
    read_train(plan, root, datasets);
    read_test(plan, root, datasets);
    return cfg->diag.errors ? -1 : 0;
}
