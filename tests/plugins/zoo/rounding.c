#include <fenv.h>
#include "zoo.h"
static const td_loss_type loss = ZOO_LOSS("Rounding");
TD_PLUGIN(rounding, "1.0", "MIT", "of the zoo", "loss:Rounding")
{
    fesetround(FE_UPWARD);
    td_register(reg, TD_KIND_LOSS, &loss);
}
