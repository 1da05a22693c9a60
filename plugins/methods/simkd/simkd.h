#ifndef SIMKD_H
#define SIMKD_H
#include <td/td.h>

/* The student with projector and the teacher's classifier; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type simkd_student;

#endif
