/* Built with a later SDK whose td_loss_type has one more function, and uses it. */
#include "zoo.h"
static const struct { td_loss_type known; void (*later)(void); } loss = {ZOO_LOSS("TooNew"), (void (*)(void))zoo_compare};
TD_PLUGIN(too_new, "1.0", "MIT", "of the zoo", "loss:TooNew")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
