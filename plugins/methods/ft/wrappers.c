/* Factor transfer's networks: the teacher with a paraphraser, the student with a translator. */
#include "ft.h"

struct stack_params {
    double k;
    int64_t num_input_channels, num_output_channels, kernel_size, stride, padding;
    int32_t uses_bn;
};

#define CONV_PARAMS \
    TD_PARAM_INT(struct stack_params, num_input_channels, NULL, "channels of the feature map", .min = 1, .max = 1e6), \
    TD_PARAM_INT(struct stack_params, kernel_size, "3", "of each convolution", .min = 1, .max = 64), \
    TD_PARAM_INT(struct stack_params, stride, "1", "of each convolution", .min = 1, .max = 64), \
    TD_PARAM_INT(struct stack_params, padding, "1", "of each convolution", .min = 0, .max = 64), \
    TD_PARAM_BOOL(struct stack_params, uses_bn, "true", "batch norm after each convolution"), TD_PARAM_END

static const td_param paraphraser_params[] = {
    TD_PARAM_FLOAT(struct stack_params, k, NULL, "factor channels per input channel", .min = 1e-3, .max = 100),
    CONV_PARAMS};
static const td_param translator_params[] = {TD_PARAM_INT(struct stack_params, num_output_channels, NULL,
                                                          "channels of the teacher's factors", .min = 1, .max = 1e6),
                                             CONV_PARAMS};

/* convolution [+ batch norm] + leaky ReLU, three times */
static void add_layer(td_ctx *c, td_module *m, const char *key, int64_t in, int64_t out, const struct stack_params *p)
{
    td_layer(c, m, NULL, key, "{in_channels: %lld, out_channels: %lld, kernel_size: %lld, stride: %lld, padding: %lld}",
             (long long)in, (long long)out, (long long)p->kernel_size, (long long)p->stride, (long long)p->padding);
    if (p->uses_bn)
        td_norm_layer(c, m, NULL, out);
    td_layer(c, m, NULL, "LeakyReLU", "{negative_slope: 0.1}");
}

/* Channels in -> a -> b -> d. */
static td_module *stack(td_ctx *c, td_module *parent, const char *name, const char *key, int64_t in, int64_t a,
                        int64_t b, int64_t d, const struct stack_params *p)
{
    td_module *m = td_layer(c, parent, name, "Sequential", "{}");
    add_layer(c, m, key, in, a, p);
    add_layer(c, m, key, a, b, p);
    add_layer(c, m, key, b, d, p);
    return m;
}

/* ---- paraphraser ---- */

struct paraphraser {
    td_module *encoder, *decoder;
    int32_t uses_decoder;
};

static td_tensor *paraphraser_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct paraphraser *d = td_data(m);
    x = td_call(c, d->encoder, x);
    return d->uses_decoder ? td_call(c, d->decoder, x) : x;
}

static const td_module_type paraphraser_type = {
    .name = "Paraphraser4FactorTransfer", .data_size = sizeof(struct paraphraser), .forward = paraphraser_forward};

static td_module *paraphraser_new(td_ctx *c, const struct stack_params *p, int32_t uses_decoder)
{
    td_module *m = td_module_new(c, &paraphraser_type);
    int64_t in = p->num_input_channels, factors = (int64_t)((double)in * p->k);
    if (factors < 1)
        td_fail(c, "k = %g leaves no factor of %lld channels", p->k, (long long)in);
    if (td_failed(c))
        return m;
    struct paraphraser *d = td_data(m);
    d->uses_decoder = uses_decoder;
    d->encoder = stack(c, m, "encoder", "Conv2d", in, in, factors, factors, p);
    d->decoder = stack(c, m, "decoder", "ConvTranspose2d", factors, factors, in, in, p);
    return m;
}

/* ---- teacher ---- */

struct minimal {
    td_strings sequential;
};
struct teacher_params {
    struct minimal minimal;
    td_tap input;
    struct stack_params paraphraser_kwargs;
    const char *paraphraser_ckpt;
    int32_t uses_decoder;
};

static const td_param minimal_params[] = {
    TD_PARAM_STRINGS(struct minimal, sequential, "[]", "modules of the teacher that are enough"), TD_PARAM_END};
