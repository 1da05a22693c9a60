#ifndef FT_H
#define FT_H
#include <td/td.h>

/* The two auxiliary wrappers; see wrappers.c. */
extern TD_HIDDEN const td_wrapper_type ft_teacher, ft_student;

#endif
