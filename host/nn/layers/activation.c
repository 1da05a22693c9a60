/* ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, Dropout. */
#include "host/base/ctx.h"
#include "host/base/rng.h"
#include "host/nn/layers/layers.h"
#include "host/nn/module.h"
#include "host/plugin/registry.h"

struct activation_params {
    double number; /* negative_slope or p */
    int64_t dim;
};

/* The data of all of them is what was asked for. */
#define TYPE(name_, forward_)                                                                                          \
    static const td_module_type type = {                                                                               \
        .name = (name_), .data_size = sizeof(struct activation_params), .forward = (forward_)}

static td_module *build(td_ctx *c, const td_module_type *type, const void *params)
{
    td_module *m = td_module_new(c, type);
    *(struct activation_params *)td_data(m) = *(const struct activation_params *)params;
    return m;
}

static td_tensor *relu_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    (void)m;
    return td_relu(c, x);
}

int td__is_relu(const td_module *m)
{
    return m->type.forward == relu_forward;
}

static td_tensor *leaky_relu_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct activation_params *p = td_data(m);
    return td_leaky_relu(c, x, p->number);
}

static td_tensor *sigmoid_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    (void)m;
    return td_sigmoid(c, x);
}

static td_tensor *tanh_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    (void)m;
    return td_tanh(c, x);
}

/* Without a dimension, PyTorch's rule of old: 0 for 0, 1 or 3 dimensions, else 1. */
static td_tensor *softmax_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct activation_params *p = td_data(m);
    int64_t n = td_ndim(x);
    return td_softmax(c, x, p->dim != TD_NONE_INT ? p->dim : n == 0 || n == 1 || n == 3 ? 0 : 1);
}

/* A step's draws are numbered, so that a mask is a function of (seed, epoch, step, which draw of the step). */
static td_tensor *dropout_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct activation_params *p = td_data(m);
    if (!td_training(m) || p->number == 0)
        return x;
    if (!c->clock)
        return td_dropout_at(c, x, p->number, td_step_seed(c->seed, (int64_t)c->epoch, (int64_t)c->step), c->draws++);
    td_dropout_attrs a = {p->number, c->seed, c->draws++};
    return td__op2(c, "dropout", x, c->clock, &a, sizeof a);
}

static td_module *relu_build(td_ctx *c, const void *params)
{
    TYPE("ReLU", relu_forward);
    return build(c, &type, params);
}

static td_module *leaky_relu_build(td_ctx *c, const void *params)
{
    TYPE("LeakyReLU", leaky_relu_forward);
    return build(c, &type, params);
}

static td_module *sigmoid_build(td_ctx *c, const void *params)
{
    TYPE("Sigmoid", sigmoid_forward);
    return build(c, &type, params);
}

static td_module *tanh_build(td_ctx *c, const void *params)
{
    TYPE("Tanh", tanh_forward);
    return build(c, &type, params);
}

static td_module *softmax_build(td_ctx *c, const void *params)
{
    TYPE("Softmax", softmax_forward);
    return build(c, &type, params);
}

static td_module *dropout_build(td_ctx *c, const void *params)
{
    TYPE("Dropout", dropout_forward);
    return build(c, &type, params);
}

#define S struct activation_params
#define INPLACE TD_PARAM_UNUSED("inplace", "results are always new here")
static const td_param none_table[] = {TD_PARAM_END};
static const td_param relu_table[] = {INPLACE, TD_PARAM_END};
static const td_param leaky_relu_table[] = {{.name = "negative_slope",
                                             .type = TD_P_FLOAT,
                                             .offset = offsetof(S, number),
                                             .def = "0.01",
                                             .doc = "slope below 0"},
                                            INPLACE,
                                            TD_PARAM_END};
static const td_param softmax_table[] = {
    TD_PARAM_INT(S, dim, "null", "the dimension that sums to 1; null: PyTorch's implicit choice", .flags = TD_NULLABLE),
    TD_PARAM_END};
static const td_param dropout_table[] = {{.name = "p",
                                          .type = TD_P_FLOAT,
                                          .offset = offsetof(S, number),
                                          .def = "0.5",
                                          .doc = "probability of a zero",
                                          .min = 0,
                                          .max = 1},
                                         INPLACE,
                                         TD_PARAM_END};

int td__register_activations(void)
{
    static const td_layer_type types[] = {
        TD__LAYER("ReLU", "max(0, x)", relu_table, S, relu_build),
        TD__LAYER("LeakyReLU", "x, scaled below 0", leaky_relu_table, S, leaky_relu_build),
        TD__LAYER("Sigmoid", "1 / (1 + e^-x)", none_table, S, sigmoid_build),
        TD__LAYER("Tanh", "tanh(x)", none_table, S, tanh_build),
        TD__LAYER("Softmax", "e^x, normalized to sum 1", softmax_table, S, softmax_build),
        TD__LAYER("Dropout", "random zeros while training", dropout_table, S, dropout_build)};
    int rc = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        rc |= TD__REGISTER_HOST(TD_KIND_LAYER, &types[i]);
    return rc;
}