static const td_param teacher_table[] = {
    TD_PARAM_STRUCT(struct teacher_params, minimal, minimal_params, sizeof(struct minimal), "null",
                    "prunes the teacher", .flags = TD_NULLABLE),
    TD_TAP_PATH(struct teacher_params, input, "input_module_path", NULL, TD_SIDE_TEACHER,
                "whose output is paraphrased"),
    TD_PARAM_STRUCT(struct teacher_params, paraphraser_kwargs, paraphraser_params, sizeof(struct stack_params), NULL,
                    "the paraphraser"),
    TD_PARAM_FILE(struct teacher_params, paraphraser_ckpt, "null",
                  "its weights: read if there, written after each epoch it trains", .flags = TD_NULLABLE),
    TD_PARAM_BOOL(struct teacher_params, uses_decoder, NULL, "true while the paraphraser learns to rebuild its input"),
    TD_PARAM_END_OPEN};

struct wrapped {
    td_wrapped network;
    td_module *extra; /* the paraphraser or translator */
};

static const td_module_type teacher_type = {
    .name = "Teacher4FactorTransfer", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};
static const td_module_type student_type = {
    .name = "Student4FactorTransfer", .data_size = sizeof(struct wrapped), .forward_value = td_wrapped_forward};

static td_module *teacher_build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct teacher_params *p = params;
    if (p->minimal.sequential.n)
        model = td_redesign(c, model, &p->minimal.sequential);
    td_module *m = td_wrap(c, &teacher_type, name, model);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    w->extra = td_adopt(c, m, "paraphraser", paraphraser_new(c, &p->paraphraser_kwargs, p->uses_decoder));
    if (p->paraphraser_ckpt && !td_failed(c))
        td_host->load_module(c, w->extra, p->paraphraser_ckpt);
    return m;
}

static void teacher_secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct teacher_params *p = params;
    td_call(c, ((struct wrapped *)td_data(self))->extra, td_io_get(io, &p->input));
}

static void teacher_post_epoch(td_ctx *c, const void *params, td_module *self)
{
    const struct teacher_params *p = params;
    if (p->paraphraser_ckpt && p->uses_decoder)
        td_host->save_module(c, ((struct wrapped *)td_data(self))->extra, p->paraphraser_ckpt);
}

const td_wrapper_type ft_teacher = {
    .type = {.key = "Teacher4FactorTransfer",
             .summary = "a frozen teacher with a paraphraser of one of its feature maps",
             .params = teacher_table,
             .params_size = sizeof(struct teacher_params)},
    .build = teacher_build,
    .secondary_forward = teacher_secondary,
    .post_epoch = teacher_post_epoch};

/* ---- student ---- */

struct student_params {
    td_tap input;
    struct stack_params translator_kwargs;
};

static const td_param student_table[] = {
    TD_TAP_PATH(struct student_params, input, "input_module_path", NULL, TD_SIDE_STUDENT, "whose output is translated"),
    TD_PARAM_STRUCT(struct student_params, translator_kwargs, translator_params, sizeof(struct stack_params), NULL,
                    "the translator"),
    TD_PARAM_END_OPEN};

static td_module *student_build(td_ctx *c, const void *params, const char *name, td_module *model)
{
    const struct student_params *p = params;
    const struct stack_params *t = &p->translator_kwargs;
    td_module *m = td_wrap(c, &student_type, name, model);
    if (td_failed(c))
        return m;
    struct wrapped *w = td_data(m);
    int64_t in = t->num_input_channels, out = t->num_output_channels;
    w->extra = stack(c, m, "translator", "Conv2d", in, in, out, out, t);
    return m;
}

static void student_secondary(td_ctx *c, const void *params, td_module *self, td_io *io)
{
    const struct student_params *p = params;
    td_call(c, ((struct wrapped *)td_data(self))->extra, td_io_get(io, &p->input));
}

const td_wrapper_type ft_student = {
    .type = {.key = "Student4FactorTransfer", .summary = "a student with a translator of one of its feature maps",
             .params = student_table, .params_size = sizeof(struct student_params)},
    .build = student_build, .secondary_forward = student_secondary};
