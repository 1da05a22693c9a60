/* EmptyModule: stands for a network that a stage does not run; it returns what it is given. */
#include <td/td.h>

static td_value forward(td_ctx *c, td_module *m, td_value args)
{
    (void)c;
    (void)m;
    return args;
}

static const td_module_type type = {.name = "EmptyModule", .forward_value = forward};
static const td_param table[] = {TD_PARAM_END_OPEN};

/* The network it stands for is not adopted: it has nothing to do in this stage. */
static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    (void)params;
    (void)name;
    (void)model;
    return td_module_new(c, &type);
}

static const td_wrapper_type empty = {
    .type = {.key = "EmptyModule", .summary = "stands for a network that the stage does not run", .params = table},
    .build = build};

TD_PLUGIN(empty, "0.1.0", "MIT", "A network that does nothing", "wrapper:EmptyModule")
{
    td_register(reg, TD_KIND_WRAPPER, &empty);
}
