/* torch.nn's layers: class names, arguments, defaults and initial values are PyTorch's. */
#ifndef TD__LAYERS_H
#define TD__LAYERS_H

#include <td/td.h>

/* Each registers its family: 0, or nonzero with the reason logged. */
int td__register_conv(void);
int td__register_linear(void);
int td__register_norm(void);
int td__register_activations(void);
int td__register_pools(void);
int td__register_shapes(void);
int td__register_sequential(void);

/* One length for both axes, or one each (height, width); anything else fails c, naming `what`. */
void td__pair(td_ctx *c, const char *what, td_ints v, int64_t out[2]);
/* What a Conv2d does, as one operation; NULL: m is no Conv2d, or pads unevenly. */
const td_conv2d_attrs *td__conv2d_of(td_module *m);
/* Whether m is BatchNorm1d or BatchNorm2d, or ReLU, as registered here. */
int td__is_batch_norm(const td_module *m);
int td__is_relu(const td_module *m);

/* A descriptor of the host's own: key "X" with alias "torch.nn.X". */
#define TD__LAYER(name_, summary_, table_, params_, build_)                                                            \
    {                                                                                                                  \
        .type = {.key = (name_),                                                                                       \
                 .aliases = "torch.nn." name_,                                                                         \
                 .summary = (summary_),                                                                                \
                 .params = (table_),                                                                                   \
                 .params_size = sizeof(params_)},                                                                      \
        .build = (build_)                                                                                              \
    }

#endif
