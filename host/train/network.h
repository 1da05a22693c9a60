/* One network of a stage: a model, pruned, wrapped, frozen as the stage says. */
#ifndef TD__NETWORK_H
#define TD__NETWORK_H

#include "host/train/io.h"
#include "host/train/plan.h"

typedef struct td__network {
    const td__network_plan *plan;
    td_module *original; /* the experiment's model; shared with root */
    td_module *root;     /* what runs in this stage; NULL: the stage has no such network */
} td__network;

/* Whether the stage has a wrapper whose output is the student's prediction (TD_WRAPPER_PREDICTS). */
int td__predicts(const td__network_plan *plan);
/* The stage's wrapper around the model, pruned as the stage says; loose.  NULL: c or cfg->diag says why. */
td_module *td__network_wrap(td_ctx *c, td__config *cfg, const td__network_plan *plan, td_module *model);
/* Derives the stage's network from the model; weights stay shared.  `wrapped`: the wrapper, if it is already there,
 * else NULL.  New modules (wrapper, adaptations) draw from `seed`. Wrong paths go to cfg->diag at their places, other
 * failures to the place of the section.  0, or -1 when there is no network then; one whose frozen_modules are wrong is
 * still there. */
int td__network_build(td_ctx *c, td__config *cfg, const td__network_plan *plan, td_module *model, td_module *wrapped,
                      uint64_t seed, td__network *out);
/* Both networks are there: the wrapper takes what it needs of the other.  A failure goes to cfg->diag. */
void td__network_connect(td_ctx *c, td__config *cfg, const td__network *n, const td__network *other);
/* Hooks cleared, everything trainable again, as it was before the stage. */
void td__network_close(td__network *n);

/* The module a tap of the configuration means; "+name" is one of `adaptations`.  NULL: no such path. */
td_module *td__network_find(const td__network *n, const char *path);
int td__trains(td_module *root); /* whether any parameter below wants a gradient */
/* Training and evaluation modes for a step. */
void td__network_set_modes(const td__network *n);
/* Batch in, output under "." of the io.  Without requires_grad nothing is recorded. */
void td__network_forward(td_ctx *c, const td__network *n, const td__batch *batch, td_io *io);
/* The wrapper's extra modules on what was tapped. */
void td__network_secondary(td_ctx *c, const td__network *n, td_io *io);
void td__network_end_epoch(td_ctx *c, const td__network *n);

/* "student: no module 'fcc' (did you mean 'fc'?)" at that place. */
void td__no_such_module(td_ctx *c, td__config *cfg, const char *network, td_module *root, const char *path,
                        td__place at);
/* A failure of c becomes a diagnostic; c is clear again.  0: there was none, else -1. */
int td__diag_take(td_ctx *c, td__config *cfg, td__place at);

#endif
