/* tdhost SDK: modules.
 *
 * A model is a tree of modules with PyTorch's names: the path `layer1.0.conv1.weight` finds a parameter, a
 * hook sits on a path.  A module type gives the class name and one of two forward functions; its data is
 * zeroed when it is made and may keep pointers to its children, parameters and buffers, which live as long
 * as the module.  Layers (torch.nn's by class name, and those plugins bring) are made by key:
 *
 *     d->conv1 = td_layer(c, m, "conv1", "Conv2d", "{in_channels: %d, out_channels: %d, kernel_size: 3, bias: false}", i, o);
 */
#ifndef TD_NN_H
#define TD_NN_H

#include <td/op.h>

typedef struct td_module_type {
    const char *name;   /* class name, e.g. "BasicBlock" */
    uint32_t data_size; /* bytes of td_data(m) */
    uint32_t reserved;
    td_tensor *(*forward)(td_ctx *, td_module *, td_tensor *x);       /* one tensor to one tensor, or ... */
    td_value (*forward_value)(td_ctx *, td_module *, td_value args);  /* ... anything; neither: others run its parts */
} td_module_type;

/* A module without a parent; td_adopt gives it one, or the function that was asked to build it returns it. */
#define td_module_new(c, type) td_host->module((c), (type), sizeof *(type))
/* Makes the layer `key` with arguments written as YAML flow text (printf-like) as child `name` of parent
 * (parent NULL: without a parent; name NULL: called by its position, as in a Sequential). */
#define td_layer(c, parent, name, key, ...) td_host->layer((c), (parent), (name), (key), __VA_ARGS__)
/* The same from a TD_P_LAYER parameter. */
static inline td_module *td_layer_of(td_ctx *c, td_module *parent, const char *name, const td_layer_spec *spec)
{
    return td_host->layer_of(c, parent, name, spec);
}
/* A whole network from a TD_P_MODEL parameter, as a child in the same way; it draws its own initial weights. */
static inline td_module *td_model_of(td_ctx *c, td_module *parent, const char *name, const td_layer_spec *spec)
{
    return td_host->model_of(c, parent, name, spec);
}
/* Makes child a child of parent (name NULL: called by its position); returns child. */
static inline td_module *td_adopt(td_ctx *c, td_module *parent, const char *name, td_module *child)
{
    return td_host->adopt(c, parent, name, child);
}
/* What most networks are made of: a k x k convolution without bias that keeps the size at stride 1, started as
 * kaiming_normal(fan_out), and batch norm. */
static inline td_module *td_conv_layer(td_ctx *c, td_module *parent, const char *name, int64_t in, int64_t out,
                                       int64_t k, int64_t stride)
{
    const td_init init = {TD_INIT_KAIMING_NORMAL, 0, 1, 0};
    td_module *m =
        td_layer(c, parent, name, "Conv2d",
                 "{in_channels: %lld, out_channels: %lld, kernel_size: %lld, stride: %lld, padding: %lld, bias: false}",
                 (long long)in, (long long)out, (long long)k, (long long)stride, (long long)(k / 2));
    td_host->reinit(c, m, "weight", init);
    return m;
}
static inline td_module *td_norm_layer(td_ctx *c, td_module *parent, const char *name, int64_t channels)
{
    return td_layer(c, parent, name, "BatchNorm2d", "{num_features: %lld}", (long long)channels);
}
/* The module of a td_linear_kwargs (td/param.h). */
static inline td_module *td_linear_layer(td_ctx *c, td_module *parent, const char *name, const td_linear_kwargs *p)
{
    return td_layer(c, parent, name, "Linear", "{in_features: %lld, out_features: %lld, bias: %s}",
                    (long long)p->in_features, (long long)p->out_features, p->bias ? "true" : "false");
}
/* A linear layer that is not trained, for a copy of another network's (td_copy_linear). */
static inline td_module *td_frozen_linear(td_ctx *c, td_module *parent, const char *name, int64_t in, int64_t out,
                                          int32_t bias)
{
    return td_layer(c, parent, name, "FrozenLinear", "{in_features: %lld, out_features: %lld, bias: %s}", (long long)in,
                    (long long)out, bias ? "true" : "false");
}
static inline void *td_data(td_module *m) { return td_host->module_data(m); }
/* A trained tensor, float32 unless the context builds in double. */
static inline td_tensor *td_parameter(td_ctx *c, td_module *m, const char *name, uint32_t ndim, const int64_t *shape,
                                      td_init init)
{
    return td_host->parameter(c, m, name, ndim, shape, init);
}
/* State that is saved and loaded but not trained; float32 becomes what parameters are. */
static inline td_tensor *td_buffer(td_ctx *c, td_module *m, const char *name, const td_desc *d, td_init init)
{
    return td_host->buffer(c, m, name, d, init);
}
static inline void td_reinit(td_ctx *c, td_module *m, const char *member, td_init init)
{
    td_host->reinit(c, m, member, init);
}
static inline td_tensor *td_member(td_module *m, const char *name) { return td_host->member(m, name); }
/* Runs a module's forward, with its hooks. */
static inline td_value td_call_value(td_ctx *c, td_module *m, td_value v) { return td_host->call(c, m, v); }
/* The tensor of a value; of a tuple its first.  An error where there is none. */
static inline td_tensor *td_tensor_of(td_ctx *c, td_value v)
{
    while (v.kind == TD_VALUE_TUPLE && v.n)
        v = v.items[0];
    if (v.kind != TD_VALUE_TENSOR) {
        td_fail(c, "a tensor was expected, not %s", v.kind == TD_VALUE_DICT ? "a dict" : "nothing");
        return td_zeros(c, TD_FLOAT32, 0, NULL);
    }
    return v.tensor;
}
static inline td_tensor *td_call(td_ctx *c, td_module *m, td_tensor *x)
{
    return td_tensor_of(c, td_call_value(c, m, td_value_of(x)));
}
/* act(norm(x) + residual): norm a batch-norm module, act a ReLU module or NULL, residual a tensor of x's shape or NULL.
 * One fused pass where nothing taps the modules, else one after the other; the same bits either way. */
