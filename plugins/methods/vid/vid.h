#ifndef VID_H
#define VID_H
#include <td/td.h>

/* The student with regressors of the teacher's feature maps; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type vid_student;

#endif
