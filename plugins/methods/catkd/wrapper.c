/* CAT-KD's networks: beside the network its class activation maps, the classifier's weights applied to the last
 * feature map as a 1x1 convolution.  Their average over the pixels is the logits without bias, so that the network
 * itself need not change. */
#include "catkd.h"

struct params {
    td_tap input;
    const char *classifier_path;
};

static const td_param table[] = {
    TD_TAP_PATH(struct params, input, "input_module_path", NULL, TD_SIDE_STUDENT,
                "whose output is pooled and classified"),
    TD_PARAM_STRING(struct params, classifier_path, "fc", "the network's linear classifier"), TD_PARAM_END_OPEN};

/* Data: the classifier, which the network owns. */
static td_tensor *cam_forward(td_ctx *c, td_module *m, td_tensor *f)
{
    td_tensor *w = td_member(*(td_module **)td_data(m), "weight");
    int64_t shape[] = {td_dim(w, 0), td_dim(w, 1), 1, 1};
    const td_conv2d_attrs pointwise = {{1, 1}, {0, 0}, {1, 1}, 1, {0, 0}};
    return td_conv2d(c, f, td_reshape(c, w, 4, shape), NULL, &pointwise);
}

static const td_module_type cam_type = {.name = "CAM", .data_size = sizeof(td_module *), .forward = cam_forward};

struct wrapped {
    td_wrapped network;
    td_module *cam;
};

static const td_module_type type = {
    .name = "CAM4CATKD", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const char *path = ((const struct params *)params)->classifier_path;
    td_module *m = td_wrap(c, &type, name, model), *classifier = td_find(c, model, path);
    const td_tensor *weight = classifier ? td_member(classifier, "weight") : NULL;
    if (classifier && (!weight || td_ndim(weight) != 2))
        td_fail(c, "'%s' is no linear layer", path);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    w->cam = td_adopt(c, m, "cam", td_module_new(c, &cam_type));
    if (!td_failed(c))
        *(td_module **)td_data(w->cam) = classifier;
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct wrapped *w = td_data(self);
    td_tap tap = {((const struct params *)params)->input.path, TD_OUTPUT, w->network.side};
    td_call(c, w->cam, td_io_get(io, &tap));
}

const td_wrapper_type catkd_cam = {.type = {.key = "CAM4CATKD",
                                            .summary = "a network with its class activation maps",
                                            .params = table,
                                            .params_size = sizeof(struct params)},
                                   .build = build,
                                   .secondary_forward = secondary};
