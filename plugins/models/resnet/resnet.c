/* ResNets for CIFAR (He et al., CVPR 2016, section 4.2): depth 6n + 2, three groups of n basic blocks.
 *
 * Names are torchdistill's and torchvision's.  The shortcut that changes shape is a 1x1 convolution with batch
 * norm (option B, torchdistill's) or every other pixel padded with zero channels (option A, the paper's). */
#include <td/td.h>

struct resnet_params {
    int64_t depth, num_classes;
    const char *shortcut;
    td_ints widths;              /* stem, then the three groups */
    int64_t bottleneck_channels; /* of the bottleneck that layer1 is then; 0: layer1 is a group as the others */
};

/* ---- basic block ---- */

struct block {
    td_module *conv1, *bn1, *relu, *conv2, *bn2, *downsample;
};

static td_tensor *block_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct block *b = td_data(m);
    td_tensor *y = td_conv_norm_act(c, b->conv1, b->bn1, b->relu, x, NULL);
    td_tensor *identity = b->downsample ? td_call(c, b->downsample, x) : x;
    return td_conv_norm_act(c, b->conv2, b->bn2, b->relu, y, identity);
}

static const td_module_type block_type = {
    .name = "BasicBlock", .data_size = sizeof(struct block), .forward = block_forward};

/* ---- option A ---- */

struct pad_shortcut {
    int64_t stride, before, after;
};

static td_tensor *pad_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct pad_shortcut *p = td_data(m);
    x = td_slice(c, td_slice(c, x, 2, 0, td_dim(x, 2), p->stride), 3, 0, td_dim(x, 3), p->stride);
    return td_pad(c, x, 1, p->before, p->after, 0);
}

static const td_module_type pad_type = {
    .name = "PadShortcut", .data_size = sizeof(struct pad_shortcut), .forward = pad_forward};

static void add_shortcut(td_ctx *c, td_module *m, struct block *b, const char *option, int64_t in, int64_t out,
                         int64_t stride)
{
    if (option[0] == 'A') {
        b->downsample = td_adopt(c, m, "downsample", td_module_new(c, &pad_type));
        struct pad_shortcut *p = td_data(b->downsample);
        *p = (struct pad_shortcut){stride, (out - in) / 2, out - in - (out - in) / 2};
    } else {
        b->downsample = td_layer(c, m, "downsample", "Sequential", "{}");
        td_conv_layer(c, b->downsample, NULL, in, out, 1, stride);
        td_norm_layer(c, b->downsample, NULL, out);
    }
}

static td_module *block_new(td_ctx *c, const char *option, int64_t in, int64_t out, int64_t stride)
{
    td_module *m = td_module_new(c, &block_type);
    if (td_failed(c))
        return m;
    struct block *b = td_data(m);
    b->conv1 = td_conv_layer(c, m, "conv1", in, out, 3, stride);
    b->bn1 = td_norm_layer(c, m, "bn1", out);
    b->relu = td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    b->conv2 = td_conv_layer(c, m, "conv2", out, out, 3, 1);
    b->bn2 = td_norm_layer(c, m, "bn2", out);
    if (stride != 1 || in != out)
        add_shortcut(c, m, b, option, in, out, stride);
    return m;
}

/* ---- network ---- */

struct resnet {
    td_module *conv1, *bn1, *relu, *layers[3], *avgpool, *fc;
};

static td_tensor *resnet_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct resnet *r = td_data(m);
    x = td_conv_norm_act(c, r->conv1, r->bn1, r->relu, x, NULL);
    for (int i = 0; i < 3; i++)
        x = td_call(c, r->layers[i], x);
    return td_call(c, r->fc, td_flatten(c, td_call(c, r->avgpool, x)));
}

static const td_module_type resnet_type = {
    .name = "ResNet4Cifar", .data_size = sizeof(struct resnet), .forward = resnet_forward};

static td_module *group_new(td_ctx *c, td_module *parent, int i, const struct resnet_params *p, int64_t blocks)
{
    static const char *const names[] = {"layer1", "layer2", "layer3"};
    td_module *group = td_layer(c, parent, names[i], "Sequential", "{}");
    int64_t in = p->widths.v[i], out = p->widths.v[i + 1];
    for (int64_t k = 0; k < blocks && !td_failed(c); k++) {
        td_adopt(c, group, NULL, block_new(c, p->shortcut, in, out, i > 0 && k == 0 ? 2 : 1));
        in = out;
    }
    return group;
}

/* To few channels at half the side, what a device would send, and back (Matsubara et al., 2019). */
static td_module *bottleneck_new(td_ctx *c, td_module *parent, const struct resnet_params *p)
{
    td_module *m = td_layer(c, parent, "layer1", "Sequential", "{}");
    td_conv_layer(c, m, "encoder", p->widths.v[0], p->bottleneck_channels, 3, 2);
    td_norm_layer(c, m, "bn1", p->bottleneck_channels);
    td_layer(c, m, "relu1", "ReLU", "{}");
    td_layer(c, m, "decoder", "ConvTranspose2d",
             "{in_channels: %lld, out_channels: %lld, kernel_size: 2, stride: 2, bias: false}",
             (long long)p->bottleneck_channels, (long long)p->widths.v[1]);
    td_norm_layer(c, m, "bn2", p->widths.v[1]);
    td_layer(c, m, "relu2", "ReLU", "{}");
    return m;
}

