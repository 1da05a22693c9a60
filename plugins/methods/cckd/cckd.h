#ifndef CCKD_H
#define CCKD_H
#include <td/td.h>

/* A network with a linear embedding; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type cckd_linear;

#endif
