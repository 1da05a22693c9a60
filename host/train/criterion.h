/* The criterion of a stage: terms on what was tapped, combined to the loss that is minimised. */
#ifndef TD__CRITERION_H
#define TD__CRITERION_H

#include "host/train/io.h"
#include "host/train/plan.h"

typedef struct td__criterion {
    const td__criterion_plan *plan;
    td_module **states; /* a term's own module, or NULL; n_terms of them */
    td_term *terms;     /* of the last step: values live as long as the caller's frame */
    char *distils;      /* whether each of them read something of the teacher */
    size_t n, capacity, distils_capacity;
    const td__term_plan *failed; /* in which of them the context failed, also in its build; NULL: in none */
} td__criterion;

/* Makes the terms' states, drawing from `seed`.  0, or -1 and c fails. */
int td__criterion_open(td_ctx *c, const td__criterion_plan *plan, uint64_t seed, td__criterion *out);
void td__criterion_close(td__criterion *k);
/* The loss, behind its wrapper (NULL: none), on what was tapped: of the caller's frame. */
td_tensor *td__loss_forward(td_ctx *c, const td__object *loss, const td__object *wrapper, td_io *io);
/* The loss of this step, a scalar; k->terms has the n parts it is made of. */
td_tensor *td__criterion_loss(td_ctx *c, td__criterion *k, td_io *io);
/* The part of that loss which reads the teacher, or the other one.  Without such a term c fails. */
td_tensor *td__criterion_part(td_ctx *c, const td__criterion *k, int distilled);
double td__term_number(td_ctx *c, const td_term *t); /* waits for the device */
/* "ce = 2.31 (weight 1), kd = nan (weight 0.5)" into buf. */
char *td__criterion_text(td_ctx *c, const td__criterion *k, char *buf, size_t size);

#endif
