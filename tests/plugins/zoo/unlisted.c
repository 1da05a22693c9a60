/* Registers more than it says. */
#include "zoo.h"
static const td_loss_type listed = ZOO_LOSS("Listed"), unlisted = ZOO_LOSS("Unlisted");
TD_PLUGIN(unlisted, "1.0", "MIT", "of the zoo", "loss:Listed")
{
    td_register(reg, TD_KIND_LOSS, &listed);
    td_register(reg, TD_KIND_LOSS, &unlisted);
}
