/* What a plugin should be. */
#include "zoo.h"
static const td_loss_type loss = ZOO_LOSS("ZooLoss");
TD_PLUGIN(good, "1.2.3", "MIT", "nothing is wrong with it", "loss:ZooLoss")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
