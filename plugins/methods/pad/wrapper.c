/* VarianceBranch4PAD: `var_estimator`, a linear layer and batch norm, estimates ln sigma^2 of one of the student's
 * embeddings from that embedding. */
#include "pad.h"

struct params {
    td_tap input_module;
    int64_t feat_dim;
    const char *var_estimator_ckpt;
};

static const td_param table[] = {TD_PARAM_TAP(struct params, input_module, td_student_tap, "the embedding"),
                                 TD_PARAM_INT(struct params, feat_dim, NULL, "its length", .min = 1, .max = 1e6),
                                 TD_PARAM_FILE(struct params, var_estimator_ckpt, "null",
                                               "weights: read if there, written after each epoch",
                                               .flags = TD_NULLABLE),
                                 TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *estimator;
};

static const td_module_type type = {
    .name = "VarianceBranch4PAD", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct params *p = params;
    td_module *m = td_wrap(c, &type, name, model);
    if (td_failed(c))
        return m;
    td_module *estimator = td_layer(c, m, "var_estimator", "Sequential", "{}");
    ((struct wrapped *)td_data(m))->estimator = estimator;
    td_layer(c, estimator, NULL, "Linear", "{in_features: %lld, out_features: %lld}", (long long)p->feat_dim,
             (long long)p->feat_dim);
    td_layer(c, estimator, NULL, "BatchNorm1d", "{num_features: %lld}", (long long)p->feat_dim);
    if (p->var_estimator_ckpt && !td_failed(c))
        td_host->load_module(c, estimator, p->var_estimator_ckpt);
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct params *p = params;
    td_call(c, ((struct wrapped *)td_data(self))->estimator, td_flatten(c, td_io_get(io, &p->input_module)));
}

static void post_epoch(td_ctx *c, const void *params, td_module *self)
{
    const struct params *p = params;
    if (p->var_estimator_ckpt)
        td_host->save_module(c, ((struct wrapped *)td_data(self))->estimator, p->var_estimator_ckpt);
}

const td_wrapper_type pad_student = {.type = {.key = "VarianceBranch4PAD",
                                              .summary = "a student that estimates the variance of its embedding",
                                              .params = table,
                                              .params_size = sizeof(struct params)},
                                     .build = build,
                                     .secondary_forward = secondary,
                                     .post_epoch = post_epoch};
