/* BatchNorm1d, BatchNorm2d, and batch norm fused with what follows it. */
#include <math.h>

#include "host/backend/backend.h"
#include "host/backend/trace.h"
#include "host/nn/layers/layers.h"
#include "host/nn/module.h"
#include "host/ops/table.h"
#include "host/plugin/registry.h"

struct batch_norm {
    td_tensor *weight, *bias;        /* NULL: not affine */
    td_tensor *mean, *var, *batches; /* running statistics; NULL: not tracked */
    double eps, momentum;            /* momentum NaN: the average over all batches */
    int64_t features;
};

struct batch_norm_params {
    int64_t num_features;
    double eps, momentum;
    int32_t affine, track_running_stats;
};

static void count_batch(void *counter)
{
    ++*(int64_t *)counter;
}

/* How much the batch counts in the running statistics.  The counter lies in host memory (see build), so no device is
 * waited for. */
static double share_of_batch(td_ctx *c, const struct batch_norm *d)
{
    const int64_t *batches = d->batches->storage->data;
    double before = (double)*batches;
    td__each_step(c, count_batch, d->batches->storage->data);
    return isnan(d->momentum) ? 1 / (before + 1) : d->momentum;
}

/* max(0, bn(x) + residual) with relu, else bn(x) + residual. */
static td_tensor *normalize(td_ctx *c, td_module *m, td_tensor *x, td_tensor *residual, int relu)
{
    struct batch_norm *d = td_data(m);
    if (c->error)
        return td__empty();
    if (td_ndim(x) < 2 || td_dim(x, 1) != d->features) {
        char text[160];
        td_fail(c, "%s of %lld features got %s", m->type.name, (long long)d->features,
                td__shape_text(&x->d, text, sizeof text));
        return td__empty();
    }
    int use_batch = m->training || !d->mean, track = m->training && d->mean;
    td_batch_norm_attrs attrs = {track ? share_of_batch(c, d) : 0, d->eps, use_batch, relu};
    td_tensor *mean = use_batch && !track ? NULL : d->mean, *var = use_batch && !track ? NULL : d->var;
    td_tensor *in[6] = {x, d->weight, d->bias, mean, var, residual}, *out[3];
    return td_host->apply(c, "batch_norm", in, 6, &attrs, sizeof attrs, out, 3);
}

static td_tensor *norm2d_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    if (td_ndim(x) != 4)
        td_fail(c, "BatchNorm2d needs [N, C, H, W], not %lld dimensions", (long long)td_ndim(x));
    return normalize(c, m, x, NULL, 0);
}

static td_tensor *norm1d_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    if (td_ndim(x) == 2)
        return normalize(c, m, x, NULL, 0);
    if (td_ndim(x) != 3)
        td_fail(c, "BatchNorm1d needs [N, C] or [N, C, L], not %lld dimensions", (long long)td_ndim(x));
    int64_t shape[4] = {td_dim(x, 0), td_dim(x, 1), td_dim(x, 2), 1};
    return td_reshape(c, normalize(c, m, td_reshape(c, x, 4, shape), NULL, 0), 3, shape);
}

int td__is_batch_norm(const td_module *m)
{
    return m->type.forward == norm2d_forward || m->type.forward == norm1d_forward;
}

td_tensor *td__norm_act(td_ctx *c, td_module *norm, td_module *relu, td_tensor *x, td_tensor *residual)
{
    int fuse = norm && td__is_batch_norm(norm) && td_ndim(x) != 3 && !td__tapped(norm) &&
               (!relu || (td__is_relu(relu) && !td__tapped(relu)));
    if (fuse) {
        const char *outer = c->where;
        if (norm->label)
            c->where = norm->label;
        td_tensor *y = normalize(c, norm, x, residual, relu != NULL);
        c->where = outer;
        return y;
    }
    td_tensor *y = td_call(c, norm, x);
    if (residual)
        y = td_add(c, y, residual);
    return relu ? td_call(c, relu, y) : y;
}

/* Whether `norm` after `conv` is but numbers for each channel of its result, and nobody looks at what is between. */
static int constant_after(td_ctx *c, td_module *conv, td_module *norm, td_module *relu, const td_tensor *x)
{
    const struct batch_norm *d = td_data(norm);
    const uint32_t type = x->d.dtype;
    return !c->error && !c->grad && td__conv2d_of(conv) && norm->type.forward == norm2d_forward && !norm->training &&
           d->mean && (type == TD_FLOAT32 || (c->bf16 && type == TD_BFLOAT16)) && c->param_dtype == TD_FLOAT32 &&
           !td__tapped(conv) && !td__tapped(norm) && (!relu || (td__is_relu(relu) && !td__tapped(relu)));
}

