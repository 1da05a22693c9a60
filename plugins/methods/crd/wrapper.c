/* Linear4CRD: a network whose feature goes through a linear layer to a unit vector.  `empty` only passes the side
 * values of the batch by, so that the loss can tap them. */
#include "crd.h"

struct params {
    td_tap input;
    td_linear_kwargs linear_kwargs;
    double power;
};

static const td_param table[] = {
    TD_TAP_PATH(struct params, input, "input_module_path", NULL, TD_SIDE_STUDENT, "whose output is embedded"),
    TD_PARAM_STRUCT(struct params, linear_kwargs, td_linear_table, sizeof(td_linear_kwargs), NULL, "the embedding"),
    TD_PARAM_FLOAT(struct params, power, "2", "norm that is made 1", .min = 0.1, .max = 100), TD_PARAM_END_OPEN};

/* ---- normalizer ---- */

static td_tensor *normalizer_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    return td_normalize(c, x, *(const double *)td_data(m), 1, 1e-12);
}

static const td_module_type normalizer_type = {
    .name = "Normalizer4CRD", .data_size = sizeof(double), .forward = normalizer_forward};

/* ---- wrapper ---- */

struct wrapped {
    td_wrapped network;
    td_module *empty, *linear, *normalizer;
};

/* (batch[, side values]) */
static td_value forward(td_ctx *c, td_module *m, td_value args)
{
    const struct wrapped *w = td_data(m);
    td_value out = td_wrapped_forward(c, m, args.kind == TD_VALUE_TUPLE && args.n ? args.items[0] : args);
    if (args.kind == TD_VALUE_TUPLE && args.n > 1)
        td_call_value(c, w->empty, args.items[1]);
    return out;
}

static const td_module_type type = {
    .name = "Linear4CRD", .data_size = sizeof(struct wrapped), .forward_value = forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct params *p = params;
    td_module *m = td_wrap(c, &type, name, model);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    w->empty = td_layer(c, m, "empty", "Sequential", "{}");
    w->linear = td_linear_layer(c, m, "linear", &p->linear_kwargs);
    w->normalizer = td_adopt(c, m, "normalizer", td_module_new(c, &normalizer_type));
    if (!td_failed(c))
        *(double *)td_data(w->normalizer) = p->power;
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct wrapped *w = td_data(self);
    td_tap tap = {((const struct params *)params)->input.path, TD_OUTPUT, w->network.side};
    td_call(c, w->normalizer, td_call(c, w->linear, td_flatten(c, td_io_get(io, &tap))));
}

const td_wrapper_type crd_linear = {.type = {.key = "Linear4CRD",
                                             .summary = "a network with a linear embedding of one of its features",
                                             .params = table,
                                             .params_size = sizeof(struct params)},
                                    .build = build,
                                    .secondary_forward = secondary};
