/* Open data sets. */
#ifndef TD__DATASET_H
#define TD__DATASET_H

#include "host/config/object.h"
#include "host/data/item.h"

/* What opens first is shared: see td__dataset_open.  References are counted on the main thread only; everything else
 * may be read by any number of loader threads. */
struct td_dataset {
    int refs;
    const char *name;                           /* key of the type, for messages */
    const td_dataset_type *type;                /* NULL for wrapped and split ones */
    const td_dataset_wrapper_type *wrapper;
    void *data;
    td_dataset *org;                            /* wrapped, or split from; a reference */
    int64_t *subset;                            /* split: positions in org; else NULL */
    int64_t length;
    td__object *const *transforms;              /* the chain, in order; lives in the configuration */
    size_t n_transforms;
    uint64_t seed;
    void **shared;                              /* where the configuration notes this data set, or NULL */
};

/* Opens the data set a node stands for: an object of kind "dataset", or an element of what a function returned (INDEX
 * of a CALL).  A node that is open already gives the same data set once more.  The caller owns one reference.  NULL
 * and c fails with the node's place. */
td_dataset *td__dataset_open(td_ctx *c, td__config *cfg, td__node *node, uint64_t seed);
/* A transform and a target transform as one chain in the configuration's arena, never NULL.  0, or c fails. */
int32_t td__dataset_chain(td_ctx *c, td__config *cfg, td__node *transform, td__node *target_transform,
                          td__object ***chain, size_t *n);
/* The same from a bound object: its parameters and a transform chain, which must outlive the data set.  Not shared. */
td_dataset *td__dataset_new(td_ctx *c, const td__object *object, td__object *const *transforms, size_t n_transforms,
                            uint64_t seed);
/* A data set made of another by a wrapper; takes a reference to org.  NULL and c fails. */
td_dataset *td__dataset_wrap(td_ctx *c, td__object *wrapper, td_dataset *org);
/* A view of chosen positions (copied) with transforms of its own (n of them, in the configuration; NULL: org's).
 * Takes a reference to org.  NULL and c fails. */
td_dataset *td__dataset_subset(td_ctx *c, td_dataset *org, const int64_t *positions, int64_t n,
                               td__object *const *transforms, size_t n_transforms);
td_dataset *td__dataset_retain(td_dataset *d);
void td__dataset_release(td_dataset *d); /* NULL is fine */

int64_t td__dataset_length(const td_dataset *d);
int64_t td__dataset_target(const td_dataset *d, int64_t index); /* class without decoding; -1 where unknown */
int64_t td__dataset_classes(const td_dataset *d);               /* -1 where unknown */
const char *td__dataset_class_name(const td_dataset *d, int64_t c); /* NULL where unknown */

/* One sample, transformed.  0, or an error in c that names data set and sample.  Any thread, each with its own c and
 * item. */
int32_t td__dataset_item(td_ctx *c, const td_dataset *d, int64_t index, int64_t epoch, td_item *item);
/* The two halves of it, for wrappers (td_api.dataset_get and dataset_transform). */
int32_t td__dataset_get(td_ctx *c, const td_dataset *d, int64_t index, td_item *item);
int32_t td__dataset_transform(td_ctx *c, const td_dataset *d, td_item *item);
/* The same by a transform, or a chain of them, that a wrapper got as a parameter (td_api.item_transform). */
int32_t td__item_transform(td_ctx *c, const void *object, td_item *item);

#endif
