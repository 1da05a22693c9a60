#ifndef CATKD_H
#define CATKD_H
#include <td/td.h>

/* A network with its class activation maps; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type catkd_cam;

#endif
