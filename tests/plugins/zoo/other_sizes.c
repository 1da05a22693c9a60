/* A descriptor that was shorter in an earlier SDK, and one that is longer in a later one and does not use it. */
#include "zoo.h"
static const td_loss_type shorter = ZOO_LOSS("Shorter");
static const struct { td_loss_type known; void (*later)(void); } longer = {ZOO_LOSS("Longer"), NULL};
TD_PLUGIN(other_sizes, "1.0", "MIT", "of the zoo", "loss:Shorter loss:Longer")
{
    td_host->register_type(reg, TD_KIND_LOSS, &shorter, offsetof(td_loss_type, build));
    td_register(reg, TD_KIND_LOSS, &longer);
}
