/* Plans and runs: what the command line calls. */
#ifndef TD__TRAIN_H
#define TD__TRAIN_H

#include "host/plugin/plugins.h"
#include "host/config/object.h"

/* Exit codes, also in tdhost(1). */
#define TD__EXIT_OK 0
#define TD__EXIT_FAILED 1   /* something went wrong while running */
#define TD__EXIT_USAGE 2    /* the command line is wrong */
#define TD__EXIT_CONFIG 3   /* the configuration is wrong */
#define TD__EXIT_DATA 4     /* a file of data or weights is missing or broken */
#define TD__EXIT_DIVERGED 5 /* the loss is not finite */
#define TD__EXIT_STOPPED 75 /* SIGINT, SIGTERM or SIGHUP: a checkpoint was written; --resume goes on */

typedef struct td__run_options {
    const char *config;
    const char *const *sets;
    size_t n_sets;
    const char *out;      /* NULL: runs/<config>-<time> */
    const char *backend;  /* see td__choose_backend */
    int threads;          /* 0: all cores */
    int bf16;             /* products and convolutions in bfloat16 */
    uint64_t seed;
    int has_seed, resume, test_only, student_only, json, quiet;
    struct json_t *said; /* NULL: errors and warnings of the file are printed; else they go to its arrays of these names */
    td__plugins *plugins;
} td__run_options;

int td__train_command(const td__run_options *o); /* tdhost --config …; returns an exit code */
int td__test_command(const td__run_options *o);  /* tdhost test --config … */
int td__check_command(const td__run_options *o); /* tdhost check FILE */

#endif
