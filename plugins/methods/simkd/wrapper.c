/* SimKD's student: the network up to its last feature map, a projector to the teacher's channels, and a copy of the
 * teacher's classifier, which is not trained. */
#include "simkd.h"

struct params {
    int64_t in_channels, out_channels, num_classes, factor, output_size;
    const char *teacher_classifier_path;
    int32_t bias;
};

static const td_param table[] = {
    TD_PARAM_INT(struct params, in_channels, NULL, "of the student's last feature map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct params, out_channels, NULL, "of the teacher's", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct params, num_classes, NULL, "outputs of the teacher's classifier", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct params, factor, "2", "by which the projector's inner channels are fewer", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct params, output_size, "null", "side to which the student's map is averaged first", .min = 1,
                 .max = 65536, .flags = TD_NULLABLE),
    TD_PARAM_STRING(struct params, teacher_classifier_path, "fc", "the linear layer that is copied"),
    TD_PARAM_BOOL(struct params, bias, "true", "whether that layer has one"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *projector, *avgpool, *classifier;
    int64_t output_size; /* TD_NONE_INT: the map's own */
};

static td_value forward(td_ctx *c, td_module *m, td_value args)
{
    const struct wrapped *w = td_data(m);
    td_tensor *f = td_tensor_of(c, td_wrapped_forward(c, m, args));
    if (td_ndim(f) != 4)
        td_fail(c, "the wrapped student gives no feature map: `sequential` beside the wrapper's key ends with the "
                   "module that does");
    if (w->output_size != TD_NONE_INT)
        f = td_adaptive_avg_pool2d(c, f, w->output_size, w->output_size);
    td_tensor *pooled = td_call(c, w->avgpool, td_call(c, w->projector, f));
    return td_value_of(td_call(c, w->classifier, td_flatten(c, pooled)));
}

static const td_module_type type = {
    .name = "Student4SimKD", .data_size = sizeof(struct wrapped), .forward_value = forward};

static void conv_bn_relu(td_ctx *c, td_module *m, int64_t in, int64_t out, int64_t k)
{
    td_conv_layer(c, m, NULL, in, out, k, 1);
    td_norm_layer(c, m, NULL, out);
    td_layer(c, m, NULL, "ReLU", "{}");
}

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct params *p = params;
    int64_t inner = p->out_channels / p->factor;
    td_module *m = td_wrap(c, &type, name, model);
    if (inner < 1)
        td_fail(c, "factor %lld leaves none of %lld channels", (long long)p->factor, (long long)p->out_channels);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    w->output_size = p->output_size;
    w->projector = td_layer(c, m, "projector", "Sequential", "{}");
    conv_bn_relu(c, w->projector, p->in_channels, inner, 1);
    conv_bn_relu(c, w->projector, inner, inner, 3);
    conv_bn_relu(c, w->projector, inner, p->out_channels, 1);
    w->avgpool = td_layer(c, m, "avgpool", "AdaptiveAvgPool2d", "{output_size: 1}");
    w->classifier = td_frozen_linear(c, m, "classifier", p->out_channels, p->num_classes, p->bias);
    return m;
}

static void connect(td_ctx *c, const void *params, td_module *self, td_module *teacher)
{
    const struct wrapped *w = td_data(self);
    td_copy_linear(c, w->classifier, teacher, ((const struct params *)params)->teacher_classifier_path);
}

const td_wrapper_type simkd_student = {
    .type = {.key = "Student4SimKD",
             .summary = "a student that predicts with the teacher's classifier behind a projector",
             .params = table,
             .params_size = sizeof(struct params)},
    .build = build,
    .connect = connect,
    .flags = TD_WRAPPER_PREDICTS};
