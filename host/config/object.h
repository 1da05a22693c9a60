/* Objects of the configuration: a registered type with bound parameters, built once and shared by all aliases. */
#ifndef TD__OBJECT_H
#define TD__OBJECT_H

#include "host/config/bind.h"

/* What a TD_P_OBJECT parameter points to. */
typedef struct td__object {
    uint32_t kind;       /* TD_KIND_… */
    const td_type
        *type; /* registered descriptor (cast to the kind's struct); NULL: node is a chain of transforms, or an
                            element of a function's value (`!access_by_index_or_key` on split_dataset) */
    void *params;        /* bound; in the arena */
    td__node *node;      /* where it was written */
    void *instance;      /* opened data set etc.: owned by whoever opened it; see data/dataset.h */
    struct td__object **chain; /* what a chain of transforms consists of, in order */
    size_t n_chain;
    td__node *transform, *target_transform; /* data sets: the host's own parameters (`transforms` is `transform`); NULL
                                               where absent */
} td__object;

/* The object a node stands for, bound and checked but not opened: a CALL, a map {key, args, kwargs} without other keys
 * (the native spelling), a NAME or a string that is a key.  A node gives the same object every time.  NULL with
 * diagnostics when it is none or not of this kind; the message lists the nearest registered keys and says when the kind
 * is another ("'KDLoss' is a loss, not a data set").  A data set's transforms are checked too. */
td__object *td__object_of(td__config *cfg, td__node *node, uint32_t kind);
/* The same from key and kwargs nodes that stand apart in a map which may hold more (`optimizer: {key: SGD, kwargs: {…},
 * grad_accum_step: 2}`); positional `args` are taken from owner.  A NULL key is reported as missing from owner; kwargs
 * may be NULL.  The object belongs to owner: asked again it is the same. */
td__object *td__object_from(td__config *cfg, td__node *key, td__node *kwargs, td__node *owner, uint32_t kind);

/* The transforms a node stands for, in order: one transform, a list, or a Compose (torchvision's, CustomCompose) of
 * these; NULL and null: none.  *out lives in the arena.  0, or -1 with diagnostics. */
int td__transform_chain(td__config *cfg, td__node *transform, td__object ***out, size_t *n);

/* Hook for values computed by functions (TD_KIND_FUNCTION): set by the plan, since it needs a context and opened data.
 * 0, or -1 with the reason in cfg->diag.  NULL: computed values are errors. */
extern int32_t (*td__call_function)(td__config *cfg, td__object *function, td_result *result);

#endif
