/* FitNets (Romero et al., ICLR 2015): a regressor maps the student's hint layer to the teacher's shape (stage 1,
 * squared difference, equation 3); stage 2 is ordinary distillation.  The regressor is an adaptation module. */
#include <td/td.h>

struct conv_reg_params {
    int64_t num_input_channels, num_output_channels, kernel_size, stride, padding;
    int32_t uses_relu;
};

static const td_param conv_reg_table[] = {
    TD_PARAM_INT(struct conv_reg_params, num_input_channels, NULL, "channels of the student's feature map", .min = 1,
                 .max = 1e6),
    TD_PARAM_INT(struct conv_reg_params, num_output_channels, NULL, "channels of the teacher's feature map", .min = 1,
                 .max = 1e6),
    TD_PARAM_INT(struct conv_reg_params, kernel_size, NULL, "of the convolution", .min = 1, .max = 1024),
    TD_PARAM_INT(struct conv_reg_params, stride, NULL, "of the convolution", .min = 1, .max = 1024),
    TD_PARAM_INT(struct conv_reg_params, padding, NULL, "of the convolution", .min = 0, .max = 1024),
    TD_PARAM_BOOL(struct conv_reg_params, uses_relu, "true", "whether ReLU follows the batch norm"),
    TD_PARAM_END};

/* Sequential of conv, bn and, if wanted, relu. */
static td_module *conv_reg_build(td_ctx *c, const void *params)
{
    const struct conv_reg_params *p = params;
    td_module *m = td_layer(c, NULL, "", "Sequential", "{}");
    td_layer(c, m, "conv", "Conv2d",
             "{in_channels: %lld, out_channels: %lld, kernel_size: %lld, stride: %lld, padding: %lld}",
             (long long)p->num_input_channels, (long long)p->num_output_channels, (long long)p->kernel_size,
             (long long)p->stride, (long long)p->padding);
    td_layer(c, m, "bn", "BatchNorm2d", "{num_features: %lld}", (long long)p->num_output_channels);
    if (p->uses_relu)
        td_layer(c, m, "relu", "ReLU", "{inplace: true}");
    return m;
}

static const td_layer_type conv_reg = {
    .type = {.key = "ConvReg", .summary = "FitNets' regressor: convolution, batch norm, ReLU", .params = conv_reg_table,
             .params_size = sizeof(struct conv_reg_params)},
    .build = conv_reg_build};

TD_PLUGIN(fitnet, "0.1.0", "MIT", "FitNets' regressor (Romero et al., ICLR 2015)", "layer:ConvReg")
{
    td_register(reg, TD_KIND_LAYER, &conv_reg);
}
