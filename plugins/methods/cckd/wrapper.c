/* Linear4CCKD: a network one of whose features goes, flattened, through a linear layer called `linear`. */
#include "cckd.h"

struct params {
    td_tap input_module;
    td_linear_kwargs linear_kwargs;
};

static const td_param table[] = {
    TD_PARAM_TAP(struct params, input_module, td_student_tap, "what is embedded"),
    TD_PARAM_STRUCT(struct params, linear_kwargs, td_linear_table, sizeof(td_linear_kwargs), NULL, "the embedding"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *linear;
};

static const td_module_type type = {
    .name = "Linear4CCKD", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const td_linear_kwargs *p = &((const struct params *)params)->linear_kwargs;
    td_module *m = td_wrap(c, &type, name, model);
    if (!td_failed(c))
        ((struct wrapped *)td_data(m))->linear = td_linear_layer(c, m, "linear", p);
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct wrapped *w = td_data(self);
    td_tap tap = ((const struct params *)params)->input_module;
    tap.side = w->network.side;
    td_call(c, w->linear, td_flatten(c, td_io_get(io, &tap)));
}

const td_wrapper_type cckd_linear = {.type = {.key = "Linear4CCKD",
                                              .summary = "a network with a linear embedding of one of its features",
                                              .params = table,
                                              .params_size = sizeof(struct params)},
                                     .build = build,
                                     .secondary_forward = secondary};
