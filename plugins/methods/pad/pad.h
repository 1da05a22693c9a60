#ifndef PAD_H
#define PAD_H
#include <td/td.h>

/* The student with a branch that estimates the variance of its embedding; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type pad_student;

#endif
