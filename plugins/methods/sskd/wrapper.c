/* SSWrapper4SSKD: one of a network's features, flattened, goes through `ss_module`, linear, ReLU and linear, to the
 * embedding whose similarities SSKD compares. */
#include "sskd.h"

struct params {
    td_tap input_module;
    int64_t feat_dim;
    const char *ss_module_ckpt;
    int32_t freezes_ss_module;
};

static const td_param table[] = {
    TD_PARAM_TAP(struct params, input_module, td_student_tap, "the feature"),
    TD_PARAM_INT(struct params, feat_dim, NULL, "its length when flattened", .min = 1, .max = 1e6),
    TD_PARAM_FILE(struct params, ss_module_ckpt, "null",
                  "weights of the module: read if there, written after each epoch it trains", .flags = TD_NULLABLE),
    TD_PARAM_BOOL(struct params, freezes_ss_module, "false", "of a teacher: the module is not trained any more"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *ss_module;
};

static const td_module_type type = {
    .name = "SSWrapper4SSKD", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct params *p = params;
    long long d = p->feat_dim;
    td_module *m = td_module_new(c, &type);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    w->network.side = name[0] == 't' ? TD_TEACHER : TD_STUDENT;
    w->network.model = td_adopt(c, m, "model", model); /* torchdistill's name, on both sides */
    if (p->freezes_ss_module && w->network.side == TD_STUDENT)
        td_fail(c, "freezes_ss_module is for a teacher; a student's module is frozen by frozen_modules: [ss_module]");
    w->ss_module = td_layer(c, m, "ss_module", "Sequential", "{}");
    td_layer(c, w->ss_module, NULL, "Linear", "{in_features: %lld, out_features: %lld}", d, d);
    td_layer(c, w->ss_module, NULL, "ReLU", "{}");
    td_layer(c, w->ss_module, NULL, "Linear", "{in_features: %lld, out_features: %lld}", d, d);
    if (p->ss_module_ckpt && !td_failed(c))
        td_host->load_module(c, w->ss_module, p->ss_module_ckpt);
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct params *p = params;
    const struct wrapped *w = td_data(self);
    td_tap tap = p->input_module;
    tap.side = w->network.side;
    td_tensor *feature = td_flatten(c, td_io_get(io, &tap));
    int32_t was = p->freezes_ss_module ? td_host->set_grad(c, 0) : 0;
    td_call(c, w->ss_module, feature);
    if (p->freezes_ss_module)
        td_host->set_grad(c, was);
}

static void post_epoch(td_ctx *c, const void *params, td_module *self)
{
    const struct params *p = params;
    if (p->ss_module_ckpt && !p->freezes_ss_module)
        td_host->save_module(c, ((struct wrapped *)td_data(self))->ss_module, p->ss_module_ckpt);
}

const td_wrapper_type sskd_wrapper = {.type = {.key = "SSWrapper4SSKD",
                                               .summary = "a network with a self-supervised embedding of a feature",
                                               .params = table,
                                               .params_size = sizeof(struct params)},
                                      .build = build,
                                      .secondary_forward = secondary,
                                      .post_epoch = post_epoch};
