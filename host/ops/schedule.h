/* What an optimizer's kernel computes with: its attributes, and of a schedule in memory what it says instead. */
#ifndef TD__SCHEDULE_H
#define TD__SCHEDULE_H

#include <math.h>
#include <td/op.h>

/* schedule: learning rate and step, or NULL. */
static inline td_sgd_attrs td__sgd_attrs(const void *attrs, const double *schedule)
{
    td_sgd_attrs a = *(const td_sgd_attrs *)attrs;
    if (schedule) {
        a.lr = schedule[0];
        a.first = schedule[1] == 1;
    }
    return a;
}

static inline td_adam_attrs td__adam_attrs(const void *attrs, const double *schedule)
{
    td_adam_attrs a = *(const td_adam_attrs *)attrs;
    if (schedule) {
        a.lr = schedule[0];
        a.step = (int64_t)schedule[1];
    }
    return a;
}

/* What gradients are multiplied by whose squares sum to `total`, so that their norm is at most `most`; NaN of NaN. */
static inline double td__clip_factor(double most, double total)
{
    const double factor = most / (sqrt(total) + 1e-6);
    return factor > 1 ? 1 : factor;
}

#endif
