#ifndef OFD_H
#define OFD_H
#include <td/td.h>

/* The teacher with its margin ReLUs; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type ofd_margins;

#endif
