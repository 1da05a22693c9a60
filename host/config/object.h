/* Objects of the configuration: a registered type with bound parameters, built once and shared by all aliases. */
#ifndef TD__OBJECT_H
#define TD__OBJECT_H

#include "host/config/bind.h"

/* What a TD_P_OBJECT parameter points to. */
typedef struct td__object {
    uint32_t kind;       /* TD_KIND_… */
    const td_type *type; /* registered descriptor (cast to the kind's struct) */
    void *params;        /* bound; in the arena */
    td__node *node;      /* where it was written */
    void *instance;      /* opened data set etc.: owned by whoever opened it; see data/dataset.h */
    td__node *transform, *target_transform; /* data sets: the host's own parameters; NULL where absent */
} td__object;

/* The object a node stands for, bound and checked but not opened: a CALL, a map {key, kwargs} (the native spelling), or a
 * NAME.  NULL with diagnostics when it is none or not of this kind; the message lists the nearest registered key
 * and says when the kind is another ("'KDLoss' is a loss, not a data set") or which plugin folders were searched. */
td__object *td__object_of(td__config *cfg, td__node *node, uint32_t kind);
/* The same from key and kwargs nodes that stand apart (`optimizer: {key: SGD, kwargs: {…}}`). */
td__object *td__object_from(td__config *cfg, td__node *key, td__node *kwargs, td__node *owner, uint32_t kind);

/* Hook for values computed by functions (TD_KIND_FUNCTION): set by the plan, since it needs a context and opened data. */
extern int32_t (*td__call_function)(td__config *cfg, td__object *function, td_result *result);

#endif
