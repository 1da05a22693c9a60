/* A stage as it runs: networks, taps, criterion, optimiser, loaders. */
#ifndef TD__STAGE_H
#define TD__STAGE_H

#include "host/train/criterion.h"
#include "host/train/experiment.h"
#include "host/train/network.h"
#include "host/train/update.h"

/* A tap and who asked for it. */
typedef struct td__tap_use {
    td_tap tap;
    td__place at;
    int listed; /* in forward_hook */
    int used;   /* by a term or a wrapper */
} td__tap_use;

typedef struct td__step_graph td__step_graph; /* train/graph.h */

typedef struct td__train_stage {
    const td__stage_plan *plan;
    td__network student, teacher;
    td_io *io;
    td__tap_use *taps;
    size_t n_taps, tap_capacity;
    td__criterion criterion;
    td__optimizer optimizer;
    td__loader *train, *val; /* NULL while the stage is only designed; val: where there is none */
    td__step_graph *graph;   /* made by the first step where the backend captures; else NULL */
} td__train_stage;

/* Networks, hooks and criterion of stage `number` (from 0); no loaders and no optimiser.  Mistakes go to the
 * configuration's diagnostics.  `blank`: what is new in this stage holds zeros where it would hold draws, for trials.
 * 0, or -1; s->criterion.plan is NULL then where the networks cannot be built. */
int td__stage_design(td__experiment *x, size_t number, int blank, td__train_stage *s);
/* Ready to train.  The optimiser of `before` (NULL: none) may be taken over; before is closed in any case. TD__EXIT_OK,
 * or the exit code with the message printed. */
int td__stage_open(td__experiment *x, size_t number, td__train_stage *before, td__train_stage *s);
void td__stage_close(td__train_stage *s);

/* A step without backward pass of a stage designed blank, on the first td__trial_size samples (TD__TRIAL, more than one
 * for batch statistics, unless the batches are smaller), so that shapes which do not fit are found before anything is
 * trained; nothing changes but what was tapped (td__io_clear) and the states of terms.  Also whether the batches of an
 * epoch are large enough for the terms.  *bytes (NULL: not asked): what a sample would keep for the backward pass.  An
 * exit code: TD__EXIT_DATA where the samples cannot be read (c fails), TD__EXIT_CONFIG where the step fails, said in the
 * configuration's diagnostics at the place of the term, else of the stage. */
#define TD__TRIAL 2
int64_t td__trial_size(const td__stage_plan *p);
int td__stage_try(td__experiment *x, td__train_stage *s, size_t *bytes);

/* Finds, checks and hooks what the stage taps (taps.c). */
void td__stage_tap(td__experiment *x, td__train_stage *s);

/* batch -> teacher -> student -> auxiliary modules -> criterion.  The loss, a scalar of the caller's frame; its terms
 * stand in s->criterion, what was tapped in s->io until td__io_clear. */
td_tensor *td__stage_forward(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step);
/* One step of training: forward -> backward -> optimiser.  Replayed as a graph where that can be (train/graph.h). */
td_tensor *td__stage_step(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step);
/* The same, always done kernel by kernel. */
td_tensor *td__stage_run(td_ctx *c, td__train_stage *s, const td__batch *batch, int64_t epoch, int64_t step);

#endif
