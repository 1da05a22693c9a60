/* The plan: an experiment as its file describes it, every name resolved, every mistake found, before data is touched.
 * Everything lives in the configuration's arena. */
#ifndef TD__PLAN_H
#define TD__PLAN_H

#include "host/config/object.h"
#include "host/nn/state.h"

/* Module paths as written, each with its place. */
typedef struct td__path {
    const char *text;
    td__place at;
} td__path;
typedef struct td__paths {
    td__path *v;
    size_t n;
} td__paths;

/* src_ckpt: a path, or {path, strip_prefix, rename: {linear: fc}, strict}. */
typedef struct td__weights {
    const char *path; /* NULL: none */
    td__place at;
    td__rename rename;
} td__weights;

/* models.<name> */
typedef struct td__model_plan {
    td__place at;
    const char *name;   /* "teacher_model", "student_model" or "model"; NULL: there is none */
    td__object *object; /* kind model */
    td__weights src;
    const char *dst; /* NULL: none */
} td__model_plan;

/* …_data_loader */
typedef struct td__loader_plan {
    td__place at;
    const char *dataset_id; /* NULL: there is no such loader */
    td__node *dataset;
    td__object *wrapper, *sampler; /* NULL: none */
    int64_t batch_size, workers;
    int32_t drop_last;
    int32_t streamed; /* never laid on the backend: few of its samples are wanted */
} td__loader_plan;

/* A named module of `adaptations`. */
typedef struct td__adaptation {
    const char *name;
    td__object *object;
} td__adaptation;

/* teacher, student or model of one stage */
typedef struct td__network_plan {
    td__place at;
    const char *name; /* "teacher", "student" or "model"; NULL: the stage has none */
    uint32_t side;
    td__object *forward_proc;
    td__paths sequential, frozen, hook_input, hook_output;
    td__adaptation *adaptations;
    size_t n_adaptations;
    td__object *wrapper; /* auxiliary_model_wrapper; NULL: none */
    td__paths wrapper_sequential, wrapper_frozen;
    int32_t requires_grad;
    const char *mode; /* "train", "eval", NULL: a network trains, what is frozen in a teacher does not */
    td__weights src;
    const char *dst;
} td__network_plan;

/* One term of the criterion that takes part. */
typedef struct td__term_plan {
    const char *name;
    td__place at;
    double weight;
    td__object *loss;    /* kind loss */
    td__object *wrapper; /* kind loss_wrapper; NULL: none */
} td__term_plan;

typedef struct td__criterion_plan {
    td__object *object; /* kind criterion */
    td__term_plan *terms;
    size_t n_terms;
    td__term_plan *unused; /* weight 0 or null */
    size_t n_unused;
    td__node *model_term; /* weight of the losses a model itself returns: a number or a map by name; NULL: not used */
} td__criterion_plan;

/* Parameters that share their optimiser arguments. */
typedef struct td__group_plan {
    td__path module; /* text NULL: all that the stage trains */
    uint32_t side;
    const void *params;
    double lr;
} td__group_plan;

typedef struct td__optimizer_plan {
    td__place at;
    const td_optimizer_type *type;
    td__group_plan *groups;
    size_t n_groups;
    double max_grad_norm; /* 0: no clipping */
    int64_t accumulate;   /* backward passes an update */
    int kept;             /* the stage goes on with the one before's */
} td__optimizer_plan;

typedef struct td__scheduler_plan {
    const td_scheduler_type *type; /* NULL: constant */
    const void *params;
    int64_t every; /* scheduling_step: 0: once an epoch, N: each N backward passes */
    int kept;
} td__scheduler_plan;

typedef struct td__stage_plan {
    const char *name; /* "stage1" …; "train" where there is only one */
    td__place at;
    int64_t epochs;
    td__loader_plan train, val; /* those of the stage before where not given */
    td__network_plan teacher, student;
    td__optimizer_plan optimizer;
    td__scheduler_plan scheduler;
    td__criterion_plan criterion;
} td__stage_plan;

typedef struct td__plan {
    td__config *cfg;
    td__model_plan teacher, student; /* student: also `model` */
    td__stage_plan *stages;
    size_t n_stages;
    int64_t log_freq, checkpoint_every; /* steps; 0: checkpoints at the end of epochs only */
    td__loader_plan test;
    int64_t test_log_freq;
} td__plan;

/* Reads the whole document.  0, or -1 with everything wrong in cfg->diag. */
int td__plan_read(td__plan *plan, td__config *cfg);

/* Parts of it, one a file. */
void td__plan_loader(td__config *cfg, td__node *datasets, td__node *section, const char *name, int training,
                     td__loader_plan *out);
void td__plan_network(td__config *cfg, td__node *section, const char *name, uint32_t side, td__network_plan *out);
/* Whether the loss can be computed behind that wrapper (NULL: none) of `section`, which calls it `name`; if not, a
 * diagnostic. */
void td__check_loss_wrapper(td__config *cfg, td__node *section, const char *name, const td__object *loss,
                            const td__object *wrapper);
void td__plan_criterion(td__config *cfg, td__node *section, td__criterion_plan *out);
/* Whether all batches of an epoch are as large as the terms need.  samples: in an epoch; 0: not known yet.  If not, a
 * diagnostic at the loader. */
void td__plan_check_batches(td__config *cfg, const td__stage_plan *stage, int64_t samples);
/* Whether parameters of the terms that say how many samples something is kept for (TD_PARAM_SAMPLES) reach for all of a
 * data set of that length.  If not, a diagnostic at the parameter. */
void td__plan_check_samples(td__config *cfg, const td__stage_plan *stage, int64_t length);
void td__plan_optimizer(td__config *cfg, td__node *section, td__optimizer_plan *out);
void td__plan_scheduler(td__config *cfg, td__node *section, td__scheduler_plan *out);
void td__plan_weights(td__config *cfg, td__node *node, td__weights *out);

/* Help in reading sections.  Null sections count as empty. */
int td__plan_is_null(const td__node *n);
/* Whether `key` is there and not null; else an error that says the section needs it. */
td__node *td__plan_need(td__config *cfg, td__node *section, const char *owner, const char *key, const char *doc);
/* The same, and it must be a name or path. */
td__node *td__plan_need_text(td__config *cfg, td__node *section, const char *owner, const char *key, const char *doc);
/* Fills a struct from those keys of the section its table names; others are somebody else's. */
int td__plan_bind(td__config *cfg, td__node *section, const char *owner, const td_param *table, uint32_t size,
                  void *out);
/* The path or paths under `key`; empty where absent or null. */
td__paths td__plan_paths(td__config *cfg, td__node *section, const char *key);
/* The entries of `base`, overridden and extended by those of `over`, but none with a name in `without` ("a|b"). */
td__node *td__plan_merge(td__config *cfg, td__node *base, td__node *over, const char *without);
td__place td__place_of(td__node *section, const char *key); /* of the value, else of the section */

#endif
