#ifndef KTAAD_H
#define KTAAD_H
#include <td/td.h>

/* The student with a feature and an affinity adapter; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type ktaad_student;

#endif
