/* Configuration values that functions compute (TD_KIND_FUNCTION): some need data sets to be open. */
#ifndef TD__FUNCTIONS_H
#define TD__FUNCTIONS_H

#include "host/data/dataset.h"

/* From now on computed values of any configuration are computed (sets td__call_function), with errors and memory in c.
 * The data sets that takes stay open, so that whoever opens them next need not read them again, until the next call; c
 * NULL ends it. */
void td__functions_use(td_ctx *c, uint64_t seed);

/* Calls a function.  0, or -1 and c fails.  A list of data sets in the result is the caller's. */
int32_t td__function_call(td_ctx *c, td__config *cfg, uint64_t seed, const td__object *function, td_result *result);

#endif
