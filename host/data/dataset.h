/* Open data sets and the items that leave them. */
#ifndef TD__DATASET_H
#define TD__DATASET_H

#include "host/base/ctx.h"
#include "host/config/object.h"

struct td_dataset {
    int refs;
    const td_dataset_type *type;                /* NULL for wrapped and split ones */
    const td_dataset_wrapper_type *wrapper;
    const void *params;
    void *data;
    td_dataset *org;                            /* wrapped, or split from */
    int64_t *subset;                            /* split: positions in org; else NULL */
    int64_t subset_n;
    td__object **transforms;                    /* the chain, in order */
    size_t n_transforms;
    uint64_t seed;
};

struct td_item {
    td_item_head head; /* first: td_item_of */
    uint64_t seed;
    uint64_t use;      /* what the next draw is for */
    struct td__item_supp { const char *name; td_desc d; void *data; } *supp;
    size_t n_supp;
    void *buffers[2];  /* pixels or values change sides as transforms run */
    size_t sizes[2];
    int current;
    td__arena *arena;  /* names and side values; emptied with the item */
};

/* Opens the data set an object or function node stands for; shared nodes give the same data set (one more reference). */
td_dataset *td__dataset_open(td_ctx *c, td__config *cfg, td__node *node, uint64_t seed);
td_dataset *td__dataset_wrap(td_ctx *c, td__object *wrapper, td_dataset *org);
/* A view of chosen positions with transforms of its own (n of them; NULL: org's). Takes a reference to org. */
td_dataset *td__dataset_subset(td_ctx *c, td_dataset *org, const int64_t *positions, int64_t n, td__object **transforms, size_t n_transforms);
td_dataset *td__dataset_retain(td_dataset *d);
void td__dataset_release(td_dataset *d);
int64_t td__dataset_length(const td_dataset *d);
int64_t td__dataset_target(const td_dataset *d, int64_t index);
int64_t td__dataset_classes(const td_dataset *d);
/* One sample, transformed. 0, or an error in c that names data set and index. */
int32_t td__dataset_item(td_ctx *c, const td_dataset *d, int64_t index, int64_t epoch, td_item *item);

td_item *td__item_new(void);
void td__item_free(td_item *item);

#endif
