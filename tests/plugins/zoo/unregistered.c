/* Registers less than it says. */
#include "zoo.h"
static const td_loss_type loss = ZOO_LOSS("Registered");
TD_PLUGIN(unregistered, "1.0", "MIT", "of the zoo", "loss:Registered loss:Unregistered")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
