#ifndef MLKD_H
#define MLKD_H
#define TD_ABI_USE_MINOR 5 /* item_transform */
#include <td/td.h>

extern TD_HIDDEN const td_dataset_wrapper_type mlkd_views;     /* dataset.c */
extern TD_HIDDEN const td_forward_proc_type mlkd_forward_proc; /* dataset.c */

#endif
