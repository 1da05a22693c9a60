/* Knowledge review's student: attention based fusion modules, run from the deepest feature map to the shallowest, each
 * fed with the residual of the one before. */
#include "review.h"

#define MOST_FUSIONS 16

/* ---- attention based fusion ---- */

struct fusion_params {
    int64_t in_channels, mid_channels, out_channels;
};
struct fusion {
    td_module *conv1, *conv2, *attention_conv; /* the deepest has no attention */
    int64_t size;                              /* side to which the residual is enlarged */
};

static td_module *conv_bn(td_ctx *c, td_module *parent, const char *name, int64_t in, int64_t out, int kernel)
{
    td_module *m = td_layer(c, parent, name, "Sequential", "{}");
    td_module *conv = td_conv_layer(c, m, NULL, in, out, kernel, 1);
    td_reinit(c, conv, "weight", (td_init){TD_INIT_KAIMING_UNIFORM, 0, 1, 0});
    td_norm_layer(c, m, NULL, out);
    return m;
}

/* x weighed by the first attention map plus the residual weighed by the second. */
static td_tensor *attend(td_ctx *c, const struct fusion *f, td_tensor *x, td_tensor *residual)
{
    if (td_dim(x, 2) != f->size || td_dim(x, 3) != f->size)
        td_fail(c, "sizes says %lld, but the feature map is %lld x %lld", (long long)f->size, (long long)td_dim(x, 2),
                (long long)td_dim(x, 3));
    td_tensor *y = td_interpolate_nearest(c, residual, f->size, f->size);
    td_tensor *z = td_call(c, f->attention_conv, td_cat(c, x, y, 1));
    return td_add(c, td_mul(c, x, td_slice(c, z, 1, 0, 1, 1)), td_mul(c, y, td_slice(c, z, 1, 1, 2, 1)));
}

/* (features[, residual]) -> (output, residual for the next) */
static td_value fusion_forward(td_ctx *c, td_module *m, td_value args)
{
    const struct fusion *f = td_data(m);
    td_tensor *x = td_call(c, f->conv1, td_tensor_of(c, args));
    if (f->attention_conv)
        x = attend(c, f, x, td_tensor_of(c, args.kind == TD_VALUE_TUPLE && args.n > 1 ? args.items[1] : td_none()));
    td_value out[] = {td_value_of(td_call(c, f->conv2, x)), td_value_of(x)};
    return td_tuple(c, 2, out);
}

static const td_module_type fusion_type = {
    .name = "AttentionBasedFusion", .data_size = sizeof(struct fusion), .forward_value = fusion_forward};

static td_module *fusion_new(td_ctx *c, const struct fusion_params *p, int attends, int64_t size)
{
    td_module *m = td_module_new(c, &fusion_type);
    if (td_failed(c))
        return m;
    struct fusion *f = td_data(m);
    f->size = size;
    f->conv1 = conv_bn(c, m, "conv1", p->in_channels, p->mid_channels, 1);
    f->conv2 = conv_bn(c, m, "conv2", p->mid_channels, p->out_channels, 3);
    if (attends) {
        f->attention_conv = td_layer(c, m, "attention_conv", "Sequential", "{}");
        td_layer(c, f->attention_conv, NULL, "Conv2d", "{in_channels: %lld, out_channels: 2, kernel_size: 1}",
                 (long long)(2 * p->mid_channels));
        td_layer(c, f->attention_conv, NULL, "Sigmoid", "{}");
    }
    return m;
}

/* ---- student ---- */

struct abf {
    td_tap tap;
    struct fusion_params kwargs;
};
struct review_params {
    td_list abfs; /* from the shallowest to the deepest */
    td_ints sizes;
};

static const td_param fusion_table[] = {
    TD_PARAM_INT(struct fusion_params, in_channels, NULL, "of the feature map", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct fusion_params, mid_channels, NULL, "inside, and of the residual", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct fusion_params, out_channels, NULL, "of the teacher's feature map", .min = 1, .max = 1e6),
    TD_PARAM_END};
static const td_param abf_table[] = {
    TD_TAP_STUDENT(struct abf, tap, "path", "io", NULL),
    TD_PARAM_STRUCT(struct abf, kwargs, fusion_table, sizeof(struct fusion_params), NULL, "the fusion module"),
    TD_PARAM_END};
static const td_param review_table[] = {TD_PARAM_LIST(struct review_params, abfs, abf_table, sizeof(struct abf), NULL,
                                                      "fusions, from the shallowest feature map to the deepest"),
                                        TD_PARAM_INTS(struct review_params, sizes, "[1, 7, 14, 28, 56]",
                                                      "sides of the feature maps, from the deepest on", .min = 1,
                                                      .max = 65536),
                                        TD_PARAM_END_OPEN};

struct student {
    td_wrapped wrapped;
    td_module *fusions[MOST_FUSIONS];
};

static const td_module_type student_type = {
    .name = "Student4KnowledgeReview", .data_size = sizeof(struct student), .forward_value = td_wrapped_forward};

static td_module *review_build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct review_params *p = params;
    const struct abf *abfs = p->abfs.v;
    td_module *m = td_wrap(c, &student_type, name, model);
    if (p->abfs.n < 1 || p->abfs.n > MOST_FUSIONS)
        td_fail(c, "abfs has %lld entries; it takes 1 to %d", (long long)p->abfs.n, MOST_FUSIONS);
    if (p->sizes.n < p->abfs.n)
        td_fail(c, "sizes has %lld numbers for %lld abfs", (long long)p->sizes.n, (long long)p->abfs.n);
    if (td_failed(c))
        return m;
    struct student *s = td_data(m);
    td_module *list = td_layer(c, m, "abf_modules", "ModuleList", "{}");
    for (int64_t i = 0; i < p->abfs.n && !td_failed(c); i++)
        s->fusions[i] = td_adopt(c, list, NULL, fusion_new(c, &abfs[p->abfs.n - 1 - i].kwargs, i > 0, p->sizes.v[i]));
    return m;
}

static void review_secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct review_params *p = params;
    const struct abf *abfs = p->abfs.v;
    const struct student *s = td_data(self);
    td_value residual = td_none();
    for (int64_t i = 0; i < p->abfs.n && !td_failed(c); i++) {
        td_value args[] = {td_value_of(td_io_get(io, &abfs[p->abfs.n - 1 - i].tap)), residual};
        td_value out = td_call_value(c, s->fusions[i], i ? td_tuple(c, 2, args) : args[0]);
        residual = out.kind == TD_VALUE_TUPLE ? out.items[1] : td_none();
    }
}

const td_wrapper_type review_student = {
    .type = {.key = "Student4KnowledgeReview", .summary = "a student whose feature maps are fused from deep to shallow",
             .params = review_table, .params_size = sizeof(struct review_params)},
    .build = review_build, .secondary_forward = review_secondary};
