/* One parameter's value, for the files of this folder only. */
#ifndef TD__VALUE_H
#define TD__VALUE_H

#include "host/config/bind.h"

/* Sets the struct's member p from n (never NULL) or reports in cfg->diag what is wrong with it, naming `owner`. */
void td__bind_value(td__config *cfg, const char *owner, const td_param *p, td__node *n, void *params);
/* Whether null is a value of p. */
int td__param_nullable(const td_param *p);
/* How `min` and `max` limit an INT or FLOAT: bit 0: there is a minimum, bit 1: there is a maximum. */
int td__param_limits(const td_param *p);

#endif
