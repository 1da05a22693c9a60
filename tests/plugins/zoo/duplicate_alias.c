/* Another plugin's key as an alias, which a note does not tell. */
#include "zoo.h"
static const td_loss_type loss = {.type = {.key = "OtherLoss", .aliases = "zoo.Other ZooLoss"}, .compare = zoo_compare};
TD_PLUGIN(duplicate_alias, "1.0", "MIT", "of the zoo", "loss:OtherLoss")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
