/* Data sets whose pixels lie on the backend, where batches are made of them. */
#ifndef TD__RESIDENT_H
#define TD__RESIDENT_H

#include "host/data/loader.h"

typedef struct td__resident td__resident;

/* NULL where d cannot be one: its transforms are more than `augment` does, its samples are not 8-bit images of one
 * size, are drawn anew each time, have side values, or are too many for the backend's memory.  Then c may not have
 * failed. */
td__resident *td__resident_new(td_ctx *c, const td_dataset *d);
void td__resident_free(td__resident *r); /* NULL is fine */
/* The samples at n positions as td__loader_next gives them, with the same bits.  0, or c fails. */
int td__resident_batch(td_ctx *c, const td__resident *r, const int64_t *positions, int64_t n, int64_t epoch,
                       td__batch *out);

#endif
