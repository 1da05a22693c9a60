#ifndef SRRL_H
#define SRRL_H
#include <td/td.h>

/* The student with its connector and the teacher's classifier; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type srrl_student;

#endif
