/* Another plugin's key. */
#include "zoo.h"
static const td_loss_type loss = ZOO_LOSS("ZooLoss");
TD_PLUGIN(duplicate, "1.0", "MIT", "of the zoo", "loss:ZooLoss")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
