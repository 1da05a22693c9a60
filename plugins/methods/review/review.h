#ifndef REVIEW_H
#define REVIEW_H
#include <td/td.h>

/* The student with its chain of fusions; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type review_student;

#endif
