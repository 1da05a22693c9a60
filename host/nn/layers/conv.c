/* Conv2d and ConvTranspose2d. */
#include <stdlib.h>
#include <string.h>

#include "host/nn/layers/layers.h"
#include "host/nn/module.h"
#include "host/plugin/registry.h"

struct conv {
    td_conv2d_attrs attrs;
    td_tensor *weight, *bias; /* bias NULL: none */
    int64_t extra[2];         /* 'same' with an even kernel: more zeros at the bottom and on the right */
};

struct conv_params {
    int64_t in_channels, out_channels;
    td_ints kernel_size, stride;
    td_strings padding; /* lengths, or 'same' or 'valid' */
    td_ints dilation;
    int64_t groups;
    int32_t bias;
    const char *padding_mode;
    td_ints output_padding; /* ConvTranspose2d */
};

void td__pair(td_ctx *c, const char *what, td_ints v, int64_t out[2])
{
    if (v.n != 1 && v.n != 2)
        td_fail(c, "%s is one length or two, not %lld", what, (long long)v.n);
    out[0] = v.n > 0 ? v.v[0] : 0;
    out[1] = v.n > 1 ? v.v[1] : out[0];
}

/* 'same' keeps the size at stride 1; PyTorch puts the odd zero at the end. */
static void pad_same(td_ctx *c, struct conv *d, const int64_t kernel[2])
{
    if (d->attrs.stride[0] != 1 || d->attrs.stride[1] != 1)
        td_fail(c, "padding 'same' needs stride 1");
    for (int i = 0; i < 2; i++) {
        int64_t total = d->attrs.dilation[i] * (kernel[i] - 1);
        d->attrs.padding[i] = total / 2;
        d->extra[i] = total % 2;
    }
}

static void read_padding(td_ctx *c, struct conv *d, td_strings padding, const int64_t kernel[2])
{
    int64_t v[2] = {0, 0};
    if (padding.n == 1 && !strcmp(padding.v[0], "same")) {
        pad_same(c, d, kernel);
        return;
    }
    if (padding.n == 1 && !strcmp(padding.v[0], "valid"))
        return;
    for (int64_t i = 0; i < padding.n && i < 2; i++) {
        char *end;
        v[i] = strtoll(padding.v[i], &end, 10);
        if (end == padding.v[i] || *end || v[i] < 0)
            td_fail(c, "padding is '%s'; it may be a length, a pair of lengths, 'same' or 'valid'", padding.v[i]);
    }
    td__pair(c, "padding", (td_ints){v, padding.n}, d->attrs.padding);
}

static struct conv *read_params(td_ctx *c, td_module *m, const struct conv_params *p, int64_t kernel[2])
{
    struct conv *d = td_data(m);
    td__pair(c, "kernel_size", p->kernel_size, kernel);
    td__pair(c, "stride", p->stride, d->attrs.stride);
    td__pair(c, "dilation", p->dilation, d->attrs.dilation);
    d->attrs.groups = p->groups;
    if (p->in_channels % p->groups || p->out_channels % p->groups)
        td_fail(c, "%lld groups do not divide %lld and %lld channels", (long long)p->groups, (long long)p->in_channels,
                (long long)p->out_channels);
    if (kernel[0] < 1 || kernel[1] < 1 || d->attrs.stride[0] < 1 || d->attrs.stride[1] < 1 ||
        d->attrs.dilation[0] < 1 || d->attrs.dilation[1] < 1)
        td_fail(c, "kernel_size, stride and dilation are at least 1");
    return d;
}

/* torch.nn._ConvNd.reset_parameters; the fan of both is that of dimension 1 of the weight. */
static void make_parameters(td_ctx *c, td_module *m, struct conv *d, const int64_t shape[4], int64_t out_channels,
                            int32_t bias)
{
    double fan_in = (double)(shape[1] * shape[2] * shape[3]);
    d->weight =
        td_parameter(c, m, "weight", 4, shape, (td_init){TD_INIT_KAIMING_UNIFORM, 0, 2.23606797749978969641, 0});
    if (bias)
        d->bias = td_parameter(c, m, "bias", 1, &out_channels, (td_init){TD_INIT_FAN_IN_UNIFORM, 0, 0, fan_in});
}

