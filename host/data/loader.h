/* Batches: worker threads decode ahead of the training loop.  A batch is the same whatever the number of workers. */
#ifndef TD__LOADER_H
#define TD__LOADER_H

#include "host/data/dataset.h"
#include "host/tensor/tensor.h"

typedef struct td__loader td__loader;

typedef struct td__loader_options {
    int64_t batch_size;
    int32_t drop_last;
    int32_t workers;  /* 0: the calling thread decodes */
    uint64_t seed;    /* of the order; draws of transforms come from the data set's */
    const td__object *sampler; /* NULL: in order */
    int32_t resident; /* where it can be the data set lies on the backend, and nothing is decoded while training */
} td__loader_options;

typedef struct td__batch {
    td_tensor *input;  /* float32 [B,C,H,W] */
    td_tensor *target; /* int64 [B]; NULL where the data has none */
    td_tensor *index;  /* int64 [B] */
    size_t n_supp;
    const char *const *supp_names;
    td_tensor *const *supp; /* [B, ...] */
    int64_t size;
} td__batch;

/* Takes a reference to the data set.  NULL and c fails: options without sense, no memory, no threads. */
td__loader *td__loader_new(td_ctx *c, td_dataset *d, const td__loader_options *o);
void td__loader_free(td__loader *l); /* also in mid-epoch; NULL is fine */
int64_t td__loader_batches(const td__loader *l); /* in an epoch */
int64_t td__loader_samples(const td__loader *l); /* in an epoch */
int64_t td__loader_length(const td__loader *l);  /* of the data set */
/* Starts an epoch at a batch (0, or where a run was interrupted), also in the middle of another.  0, or -1 and c
 * fails. */
int td__loader_start(td_ctx *c, td__loader *l, int64_t epoch, int64_t first_batch);
/* The next batch, its tensors in c's current frame.  1: one is there, 0: the epoch is over, -1: c has failed. */
int td__loader_next(td_ctx *c, td__loader *l, td__batch *out);
double td__loader_wait(const td__loader *l); /* seconds the caller has waited for data since start */

#endif
