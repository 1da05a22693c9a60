/* Wide ResNets for CIFAR (Zagoruyko and Komodakis, BMVC 2016): depth 6n + 4, widths 16k, 32k, 64k, blocks of
 * BN-ReLU-conv-dropout-BN-ReLU-conv, the shortcut a bare 1x1 convolution of the block's raw input.  Names are
 * torchdistill's. */
#include <td/td.h>

struct wrn_params {
    int64_t depth, k, num_classes;
    double dropout_p;
};

struct block {
    td_module *bn1, *conv1, *dropout, *bn2, *conv2, *relu, *shortcut;
};

static td_tensor *block_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct block *b = td_data(m);
    td_tensor *y = td_call(c, b->conv1, td_norm_act(c, b->bn1, b->relu, x, NULL));
    y = td_norm_act(c, b->bn2, b->relu, td_call(c, b->dropout, y), NULL);
    return td_add(c, td_call(c, b->conv2, y), td_call(c, b->shortcut, x));
}

static const td_module_type block_type = {
    .name = "WideBasicBlock", .data_size = sizeof(struct block), .forward = block_forward};

static td_module *block_new(td_ctx *c, double dropout_p, int64_t in, int64_t out, int64_t stride)
{
    td_module *m = td_module_new(c, &block_type);
    if (td_failed(c))
        return m;
    struct block *b = td_data(m);
    b->bn1 = td_norm_layer(c, m, "bn1", in);
    b->conv1 = td_conv_layer(c, m, "conv1", in, out, 3, stride);
    b->dropout = td_layer(c, m, "dropout", "Dropout", "{p: %g}", dropout_p);
    b->bn2 = td_norm_layer(c, m, "bn2", out);
    b->conv2 = td_conv_layer(c, m, "conv2", out, out, 3, 1);
    b->relu = td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    b->shortcut = td_layer(c, m, "shortcut", "Sequential", "{}");
    if (stride != 1 || in != out)
        td_conv_layer(c, b->shortcut, NULL, in, out, 1, stride);
    return m;
}

struct wrn {
    td_module *conv1, *layers[3], *bn1, *relu, *avgpool, *fc;
};

static td_tensor *wrn_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct wrn *w = td_data(m);
    x = td_call(c, w->conv1, x);
    for (int i = 0; i < 3; i++)
        x = td_call(c, w->layers[i], x);
    x = td_call(c, w->avgpool, td_norm_act(c, w->bn1, w->relu, x, NULL));
    return td_call(c, w->fc, td_flatten(c, x));
}

static const td_module_type wrn_type = {.name = "WideResNet", .data_size = sizeof(struct wrn), .forward = wrn_forward};

static td_module *group_new(td_ctx *c, td_module *parent, int i, const struct wrn_params *p, int64_t blocks)
{
    static const char *const names[] = {"layer1", "layer2", "layer3"};
    td_module *group = td_layer(c, parent, names[i], "Sequential", "{}");
    int64_t in = i == 0 ? 16 : (16LL << (i - 1)) * p->k, out = (16LL << i) * p->k;
    for (int64_t b = 0; b < blocks && !td_failed(c); b++) {
        td_adopt(c, group, NULL, block_new(c, p->dropout_p, in, out, i > 0 && b == 0 ? 2 : 1));
        in = out;
    }
    return group;
}

static td_module *build(td_ctx *c, const void *params)
{
    const struct wrn_params *p = params;
    td_module *m = td_module_new(c, &wrn_type);
    if (p->depth < 10 || p->depth > 100 || (p->depth - 4) % 6)
        td_fail(c, "depth %lld is not 6n + 4 between 10 and 100 (10, 16, 22, 28, 40, ...)", (long long)p->depth);
    if (td_failed(c))
        return m;
    struct wrn *w = td_data(m);
    w->conv1 = td_conv_layer(c, m, "conv1", 3, 16, 3, 1);
    for (int i = 0; i < 3; i++)
        w->layers[i] = group_new(c, m, i, p, (p->depth - 4) / 6);
    w->bn1 = td_norm_layer(c, m, "bn1", 64 * p->k);
    w->relu = td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    w->avgpool = td_layer(c, m, "avgpool", "AdaptiveAvgPool2d", "{output_size: 1}");
    w->fc = td_layer(c, m, "fc", "Linear", "{in_features: %lld, out_features: %lld}", (long long)(64 * p->k),
                     (long long)p->num_classes);
    return m;
}

#define COMMON_PARAMS                                                                                                  \
    TD_PARAM_FLOAT(struct wrn_params, dropout_p, "0.3", "dropout between the convolutions of a block", .max = 1),      \
        TD_PARAM_INT(struct wrn_params, num_classes, "10", "outputs of the classifier", .min = 1, .max = 1e6),         \
        TD_PARAM_UNUSED("pretrained", "weights are given by src_ckpt"),                                                \
        TD_PARAM_UNUSED("progress", "nothing is downloaded"), TD_PARAM_END_OPEN

static const td_param any_params[] = {TD_PARAM_INT(struct wrn_params, depth, NULL, "6n + 4", .min = 10, .max = 100),
                                      TD_PARAM_INT(struct wrn_params, k, NULL, "widening factor", .min = 1, .max = 64),
                                      COMMON_PARAMS};
static const td_param fixed_params[] = {COMMON_PARAMS};

#define FIXED(depth_, k_, text) \
    static td_module *build_##depth_##_##k_(td_ctx *c, const void *params) \
    { \
        struct wrn_params p = *(const struct wrn_params *)params; \
        p.depth = (depth_); \
        p.k = (k_); \
        return build(c, &p); \
    } \
    static const td_model_type wide_resnet##depth_##_##k_ = { \
        .type = {.key = "wide_resnet" #depth_ "_" #k_, .summary = (text), .params = fixed_params, \
                 .params_size = sizeof(struct wrn_params)}, \
        .build = build_##depth_##_##k_}

FIXED(16, 8, "WRN-16-8 for CIFAR, 11.0 M parameters");
FIXED(28, 10, "WRN-28-10 for CIFAR, 36.5 M parameters");
FIXED(40, 4, "WRN-40-4 for CIFAR, 8.9 M parameters");

static const td_model_type wide_resnet = {
    .type = {.key = "wide_resnet", .summary = "Wide ResNet for CIFAR of depth 6n + 4 and width k", .params = any_params,
             .params_size = sizeof(struct wrn_params)},
    .build = build};

TD_PLUGIN(wide_resnet, "0.1.0", "MIT", "Wide ResNets for CIFAR (Zagoruyko and Komodakis, BMVC 2016)",
          "model:wide_resnet model:wide_resnet16_8 model:wide_resnet28_10 model:wide_resnet40_4")
{
    td_register(reg, TD_KIND_MODEL, &wide_resnet);
    td_register(reg, TD_KIND_MODEL, &wide_resnet16_8);
    td_register(reg, TD_KIND_MODEL, &wide_resnet28_10);
    td_register(reg, TD_KIND_MODEL, &wide_resnet40_4);
}
