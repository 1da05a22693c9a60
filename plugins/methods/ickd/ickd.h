#ifndef ICKD_H
#define ICKD_H
#include <td/td.h>

/* The student with convolutions that give it the teacher's channels; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type ickd_student;

#endif
