/* SRDModelWrapper: a network whose feature map, averaged over its places, goes through a linear projector (the
 * student's; the teacher has none) and batch norm without affine parameters. */
#include "srd.h"

struct norm_kwargs {
    int64_t num_features;
    double eps;
    int32_t affine;
};
struct params {
    td_tap input_module;
    td_linear_kwargs linear_kwargs;
    struct norm_kwargs norm_kwargs;
};

static const td_param norm_table[] = {
    TD_PARAM_INT(struct norm_kwargs, num_features, NULL, "length of the projected feature", .min = 1, .max = 1e6),
    TD_PARAM_FLOAT(struct norm_kwargs, eps, "1e-5", "added to the variance", .max = 1),
    TD_PARAM_BOOL(struct norm_kwargs, affine, "true", "whether a trained scale and shift follow"),
    TD_PARAM_UNUSED("momentum", "of running statistics, which are not kept"),
    TD_PARAM_UNUSED("track_running_stats", "they are not kept"), TD_PARAM_END};
static const td_param table[] = {
    TD_PARAM_TAP(struct params, input_module, td_student_tap, "the feature"),
    TD_PARAM_STRUCT(struct params, linear_kwargs, td_linear_table, sizeof(td_linear_kwargs), "null",
                    "the projector; null: none", .flags = TD_NULLABLE),
    TD_PARAM_STRUCT(struct params, norm_kwargs, norm_table, sizeof(struct norm_kwargs), NULL,
                    "the batch norm behind it"),
    TD_PARAM_END_OPEN};

/* ---- batch norm, always with the batch's statistics: a teacher that only judges has no others ---- */

struct norm {
    td_tensor *weight, *bias; /* NULL: not affine */
    double eps;
};

static td_tensor *norm_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct norm *d = td_data(m);
    const td_batch_norm_attrs a = {0, d->eps, 1, 0};
    return td_batch_norm(c, x, d->weight, d->bias, NULL, NULL, &a);
}

static const td_module_type norm_type = {
    .name = "BatchNorm4SRD", .data_size = sizeof(struct norm), .forward = norm_forward};

static td_module *norm_new(td_ctx *c, const struct norm_kwargs *p)
{
    td_module *m = td_module_new(c, &norm_type);
    struct norm *d = td_failed(c) ? NULL : td_data(m);
    if (d) {
        const td_init ones = {TD_INIT_ONES, 0, 0, 0}, zeros = {TD_INIT_ZEROS, 0, 0, 0};
        d->eps = p->eps;
        d->weight = p->affine ? td_parameter(c, m, "weight", 1, &p->num_features, ones) : NULL;
        d->bias = p->affine ? td_parameter(c, m, "bias", 1, &p->num_features, zeros) : NULL;
    }
    return m;
}

/* ---- wrapper ---- */

struct wrapped {
    td_wrapped network;
    td_module *linear, *norm_layer; /* linear NULL: none */
};

static const td_module_type type = {
    .name = "SRDModelWrapper", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct params *p = params;
    td_module *m = td_wrap(c, &type, name, model);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    if (p->linear_kwargs.in_features)
        w->linear = td_linear_layer(c, m, "linear", &p->linear_kwargs);
    w->norm_layer = td_adopt(c, m, "norm_layer", norm_new(c, &p->norm_kwargs));
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct wrapped *w = td_data(self);
    td_tap tap = ((const struct params *)params)->input_module;
    tap.side = w->network.side;
    td_tensor *x = td_io_get(io, &tap);
    if (td_ndim(x) == 4)
        x = td_mean(c, x, TD_DIM(2) | TD_DIM(3), 0);
    td_call(c, w->norm_layer, w->linear ? td_call(c, w->linear, x) : x);
}

const td_wrapper_type srd_wrapper = {.type = {.key = "SRDModelWrapper",
                                              .summary = "a network with a projected and normalized feature",
                                              .params = table,
                                              .params_size = sizeof(struct params)},
                                     .build = build,
                                     .secondary_forward = secondary};
