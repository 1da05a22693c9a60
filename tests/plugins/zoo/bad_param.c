#include "zoo.h"
struct params { double weight; };
static const td_param table[] = {
    TD_PARAM_FLOAT(struct params, weight, "1", "fits"),
    {.name = "beyond", .type = TD_P_INT, .offset = 8, .def = "0", .doc = "does not fit"}, TD_PARAM_END};
static const td_loss_type loss = {.type = {.key = "BadParam", .params = table, .params_size = sizeof(struct params)}, .compare = zoo_compare};
TD_PLUGIN(bad_param, "1.0", "MIT", "of the zoo", "loss:BadParam")
{
    td_register(reg, TD_KIND_LOSS, &loss);
}
