/* Needs a function nobody has. */
#include "zoo.h"
void zoo_nobody_has_this(void);
static const td_loss_type loss = ZOO_LOSS("Undefined");
TD_PLUGIN(undefined, "1.0", "MIT", "of the zoo", "loss:Undefined")
{
    zoo_nobody_has_this();
    td_register(reg, TD_KIND_LOSS, &loss);
}
