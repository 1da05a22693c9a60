/* tdhost SDK: what all registered types share. */
#ifndef TD_KINDS_BASE_H
#define TD_KINDS_BASE_H

#include <td/nn.h>

/* Head of every descriptor.  The host copies it; the strings and tables it points to must be static. */
typedef struct td_type {
    const char *key;        /* the name configurations use, e.g. "KDLoss" */
    const char *aliases;    /* further names, separated by spaces, e.g. "torchvision.datasets.CIFAR10"; or NULL */
    const char *summary;    /* one line */
    const td_param *params; /* ended by TD_PARAM_END; NULL: none */
    uint32_t params_size;   /* bytes of the struct the table fills */
    uint32_t reserved;
} td_type;

#define TD_KIND_MODEL 1u
#define TD_KIND_LAYER 2u /* also adaptation modules */
#define TD_KIND_WRAPPER 3u /* auxiliary model wrappers */
#define TD_KIND_LOSS 4u
#define TD_KIND_LOSS_WRAPPER 5u
#define TD_KIND_CRITERION 6u
#define TD_KIND_DATASET 7u
#define TD_KIND_DATASET_WRAPPER 8u
#define TD_KIND_TRANSFORM 9u
#define TD_KIND_SAMPLER 10u
#define TD_KIND_FORWARD_PROC 11u
#define TD_KIND_OPTIMIZER 12u
#define TD_KIND_SCHEDULER 13u
#define TD_KIND_FUNCTION 14u /* computes configuration values, e.g. split_dataset */
#define TD_KIND_BACKEND 15u
#define TD_KIND_OP 16u

#endif
