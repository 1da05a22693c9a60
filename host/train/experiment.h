/* An experiment: the configuration, its plan, the context and the models, as run, test and check share them. */
#ifndef TD__EXPERIMENT_H
#define TD__EXPERIMENT_H

#include "host/data/loader.h"
#include "host/train/plan.h"
#include "host/train/train.h"

typedef struct td__experiment {
    const td__run_options *options;
    td__config cfg;
    td__plan plan;
    td_ctx *c;
    uint64_t seed;
    td_module *teacher, *student; /* teacher NULL: none */
    td_module *deployed;          /* what is tested and saved: the student, or the last stage's wrapper that predicts */
    td_dataset **datasets;        /* those the loaders use, open as long as the experiment */
    size_t n_datasets;
} td__experiment;

/* Loads the file, makes the plan, starts threads and backend, builds the models and designs each stage on trial, so
 * that all that is wrong with the file is printed at once.  TD__EXIT_OK, or the exit code; close it in any case. */
int td__experiment_open(td__experiment *x, const td__run_options *o);
void td__experiment_close(td__experiment *x);
/* Reads the models' src_ckpt and opens the data sets.  TD__EXIT_OK, or the exit code with the message printed. */
int td__experiment_load_weights(td__experiment *x);
int td__experiment_open_data(td__experiment *x);

/* A seed for the initial values of what `role` names, so that one network does not depend on another. */
uint64_t td__role_seed(uint64_t seed, const char *role);
/* Prints the failure of c or the diagnostics, forgets them, and returns `code`. */
int td__experiment_fail(td__experiment *x, int code);
td__loader *td__experiment_loader(td__experiment *x, const td__loader_plan *p);

#endif