static td_tensor *conv_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct conv *d = td_data(m);
    for (int i = 0; i < 2; i++)
        if (d->extra[i])
            x = td_pad(c, x, 2 + i, 0, d->extra[i], 0);
    return td_conv2d(c, x, d->weight, d->bias, &d->attrs);
}

static td_tensor *conv_transpose_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct conv *d = td_data(m);
    return td_conv_transpose2d(c, x, d->weight, d->bias, &d->attrs);
}

const td_conv2d_attrs *td__conv2d_of(td_module *m)
{
    const struct conv *d = td_data(m);
    return m->type.forward == conv_forward && !d->extra[0] && !d->extra[1] ? &d->attrs : NULL;
}

static td_module *conv_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {.name = "Conv2d", .data_size = sizeof(struct conv), .forward = conv_forward};
    const struct conv_params *p = params;
    int64_t kernel[2];
    td_module *m = td_module_new(c, &type);
    struct conv *d = read_params(c, m, p, kernel);
    read_padding(c, d, p->padding, kernel);
    int64_t shape[4] = {p->out_channels, p->in_channels / p->groups, kernel[0], kernel[1]};
    make_parameters(c, m, d, shape, p->out_channels, p->bias);
    return m;
}

static td_module *conv_transpose_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "ConvTranspose2d", .data_size = sizeof(struct conv), .forward = conv_transpose_forward};
    const struct conv_params *p = params;
    int64_t kernel[2];
    td_module *m = td_module_new(c, &type);
    struct conv *d = read_params(c, m, p, kernel);
    if (p->padding.n == 1 && !strcmp(p->padding.v[0], "same"))
        td_fail(c, "ConvTranspose2d has no padding 'same'");
    read_padding(c, d, p->padding, kernel);
    td__pair(c, "output_padding", p->output_padding, d->attrs.output_padding);
    int64_t shape[4] = {p->in_channels, p->out_channels / p->groups, kernel[0], kernel[1]};
    make_parameters(c, m, d, shape, p->out_channels, p->bias);
    return m;
}

#define S struct conv_params
#define CHANNELS_AND_KERNEL                                                                                            \
    TD_PARAM_INT(S, in_channels, NULL, "channels of the input", .min = 1, .max = 1 << 24),                             \
        TD_PARAM_INT(S, out_channels, NULL, "channels of the result", .min = 1, .max = 1 << 24),                       \
        TD_PARAM_INTS(S, kernel_size, NULL, "height and width of the kernel"),                                         \
        TD_PARAM_INTS(S, stride, "1", "steps of the kernel")
#define DILATION TD_PARAM_INTS(S, dilation, "1", "distance between the kernel's elements")
#define GROUPS TD_PARAM_INT(S, groups, "1", "groups of channels that do not see each other", .min = 1, .max = 1 << 24)
#define BIAS TD_PARAM_BOOL(S, bias, "true", "adds a trained number per channel")
#define PADDING_MODE TD_PARAM_STRING(S, padding_mode, "zeros", "what the padding holds", .choices = "zeros")

static const td_param conv_table[] = {
    CHANNELS_AND_KERNEL,
    TD_PARAM_STRINGS(S, padding, "0", "zeros around the input: lengths, 'same' or 'valid'", .flags = TD_AS_WRITTEN),
    DILATION,
    GROUPS,
    BIAS,
    PADDING_MODE,
    TD_PARAM_END};

static const td_param conv_transpose_table[] = {
    CHANNELS_AND_KERNEL,
    TD_PARAM_STRINGS(S, padding, "0", "what is cut off around the result", .flags = TD_AS_WRITTEN),
    TD_PARAM_INTS(S, output_padding, "0", "rows and columns added at the end of the result"),
    GROUPS,
    BIAS,
    DILATION,
    PADDING_MODE,
    TD_PARAM_END};

int td__register_conv(void)
{
    static const td_layer_type conv = TD__LAYER("Conv2d", "2-d convolution", conv_table, S, conv_build);
    static const td_layer_type transpose =
        TD__LAYER("ConvTranspose2d", "2-d transposed convolution", conv_transpose_table, S, conv_transpose_build);
    return TD__REGISTER_HOST(TD_KIND_LAYER, &conv) | TD__REGISTER_HOST(TD_KIND_LAYER, &transpose);
}
