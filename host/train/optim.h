/* The optimizers and learning-rate schedules the host brings. */
#ifndef TD__OPTIM_H
#define TD__OPTIM_H

#include <td/kinds.h>

/* Each registers its types; 0, or -1 with the reason logged. */
int td__register_optimizers(void);
int td__register_schedulers(void);
/* Whether updates of this type read c->schedule where it is set. */
int td__reads_schedule(const td_optimizer_type *type);

#endif
