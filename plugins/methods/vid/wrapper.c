/* VariationalDistributor4VID: feature maps of the student go through regressors, `regressor_dict.NAME` each:
 *
 *     mu = conv1x1(relu(conv1x1(relu(conv1x1(s))))),   sigma_c^2 = ln(1 + e^{a_c}) + eps
 *
 * with a_c trained, started so that sigma_c^2 = init_pred_var. */
#include <math.h>

#include "vid.h"

/* ---- regressor ---- */

struct regressor_kwargs {
    int64_t in_channels, middle_channels, out_channels;
    double eps, init_pred_var;
};
struct regressor {
    td_module *mean;      /* the convolutions */
    td_tensor *soft_plus; /* a_c */
    double eps;
};

static td_value regressor_forward(td_ctx *c, td_module *m, td_value args)
{
    const struct regressor *d = td_data(m);
    int64_t per_channel[] = {1, td_dim(d->soft_plus, 0), 1, 1};
    td_tensor *variance = td_affine(c, td_softplus(c, d->soft_plus), 1, d->eps);
    td_value out[] = {td_call_value(c, d->mean, args), td_value_of(td_reshape(c, variance, 4, per_channel))};
    return td_tuple(c, 2, out);
}

static const td_module_type regressor_type = {
    .name = "Regressor4VID", .data_size = sizeof(struct regressor), .forward_value = regressor_forward};

static td_module *regressor_new(td_ctx *c, const struct regressor_kwargs *p)
{
    td_module *m = td_module_new(c, &regressor_type);
    if (p->init_pred_var <= p->eps)
        td_fail(c, "init_pred_var = %g must be larger than eps = %g", p->init_pred_var, p->eps);
    if (td_failed(c))
        return m;
    struct regressor *d = td_data(m);
    int64_t channels[] = {p->in_channels, p->middle_channels, p->middle_channels, p->out_channels};
    d->eps = p->eps;
    d->mean = td_layer(c, m, "regressor", "Sequential", "{}");
    for (int i = 0; i < 3; i++) {
        if (i)
            td_layer(c, d->mean, NULL, "ReLU", "{}");
        td_layer(c, d->mean, NULL, "Conv2d", "{in_channels: %lld, out_channels: %lld, kernel_size: 1, bias: false}",
                 (long long)channels[i], (long long)channels[i + 1]);
    }
    td_init start = {TD_INIT_CONSTANT, 0, log(expm1(p->init_pred_var - p->eps)), 0};
    d->soft_plus = td_parameter(c, m, "soft_plus_param", 1, &p->out_channels, start);
    return m;
}

/* ---- student ---- */

struct entry {
    td_tap tap;
    struct regressor_kwargs kwargs, regressor_kwargs; /* the names in torchdistill's code and sample configuration */
};
struct params {
    td_list regressors;
};

static const td_param regressor_table[] = {
    TD_PARAM_INT(struct regressor_kwargs, in_channels, NULL, "of the student's map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct regressor_kwargs, middle_channels, NULL, "between the convolutions", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct regressor_kwargs, out_channels, NULL, "of the teacher's map", .min = 1, .max = 1e6),
    TD_PARAM_FLOAT(struct regressor_kwargs, eps, "1e-5", "least variance", .min = 1e-30, .max = 1),
    TD_PARAM_FLOAT(struct regressor_kwargs, init_pred_var, "5", "variance at the start", .min = 1e-30, .max = 1e6),
    TD_PARAM_END};
static const td_param entry_table[] = {
    TD_TAP_STUDENT(struct entry, tap, "path", "io", NULL),
    TD_PARAM_STRUCT(struct entry, kwargs, regressor_table, sizeof(struct regressor_kwargs), "null", "the regressor",
                    .flags = TD_NULLABLE),
    TD_PARAM_STRUCT(struct entry, regressor_kwargs, regressor_table, sizeof(struct regressor_kwargs), "null",
                    "the regressor, as torchdistill's sample configuration writes it", .flags = TD_NULLABLE),
    TD_PARAM_END};
static const td_param table[] = {
    TD_PARAM_MAP(struct params, regressors, entry_table, sizeof(struct entry), NULL, "the regressors, by name"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *regressors;
};

static const td_module_type type = {
    .name = "VariationalDistributor4VID", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const td_list *list = &((const struct params *)params)->regressors;
    const struct entry *entries = list->v;
    td_module *m = td_wrap(c, &type, name, model);
    if (td_failed(c))
        return m;
    td_module *dict = td_layer(c, m, "regressor_dict", "ModuleList", "{}");
    ((struct wrapped *)td_data(m))->regressors = dict;
    for (int64_t i = 0; i < list->n && !td_failed(c); i++) {
        const struct regressor_kwargs *kwargs =
            entries[i].kwargs.in_channels ? &entries[i].kwargs : &entries[i].regressor_kwargs;
        if (kwargs->in_channels)
            td_adopt(c, dict, list->keys[i], regressor_new(c, kwargs));
        else
            td_fail(c, "regressor '%s' has no kwargs", list->keys[i]);
    }
    return m;
}

static void secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const td_list *list = &((const struct params *)params)->regressors;
    const struct entry *entries = list->v;
    const struct wrapped *w = td_data(self);
    for (int64_t i = 0; i < list->n && !td_failed(c); i++)
        td_call_value(c, td_find(c, w->regressors, list->keys[i]), td_value_of(td_io_get(io, &entries[i].tap)));
}

const td_wrapper_type vid_student = {.type = {.key = "VariationalDistributor4VID",
                                              .summary = "a student with regressors of the teacher's feature maps",
                                              .params = table,
                                              .params_size = sizeof(struct params)},
                                     .build = build,
                                     .secondary_forward = secondary};
