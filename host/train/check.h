/* tdhost check: what is known of a stage after a trial on two samples, and its two renderings. */
#ifndef TD__CHECK_H
#define TD__CHECK_H

#include <jansson.h>

#include "host/train/stage.h"

/* What a forward showed of one module. */
typedef struct td__record {
    td_module *module;
    char *path;
    td_desc out; /* ndim 0 and no class of its own: never run, or no tensor */
    int seen;
    int64_t flops; /* multiplications and additions of the batch, here and not below */
} td__record;
typedef struct td__trace {
    td__record *v;
    size_t n, capacity;
    int64_t images; /* that ran through it */
} td__trace;
typedef struct td__trial {
    td__trace student, teacher;
    size_t activations; /* bytes an image keeps for the backward pass; 0: there was no trial */
} td__trial;

int64_t td__trace_flops(const td__trace *t);    /* of one image, forward */
int64_t td__own_parameters(const td_module *m); /* without those below */
/* Bytes of parameters, gradients and optimiser state, and those a step needs beside them. */
void td__trial_memory(const td__train_stage *s, const td__trial *t, int64_t *fixed, int64_t *step);
/* What the trial tapped; none where it did not. */
td_value td__tap_value(const td__train_stage *s, const td_tap *tap);
/* The first epoch, from `epoch` on (counted from 0), with another rate than the one before; those of the stage: none. */
int64_t td__next_rate(const td__stage_plan *p, int64_t epoch, double *lr);

/* Text on standard output (check_text.c) ... */
void td__print_model(const td__model_plan *p, td_module *m);
void td__print_stage(td__experiment *x, const td__train_stage *s, const td__trial *t);
void td__print_loader(td__experiment *x, const char *name, const td__loader_plan *p);
/* ... and JSON (check_json.c); null where there is none.  Shapes have null for the batch. */
json_t *td__model_json(const td__model_plan *p, td_module *m);
json_t *td__stage_json(td__experiment *x, const td__train_stage *s, const td__trial *t);
json_t *td__loader_json(td__experiment *x, const td__loader_plan *p);

#endif
