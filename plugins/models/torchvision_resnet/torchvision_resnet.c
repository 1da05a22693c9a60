/* ResNets for ImageNet (He et al., CVPR 2016, table 1) with torchvision's names and details: in a bottleneck block the
 * 3x3 convolution has the stride, and where the shape changes the shortcut is a 1x1 convolution with batch norm. */
#include <td/td.h>

struct resnet_params {
    int64_t num_classes;
    const char *weights;
};

/* ---- blocks ---- */

struct block {
    int64_t n; /* convolutions: 2 basic, 3 bottleneck */
    td_module *conv[3], *bn[3], *relu, *downsample;
};

static td_tensor *block_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct block *b = td_data(m);
    td_tensor *identity = b->downsample ? td_call(c, b->downsample, x) : x;
    for (int64_t i = 0; i < b->n; i++)
        x = td_conv_norm_act(c, b->conv[i], b->bn[i], b->relu, x, i == b->n - 1 ? identity : NULL);
    return x;
}

static const td_module_type basic = {.name = "BasicBlock", .data_size = sizeof(struct block), .forward = block_forward};
static const td_module_type bottleneck = {
    .name = "Bottleneck", .data_size = sizeof(struct block), .forward = block_forward};

/* One of the networks of the paper's table 1. */
struct layout {
    const td_module_type *block;
    int64_t expansion; /* channels that leave a block, in multiples of its width */
    int64_t blocks[4];
};

static td_module *block_new(td_ctx *c, const struct layout *l, int64_t in, int64_t width, int64_t stride)
{
    static const char *const convs[] = {"conv1", "conv2", "conv3"}, *const norms[] = {"bn1", "bn2", "bn3"};
    int deep = l->block == &bottleneck;
    int64_t out = width * l->expansion;
    const int64_t channels[] = {in, width, deep ? width : out, out}, kernel[] = {deep ? 1 : 3, 3, 1};
    td_module *m = td_module_new(c, l->block);
    if (td_failed(c))
        return m;
    struct block *b = td_data(m);
    b->n = deep ? 3 : 2;
    for (int64_t i = 0; i < b->n; i++) {
        b->conv[i] = td_conv_layer(c, m, convs[i], channels[i], channels[i + 1], kernel[i], i == deep ? stride : 1);
        b->bn[i] = td_norm_layer(c, m, norms[i], channels[i + 1]);
    }
    b->relu = td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    if (stride != 1 || in != out) {
        b->downsample = td_layer(c, m, "downsample", "Sequential", "{}");
        td_conv_layer(c, b->downsample, NULL, in, out, 1, stride);
        td_norm_layer(c, b->downsample, NULL, out);
    }
    return m;
}

/* ---- network ---- */

struct resnet {
    td_module *conv1, *bn1, *relu, *maxpool, *layers[4], *avgpool, *fc;
};

static td_tensor *resnet_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct resnet *r = td_data(m);
    x = td_conv_norm_act(c, r->conv1, r->bn1, r->relu, x, NULL);
    x = td_call(c, r->maxpool, x);
    for (int i = 0; i < 4; i++)
        x = td_call(c, r->layers[i], x);
    return td_call(c, r->fc, td_flatten(c, td_call(c, r->avgpool, x)));
}

static const td_module_type resnet_type = {
    .name = "ResNet", .data_size = sizeof(struct resnet), .forward = resnet_forward};

/* Group i; *in becomes the channels that leave it. */
static td_module *group_new(td_ctx *c, td_module *parent, const struct layout *l, int i, int64_t *in)
{
    static const char *const names[] = {"layer1", "layer2", "layer3", "layer4"};
    td_module *group = td_layer(c, parent, names[i], "Sequential", "{}");
    int64_t width = 64LL << i;
    for (int64_t k = 0; k < l->blocks[i]; k++) {
        td_adopt(c, group, NULL, block_new(c, l, *in, width, i > 0 && k == 0 ? 2 : 1));
        *in = width * l->expansion;
    }
    return group;
}

static td_module *build(td_ctx *c, const struct layout *l, const struct resnet_params *p)
{
    td_module *m = td_module_new(c, &resnet_type);
    int64_t channels = 64;
    if (p->weights)
        td_fail(c,
                "weights: nothing is downloaded, so '%s' cannot be had by name; save it to a file and name that in "
                "src_ckpt",
                p->weights);
    if (td_failed(c))
        return m;
    struct resnet *r = td_data(m);
    r->conv1 = td_conv_layer(c, m, "conv1", 3, 64, 7, 2);
    r->bn1 = td_norm_layer(c, m, "bn1", 64);
    r->relu = td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    r->maxpool = td_layer(c, m, "maxpool", "MaxPool2d", "{kernel_size: 3, stride: 2, padding: 1}");
    for (int i = 0; i < 4; i++)
        r->layers[i] = group_new(c, m, l, i, &channels);
    r->avgpool = td_layer(c, m, "avgpool", "AdaptiveAvgPool2d", "{output_size: 1}");
    r->fc = td_layer(c, m, "fc", "Linear", "{in_features: %lld, out_features: %lld}", (long long)channels,
                     (long long)p->num_classes);
    return m;
}

static const td_param params_table[] = {
    TD_PARAM_INT(struct resnet_params, num_classes, "1000", "outputs of the classifier", .min = 1, .max = 1e6),
    TD_PARAM_STRING(struct resnet_params, weights, "null", "only null: weights are given by src_ckpt",
                    .flags = TD_NULLABLE),
    TD_PARAM_UNUSED("pretrained", "weights are given by src_ckpt"),
    TD_PARAM_UNUSED("progress", "nothing is downloaded"), TD_PARAM_END};

#define NETWORK(name, text, ...)                                                                                       \
    static td_module *build_##name(td_ctx *c, const void *params)                                                      \
    {                                                                                                                  \
        static const struct layout layout = {__VA_ARGS__};                                                             \
        return build(c, &layout, params);                                                                              \
    }                                                                                                                  \
    static const td_model_type name = {                                                                                \
        .type = {.key = #name,                                                                                         \
                 .aliases = "torchvision.models." #name " torchvision.models.resnet." #name,                           \
                 .summary = (text),                                                                                    \
                 .params = params_table,                                                                               \
                 .params_size = sizeof(struct resnet_params)},                                                         \
        .build = build_##name}

NETWORK(resnet18, "ResNet-18 for ImageNet, 11.7 M parameters", &basic, 1, {2, 2, 2, 2});
NETWORK(resnet34, "ResNet-34 for ImageNet, 21.8 M parameters", &basic, 1, {3, 4, 6, 3});
NETWORK(resnet50, "ResNet-50 for ImageNet, 25.6 M parameters", &bottleneck, 4, {3, 4, 6, 3});
NETWORK(resnet101, "ResNet-101 for ImageNet, 44.5 M parameters", &bottleneck, 4, {3, 4, 23, 3});
NETWORK(resnet152, "ResNet-152 for ImageNet, 60.2 M parameters", &bottleneck, 4, {3, 8, 36, 3});

TD_PLUGIN(torchvision_resnet, "0.1.0", "MIT",
          "ResNets for ImageNet (He et al., CVPR 2016), as torchvision defines them",
          "model:resnet18 model:resnet34 model:resnet50 model:resnet101 model:resnet152")
{
    const td_model_type *all[] = {&resnet18, &resnet34, &resnet50, &resnet101, &resnet152};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        td_register(reg, TD_KIND_MODEL, all[i]);
}
