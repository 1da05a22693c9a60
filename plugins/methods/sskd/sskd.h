#ifndef SSKD_H
#define SSKD_H
#include <td/td.h>

extern TD_HIDDEN const td_wrapper_type sskd_wrapper;           /* wrapper.c */
extern TD_HIDDEN const td_dataset_wrapper_type sskd_rotations; /* dataset.c */
extern TD_HIDDEN const td_forward_proc_type sskd_forward_proc; /* dataset.c */

#endif
