/* Shows more than its entry: untidy, harmless. */
#include "zoo.h"
TD_EXPORT int zoo_extra = 1;
static const td_loss_type loss = ZOO_LOSS("ExtraSymbol");
TD_PLUGIN(extra_symbol, "1.0", "MIT", "of the zoo", "loss:ExtraSymbol")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
