#include "zoo.h"
static const td_model_type model = {.type = {.key = "NoCallback"}};
TD_PLUGIN(no_callback, "1.0", "MIT", "of the zoo", "model:NoCallback")
{
    td_register(reg, TD_KIND_MODEL, &model);
}
