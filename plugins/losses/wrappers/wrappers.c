/* SimpleLossWrapper and DictLossWrapper: they feed a low-level loss from tapped tensors. */
#include <td/td.h>

struct side {
    td_tap tap;
    int32_t is_from_teacher, uses_label;
};
struct simple_params {
    struct side input, target;
};

#define TAP_PARAMS \
    TD_PARAM_BOOL(struct side, is_from_teacher, "false", "which network the tensor comes from"), \
    TD_TAP_EITHER(struct side, tap, "module_path", "io", ".")

static const td_param input_table[] = {TAP_PARAMS, TD_PARAM_END};
static const td_param target_table[] = {
    TD_PARAM_BOOL(struct side, uses_label, "false", "compare with the sample's class instead of a tensor"), TAP_PARAMS,
    TD_PARAM_END};

#define SIDES                                                                                                          \
    TD_PARAM_STRUCT(struct simple_params, input, input_table, sizeof(struct side), NULL,                               \
                    "the tensor that is trained"),                                                                     \
        TD_PARAM_STRUCT(struct simple_params, target, target_table, sizeof(struct side), NULL, "what it should be")

static const td_param simple_table[] = {SIDES, TD_PARAM_END_OPEN};

static td_tensor *target_of(td_ctx *c, const struct side *s, td_io *io)
{
    if (!s->uses_label)
        return td_io_get(io, &s->tap);
    if (!td_io_of(io)->target)
        td_fail(c, "the criterion compares with labels, but the data set has none");
    return td_io_of(io)->target;
}

static td_tensor *simple_forward(td_ctx *c, const void *params, const td_loss_type *loss, const void *loss_params,
                                 td_io *io)
{
    const struct simple_params *p = params;
    return loss->compare(c, loss_params, td_io_get(io, &p->input.tap), target_of(c, &p->target, io));
}

/* ---- a network that returns a dict: a weighted sum over its entries ---- */

struct dict_params {
    struct simple_params sides;
    td_list weights; /* doubles by entry name */
};

static const td_param dict_table[] = {
    SIDES, TD_PARAM_FLOAT_MAP(struct dict_params, weights, NULL, "factor of each entry of the output"),
    TD_PARAM_END_OPEN};

static td_tensor *dict_forward(td_ctx *c, const void *params, const td_loss_type *loss, const void *loss_params,
                               td_io *io)
{
    const struct dict_params *p = params;
    td_value outputs = td_io_value(io, &p->sides.input.tap);
    td_tensor *target = target_of(c, &p->sides.target, io), *sum = NULL;
    const double *weight = p->weights.v;
    for (int64_t i = 0; i < p->weights.n; i++) {
        td_value v = td_dict_get(outputs, p->weights.keys[i]);
        if (v.kind == TD_VALUE_NONE)
            td_fail(c, "the output of '%s' has no entry '%s'", p->sides.input.tap.path, p->weights.keys[i]);
        if (weight[i] == 0 || td_failed(c))
            continue;
        td_tensor *term = td_scale(c, loss->compare(c, loss_params, td_tensor_of(c, v), target), weight[i]);
        sum = sum ? td_add(c, sum, term) : term;
    }
    return sum ? sum : td_scalar(c, TD_FLOAT32, 0);
}

static const td_loss_wrapper_type simple = {
    .type = {.key = "SimpleLossWrapper",
             .summary = "a low-level loss between two tapped tensors, or one and the labels",
             .params = simple_table,
             .params_size = sizeof(struct simple_params)},
    .forward = simple_forward};
static const td_loss_wrapper_type dict = {.type = {.key = "DictLossWrapper",
                                                   .summary = "a low-level loss over the entries of a dict, weighted",
                                                   .params = dict_table,
                                                   .params_size = sizeof(struct dict_params)},
                                          .forward = dict_forward};

TD_PLUGIN(wrappers, "0.1.0", "MIT", "Low-level losses on tapped tensors",
          "loss_wrapper:SimpleLossWrapper loss_wrapper:DictLossWrapper")
{
    td_register(reg, TD_KIND_LOSS_WRAPPER, &simple);
    td_register(reg, TD_KIND_LOSS_WRAPPER, &dict);
}
