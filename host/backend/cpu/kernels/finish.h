/* What is done to the results of a convolution while they are in the cache. */
#ifndef TD__CPU_FINISH_H
#define TD__CPU_FINISH_H

#include "host/backend/cpu/vec.h"
#include <td/td.h>

#define td__finish_all TD__ISA(td__finish_all)
#define td__norm_finish TD__ISA(td__norm_finish)

/* run(work, first, n): pixels [first, first + n) of the result, all channels, are complete. */
typedef struct td__finish {
    void (*run)(const void *work, int64_t first, int64_t n);
    const void *work;
    int64_t pixels, channels;
} td__finish;

/* All pixels, in parallel; finish NULL: nothing to do. */
void td__finish_all(const td__finish *finish);

/* Batch normalization of y in place with constant statistics, + residual, ReLU: the bits of batch_norm.  norm: weight,
 * bias, running_mean, running_var, residual; data NULL where not given.  0, or -1: out of memory, recorded in r. */
int td__norm_finish(td_run *r, const td_view *y, const td_view norm[5], double eps, int relu, td__finish *out);

#endif