/* The shape of conv(x), where it and all that is added to it fit together; what does not is the operations' to tell. */
static int shape_after(td_ctx *c, td_module *conv, td_module *norm, const td_tensor *x, const td_tensor *residual,
                       td_desc *out)
{
    const td_tensor *w = td__module_member(conv, "weight");
    td_desc in[2] = {x->d, w->d};
    in[0].dtype = w->d.dtype;
    td__op_find("conv2d")->infer(c, in, 2, td__conv2d_of(conv), out);
    out->dtype = x->d.dtype;
    return !c->error && out->shape[1] == ((const struct batch_norm *)td_data(norm))->features &&
           (!residual || (residual->d.dtype == out->dtype && td__same_shape(&residual->d, out)));
}

td_tensor *td__conv_norm_act(td_ctx *c, td_module *conv, td_module *norm, td_module *relu, td_tensor *x,
                             td_tensor *residual)
{
    td_kernel kernel = c->error ? NULL : c->backend->kernel(c->bf16 ? TD__CONV_NORM ".bf16" : TD__CONV_NORM);
    const char *outer = c->where;
    td_desc d;
    if (!kernel || !constant_after(c, conv, norm, relu, x))
        return td__norm_act(c, norm, relu, td_call(c, conv, x), residual);
    if (c->bf16 && x->d.dtype != TD_BFLOAT16)
        x = td_cast(c, x, TD_BFLOAT16);
    if (conv->label)
        c->where = conv->label;
    int fits = shape_after(c, conv, norm, x, residual, &d);
    c->where = outer;
    if (!fits)
        return td__norm_act(c, norm, relu, td_call(c, conv, x), residual);
    const struct batch_norm *n = td_data(norm);
    const td_tensor *of[8] = {x,       td__module_member(conv, "weight"), td__module_member(conv, "bias"), n->weight,
                              n->bias, n->mean,                           n->var,                          residual};
    const td_conv_norm_attrs attrs = {*td__conv2d_of(conv), n->eps, relu != NULL};
    td_tensor *y = td__tensor_new(c, &d);
    td_view in[8] = {{{0}, NULL}}, out = td__view(y);
    for (int i = 0; i < 8; i++)
        if (of[i])
            in[i] = td__view(of[i]);
    td__run(c, TD__CONV_NORM, kernel, in, &out, &attrs);
    return c->error ? td__empty() : y;
}

static void make_statistics(td_ctx *c, td_module *m, struct batch_norm *d)
{
    td_desc features = {c->param_dtype, 1, {d->features}}, counter = {TD_INT64, 0, {0}};
    d->mean = td_buffer(c, m, "running_mean", &features, (td_init){TD_INIT_ZEROS, 0, 0, 0});
    d->var = td_buffer(c, m, "running_var", &features, (td_init){TD_INIT_ONES, 0, 0, 0});
    /* No kernel reads the counter: it stays in host memory, where counting is free. */
    const td_backend_type *backend = c->backend;
    c->backend = &td__reference_backend;
    d->batches = td_buffer(c, m, "num_batches_tracked", &counter, (td_init){TD_INIT_ZEROS, 0, 0, 0});
    c->backend = backend;
}

static td_module *build(td_ctx *c, const td_module_type *type, const struct batch_norm_params *p)
{
    td_module *m = td_module_new(c, type);
    struct batch_norm *d = td_data(m);
    d->features = p->num_features;
    d->eps = p->eps;
    d->momentum = p->momentum;
    if (p->affine) {
        d->weight = td_parameter(c, m, "weight", 1, &d->features, (td_init){TD_INIT_ONES, 0, 0, 0});
        d->bias = td_parameter(c, m, "bias", 1, &d->features, (td_init){TD_INIT_ZEROS, 0, 0, 0});
    }
    if (p->track_running_stats)
        make_statistics(c, m, d);
    return m;
}

static td_module *norm2d_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "BatchNorm2d", .data_size = sizeof(struct batch_norm), .forward = norm2d_forward};
    return build(c, &type, params);
}

static td_module *norm1d_build(td_ctx *c, const void *params)
{
    static const td_module_type type = {
        .name = "BatchNorm1d", .data_size = sizeof(struct batch_norm), .forward = norm1d_forward};
    return build(c, &type, params);
}

#define S struct batch_norm_params
static const td_param batch_norm_table[] = {
    TD_PARAM_INT(S, num_features, NULL, "channels", .min = 1, .max = 1 << 24),
    TD_PARAM_FLOAT(S, eps, "1e-5", "added to the variance", .min = 0, .max = 1),
    TD_PARAM_FLOAT(S, momentum, "0.1", "weight of a batch in the running statistics; null: their average",
                   .flags = TD_NULLABLE),
    TD_PARAM_BOOL(S, affine, "true", "trained weight and bias"),
    TD_PARAM_BOOL(S, track_running_stats, "true", "keeps statistics for evaluation"),
    TD_PARAM_END};

int td__register_norm(void)
{
    static const td_layer_type two =
        TD__LAYER("BatchNorm2d", "batch normalization of images", batch_norm_table, S, norm2d_build);
    static const td_layer_type one =
        TD__LAYER("BatchNorm1d", "batch normalization of vectors", batch_norm_table, S, norm1d_build);
    return TD__REGISTER_HOST(TD_KIND_LAYER, &two) | TD__REGISTER_HOST(TD_KIND_LAYER, &one);
}
