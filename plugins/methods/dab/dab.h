#ifndef DAB_H
#define DAB_H
#include <td/td.h>

/* The student with its connectors; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type dab_connectors;

#endif
