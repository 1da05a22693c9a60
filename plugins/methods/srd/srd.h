#ifndef SRD_H
#define SRD_H
#include <td/td.h>

/* The auxiliary wrapper of both networks; see wrapper.c. */
extern TD_HIDDEN const td_wrapper_type srd_wrapper;

#endif