static inline td_tensor *td_norm_act(td_ctx *c, td_module *norm, td_module *act, td_tensor *x, td_tensor *residual)
{
    return td_host->norm_act(c, norm, act, x, residual);
}
/* A network inside an auxiliary wrapper: what the wrapper's data starts with.  A teacher runs without gradients, so
 * that only the wrapper's own modules are trained. */
typedef struct td_wrapped {
    td_module *model;
    uint32_t side, reserved; /* TD_STUDENT or TD_TEACHER */
} td_wrapped;
/* The forward_value of most wrappers: the network's. */
static inline td_value td_wrapped_forward(td_ctx *c, td_module *m, td_value args)
{
    const td_wrapped *w = (const td_wrapped *)td_data(m);
    int32_t was = w->side == TD_TEACHER ? td_host->set_grad(c, 0) : 0;
    td_value v = td_call_value(c, w->model, args);
    if (w->side == TD_TEACHER)
        td_host->set_grad(c, was);
    return v;
}
/* A module of `type`, whose data starts with a td_wrapped, around `model`, called "student_model" or "teacher_model". */
static inline td_module *td_wrap(td_ctx *c, const td_module_type *type, const char *name, td_module *model)
{
    td_module *m = td_module_new(c, type);
    if (!td_failed(c)) {
        td_wrapped *w = (td_wrapped *)td_data(m);
        w->side = name[0] == 't' ? TD_TEACHER : TD_STUDENT;
        w->model = td_adopt(c, m, name, model);
    }
    return m;
}
/* act(norm(conv(x)) + residual), a convolution before td_norm_act: where the statistics are constant and no gradient is
 * wanted, as in a frozen teacher, the convolution's results are normalized while they are in the cache, with the same
 * bits; a backend that folds the norm into the weights differs in the last ones (td_conv_norm_attrs). */
static inline td_tensor *td_conv_norm_act(td_ctx *c, td_module *conv, td_module *norm, td_module *act, td_tensor *x,
                                          td_tensor *residual)
{
    return td_host->conv_norm_act(c, conv, norm, act, x, residual);
}
/* By path below root: names, list positions, negative positions, "." for root itself. */
static inline td_module *td_find(td_ctx *c, td_module *root, const char *path) { return td_host->find(c, root, path); }
/* Copies weight and bias of the linear layer (or batch norm) at a path into a module's of the same names and shapes. */
static inline void td_copy_linear(td_ctx *c, td_module *to, td_module *root, const char *path)
{
    static const char *const names[] = {"weight", "bias"};
    td_module *from = td_find(c, root, path);
    for (int i = 0; from && i < 2; i++) {
        td_tensor *a = td_member(to, names[i]), *b = td_member(from, names[i]);
        if (a && b)
            td_copy(c, a, b);
        else if (a || b)
            td_fail(c, "'%s' has %s %s", path, b ? "a" : "no", names[i]);
    }
}
static inline td_module *td_redesign(td_ctx *c, td_module *root, const td_strings *paths)
{
    return td_host->redesign(c, root, paths->v, paths->n);
}
/* The value of a dict under a name; TD_VALUE_NONE where it has none. */
static inline td_value td_dict_get(td_value dict, const char *name)
{
    for (uint32_t i = 0; dict.kind == TD_VALUE_DICT && i < dict.n; i++) {
        const char *a = dict.keys[i], *b = name;
        while (*a && *a == *b)
            a++, b++;
        if (*a == *b)
            return dict.items[i];
    }
    return td_none();
}
static inline int32_t td_training(const td_module *m) { return td_host->training(m); }

#endif
