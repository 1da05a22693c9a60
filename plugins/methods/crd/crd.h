#ifndef CRD_H
#define CRD_H
#include <td/td.h>

extern TD_HIDDEN const td_wrapper_type crd_linear;            /* wrapper.c */
extern TD_HIDDEN const td_dataset_wrapper_type crd_dataset; /* dataset.c */

#endif
