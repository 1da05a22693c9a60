/* Classification accuracy: how often the right class is the first, or among the first five (of fewer, all are), as the
 * operation count_correct has it. */
#ifndef TD__ACCURACY_H
#define TD__ACCURACY_H

#include "host/data/loader.h"
#include "host/nn/module.h"

typedef struct td__accuracy {
    int64_t n, top1, top5; /* samples; right ones */
} td__accuracy;

double td__percent(int64_t right, int64_t n); /* 0 of nothing */

/* The whole data set through `model` in evaluation mode without gradients; its modes are left at evaluation.  What is
 * right is counted on the backend and read once, at the end.  `each` (NULL: none) hears of every batch.  An exit code; c
 * fails unless it is 0. */
int td__accuracy_measure(td_ctx *c, td_module *model, td__loader *loader,
                         void (*each)(void *user, int64_t batch, int64_t batches), void *user, td__accuracy *out);

#endif
