/* From gradients to new parameters: accumulation, clipping, optimiser, schedule. */
#ifndef TD__UPDATE_H
#define TD__UPDATE_H

#include "host/autograd/together.h"
#include "host/train/network.h"

/* A parameter that is trained. */
typedef struct td__trained {
    char *name;        /* "student.layer1.0.conv1.weight", owned */
    td_tensor *tensor; /* a reference of its own: an optimiser that is kept outlives its stage */
    td_tensor **state; /* the optimiser's, in order of its state_names; owned */
    td_tensor *apart;  /* see td__optimizer_set_apart; owned, NULL between steps */
    const td__group_plan *group;
} td__trained;

typedef struct td__optimizer {
    const td__optimizer_plan *plan;
    const td__scheduler_plan *scheduler;
    td__trained *v;
    size_t n, capacity;
    int64_t backwards; /* in this stage */
    int64_t updates;   /* of this optimiser */
    int64_t schedule;  /* steps of this schedule */
    td__together together;  /* where updates of all parameters become one kernel */
    td_tensor **on_backend; /* see td__optimizer_publish; NULL where nothing is published */
} td__optimizer;

/* Collects what the stage trains, with zeroed optimiser state: of both networks and of the terms' modules.  Wrong paths
 * of module_wise_configs go to cfg->diag.  With `before` what the plan says is kept goes on where it was.  0, or -1. */
int td__optimizer_open(td_ctx *c, td__config *cfg, const td__stage_plan *plan, const td__network *student,
                       const td__network *teacher, td_module *const *states, td__optimizer *before, td__optimizer *out);
/* Warns of parameters in none of the modules that module_wise_configs lists. */
void td__optimizer_warn(td__config *cfg, const td__optimizer *o, const td__network *student,
                        const td__network *teacher);
void td__optimizer_close(td__optimizer *o);
double td__optimizer_lr(const td__optimizer *o); /* of the first group */

/* The gradients so far are the distilled part of what update_parts gets in this step; what comes from here on is the
 * other. */
void td__optimizer_set_apart(td__optimizer *o);
/* After a backward pass: updates when enough passes are accumulated, and steps a schedule that counts passes. */
void td__optimizer_step(td_ctx *c, td__optimizer *o);
/* From here on each group's learning rate and the number of the next update lie in float64 [2] on the backend, which this
 * call writes; it comes before each step that td__optimizer_step ends. */
void td__optimizer_publish(td_ctx *c, td__optimizer *o);
/* As td__optimizer_step, where the updates themselves are done otherwise (by a graph). */
void td__optimizer_stepped(td__optimizer *o);
/* Steps a schedule that counts epochs. */
void td__optimizer_end_epoch(td__optimizer *o);

#endif
