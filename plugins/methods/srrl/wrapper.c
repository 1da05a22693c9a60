/* SRRL's student: beside the network a connector of its last feature to the teacher's channels, and a copy of the
 * teacher's classifier, which is not trained.  Neither is deployed. */
#include "srrl.h"

struct params {
    td_tap input;
    int64_t in_channels, out_channels, num_classes;
    const char *teacher_classifier_path;
    int32_t bias;
};

static const td_param table[] = {
    TD_TAP_PATH(struct params, input, "input_module_path", NULL, TD_SIDE_STUDENT,
                "the student's last feature, pooled or not"),
    TD_PARAM_INT(struct params, in_channels, NULL, "of that feature", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct params, out_channels, NULL, "of the teacher's", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct params, num_classes, NULL, "outputs of the teacher's classifier", .min = 1, .max = 1e6),
    TD_PARAM_STRING(struct params, teacher_classifier_path, "fc", "the linear layer that is copied"),
    TD_PARAM_BOOL(struct params, bias, "true", "whether that layer has one"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *connector, *classifier;
};

static const td_module_type type = {
    .name = "Student4SRRL", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct params *p = params;
    td_module *m = td_wrap(c, &type, name, model);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    w->connector = td_layer(c, m, "connector", "Sequential", "{}");
    td_conv_layer(c, w->connector, NULL, p->in_channels, p->out_channels, 1, 1);
    td_norm_layer(c, w->connector, NULL, p->out_channels);
    td_layer(c, w->connector, NULL, "ReLU", "{}");
    w->classifier = td_frozen_linear(c, m, "classifier", p->out_channels, p->num_classes, p->bias);
    return m;
}

static void connect(td_ctx *c, const void *params, td_module *self, td_module *teacher)
{
    const struct wrapped *w = td_data(self);
    td_copy_linear(c, w->classifier, teacher, ((const struct params *)params)->teacher_classifier_path);
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct wrapped *w = td_data(self);
    td_tap tap = {((const struct params *)params)->input.path, TD_OUTPUT, w->network.side};
    td_tensor *f = td_io_get(io, &tap);
    if (td_ndim(f) == 2) {
        int64_t map[] = {td_dim(f, 0), td_dim(f, 1), 1, 1};
        f = td_reshape(c, f, 4, map);
    }
    f = td_call(c, w->connector, f);
    td_call(c, w->classifier, td_mean(c, f, TD_DIM(2) | TD_DIM(3), 0));
}

const td_wrapper_type srrl_student = {
    .type = {.key = "Student4SRRL",
             .summary = "a student whose feature is classified by the teacher's classifier behind a connector",
             .params = table,
             .params_size = sizeof(struct params)},
    .build = build,
    .secondary_forward = secondary,
    .connect = connect};