static td_module *build(td_ctx *c, const void *params)
{
    const struct resnet_params *p = params;
    td_module *m = td_module_new(c, &resnet_type);
    if (p->depth < 8 || (p->depth - 2) % 6)
        td_fail(c, "depth %lld is not 6n + 2 with n >= 1 (8, 14, 20, 32, 44, 56, 110, ...)", (long long)p->depth);
    if (p->widths.n != 4)
        td_fail(c, "widths has %lld numbers; it takes 4: stem and three groups", (long long)p->widths.n);
    if (td_failed(c))
        return m;
    struct resnet *r = td_data(m);
    r->conv1 = td_conv_layer(c, m, "conv1", 3, p->widths.v[0], 3, 1);
    r->bn1 = td_norm_layer(c, m, "bn1", p->widths.v[0]);
    r->relu = td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    for (int i = 0; i < 3; i++)
        r->layers[i] =
            i == 0 && p->bottleneck_channels ? bottleneck_new(c, m, p) : group_new(c, m, i, p, (p->depth - 2) / 6);
    r->avgpool = td_layer(c, m, "avgpool", "AdaptiveAvgPool2d", "{output_size: 1}");
    r->fc = td_layer(c, m, "fc", "Linear", "{in_features: %lld, out_features: %lld}", (long long)p->widths.v[3],
                     (long long)p->num_classes);
    return m;
}

/* ---- one key a depth ---- */

#define COMMON_PARAMS(widths_default)                                                                                  \
    TD_PARAM_INT(struct resnet_params, num_classes, "10", "outputs of the classifier", .min = 1, .max = 1e6),          \
        TD_PARAM_STRING(struct resnet_params, shortcut, "B",                                                           \
                        "where the shape changes: A = zero channels, B = 1x1 convolution", .choices = "A|B"),          \
        TD_PARAM_INTS(struct resnet_params, widths, widths_default, "channels of the stem and the three groups",       \
                      .min = 1, .max = 65536),                                                                         \
        TD_PARAM_UNUSED("pretrained", "weights are given by src_ckpt"),                                                \
        TD_PARAM_UNUSED("progress", "nothing is downloaded"), TD_PARAM_END_OPEN

static const td_param any_params[] = {
    TD_PARAM_INT(struct resnet_params, depth, NULL, "6n + 2", .min = 8, .max = 100000),
    COMMON_PARAMS("[16, 16, 32, 64]")};
static const td_param bottleneck_params[] = {
    TD_PARAM_INT(struct resnet_params, depth, NULL, "6n + 2", .min = 8, .max = 100000),
    TD_PARAM_INT(struct resnet_params, bottleneck_channels, NULL, "in the middle of layer1, at half its side", .min = 1,
                 .max = 65536),
    COMMON_PARAMS("[16, 16, 32, 64]")};
static const td_param fixed_params[] = {COMMON_PARAMS("[16, 16, 32, 64]")};
static const td_param x4_params[] = {COMMON_PARAMS("[32, 64, 128, 256]")};

#define FIXED(name, depth_, table, text)                                                                               \
    static td_module *build_##name(td_ctx *c, const void *params)                                                      \
    {                                                                                                                  \
        struct resnet_params p = *(const struct resnet_params *)params;                                                \
        p.depth = (depth_);                                                                                            \
        return build(c, &p);                                                                                           \
    }                                                                                                                  \
    static const td_model_type name = {                                                                                \
        .type = {.key = #name, .summary = (text), .params = (table), .params_size = sizeof(struct resnet_params)},     \
        .build = build_##name}

FIXED(resnet8, 8, fixed_params, "ResNet-8 for CIFAR, 0.08 M parameters");
FIXED(resnet14, 14, fixed_params, "ResNet-14 for CIFAR, 0.17 M parameters");
FIXED(resnet20, 20, fixed_params, "ResNet-20 for CIFAR, 0.27 M parameters");
FIXED(resnet32, 32, fixed_params, "ResNet-32 for CIFAR, 0.47 M parameters");
FIXED(resnet44, 44, fixed_params, "ResNet-44 for CIFAR, 0.66 M parameters");
FIXED(resnet56, 56, fixed_params, "ResNet-56 for CIFAR, 0.86 M parameters");
FIXED(resnet110, 110, fixed_params, "ResNet-110 for CIFAR, 1.7 M parameters");
FIXED(resnet1202, 1202, fixed_params, "ResNet-1202 for CIFAR, 19.4 M parameters");
FIXED(resnet8x4, 8, x4_params, "ResNet-8 for CIFAR, four times as wide, 1.2 M parameters");
FIXED(resnet32x4, 32, x4_params, "ResNet-32 for CIFAR, four times as wide, 7.4 M parameters");

static const td_model_type resnet = {.type = {.key = "resnet",
                                              .summary = "ResNet for CIFAR of any depth 6n + 2",
                                              .params = any_params,
                                              .params_size = sizeof(struct resnet_params)},
                                     .build = build};

static const td_model_type bottleneck_resnet = {.type = {.key = "bottleneck_resnet",
                                                         .summary = "ResNet for CIFAR with a bottleneck for layer1",
                                                         .params = bottleneck_params,
                                                         .params_size = sizeof(struct resnet_params)},
                                                .build = build};

TD_PLUGIN(resnet, "0.1.0", "MIT", "ResNets for CIFAR (He et al., CVPR 2016)",
          "model:resnet model:resnet8 model:resnet14 model:resnet20 model:resnet32 model:resnet44 model:resnet56 "
          "model:resnet110 model:resnet1202 model:resnet8x4 model:resnet32x4 model:bottleneck_resnet")
{
    const td_model_type *all[] = {&resnet,   &resnet8,   &resnet14,   &resnet20,  &resnet32,   &resnet44,
                                  &resnet56, &resnet110, &resnet1202, &resnet8x4, &resnet32x4, &bottleneck_resnet};
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        td_register(reg, TD_KIND_MODEL, all[i]);
}
