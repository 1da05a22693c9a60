/* The tape: eager, define-by-run, reverse mode. */
#ifndef TD__TAPE_H
#define TD__TAPE_H

#include "host/tensor/tensor.h"

/* As td_api.apply: checks, infers, runs the kernel of c's backend, and records when c->grad is set and an input
 * requires a gradient. */
td_tensor *td__apply(td_ctx *c, const char *op, td_tensor *const *in, uint32_t n_in, const void *attrs,
                     uint32_t attrs_size, td_tensor **out, uint32_t n_out);

/* Gradients of a scalar with respect to every leaf that requires one, added to leaf->grad; then the tape is
 * empty.  `scale` multiplies the loss (1 / accumulation steps).  Order of additions is fixed. */
void td__backward(td_ctx *c, td_tensor *loss, double scale);
/* The same, and the tape stays for another loss that was recorded on it. */
void td__backward_keep(td_ctx *c, td_tensor *loss, double scale);
/* Forgets what was recorded; what it made and someone still holds no longer requires a gradient. */
void td__tape_clear(td_ctx *c);
void td__tape_free(td_ctx *c);
/* t, made by a node, ceases to be. */
void td__tape_forget(td_tensor *t);

/* Central differences against the gradient rules, in the dtype of the leaves (use float64 and the reference
 * backend): the largest |analytic - numeric| / max(1, |numeric|) over all elements of all leaves. */
double td__gradient_error(td_ctx *c, td_tensor *(*fn)(td_ctx *c, void *arg), void *arg, td_tensor *const *leaves,
                          size_t n_leaves, double step);

#endif
