/* A plugin of the tests: networks of a few hundred parameters, and images that need no files. */
#include <td/td.h>

/* ---- Tiny: conv [-> batch norm] -> relu -> flatten -> dropout -> fc ---- */

struct model_params {
    int64_t classes;
    int32_t batch_norm;
    double scale, dropout;
};
static const td_param model_table[] = {
    TD_PARAM_INT(struct model_params, classes, "4", "outputs", .min = 1, .max = 1000),
    TD_PARAM_BOOL(struct model_params, batch_norm, "true", "between convolution and relu"),
    TD_PARAM_FLOAT(struct model_params, scale, "1", "of the output"),
    TD_PARAM_FLOAT(struct model_params, dropout, "0", "before fc", .min = 0, .max = 1), TD_PARAM_END};

struct tiny {
    td_module *conv, *bn, *relu, *dropout, *fc;
    double scale;
};

static td_tensor *tiny_forward(td_ctx *c, td_module *m, td_tensor *x)
{
    const struct tiny *d = td_data(m);
    x = td_call(c, d->conv, x);
    if (d->bn)
        x = td_call(c, d->bn, x);
    x = td_call(c, d->fc, td_call(c, d->dropout, td_flatten(c, td_call(c, d->relu, x))));
    return d->scale == 1 ? x : td_scale(c, x, d->scale);
}

static const td_module_type tiny_type = {.name = "Tiny", .data_size = sizeof(struct tiny), .forward = tiny_forward};

static td_module *tiny_build(td_ctx *c, const void *params)
{
    const struct model_params *p = params;
    td_module *m = td_module_new(c, &tiny_type);
    if (td_failed(c))
        return m;
    struct tiny *d = td_data(m);
    d->scale = p->scale;
    d->conv = td_layer(c, m, "conv", "Conv2d", "{in_channels: 3, out_channels: 4, kernel_size: 3, padding: 1}");
    d->bn = p->batch_norm ? td_layer(c, m, "bn", "BatchNorm2d", "{num_features: 4}") : NULL;
    d->relu = td_layer(c, m, "relu", "ReLU", "{}");
    d->dropout = td_layer(c, m, "dropout", "Dropout", "{p: %g}", p->dropout);
    d->fc = td_layer(c, m, "fc", "Linear", "{in_features: 256, out_features: %lld}", (long long)p->classes);
    return m;
}

static const td_model_type tiny = {.type = {.key = "Tiny",
                                            .summary = "a network for tests",
                                            .params = model_table,
                                            .params_size = sizeof(struct model_params)},
                                   .build = tiny_build};

/* ---- TinyImages: 8x8, brighter in the quarter that is the class ---- */

struct data_params {
    int64_t length, first;
};
static const td_param data_table[] = {
    TD_PARAM_INT(struct data_params, length, "40", "images", .min = 1, .max = 1e6),
    TD_PARAM_INT(struct data_params, first, "0", "number of the first image", .min = 0, .max = 1e6), TD_PARAM_END};

static int32_t images_open(td_ctx *c, const void *params, void *data)
{
    (void)c;
    *(struct data_params *)data = *(const struct data_params *)params;
    return TD_OK;
}

static int64_t images_length(const void *data)
{
    return ((const struct data_params *)data)->length;
}

static int64_t images_classes(const void *data)
{
    (void)data;
    return 4;
}

static int64_t images_target(const void *data, int64_t index)
{
    return (((const struct data_params *)data)->first + index) * 7 % 4;
}

static int32_t images_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    float *v = td_item_floats(item, 8, 8, 3);
    int64_t class = images_target(data, index), sample = ((const struct data_params *)data)->first + index;
    (void)c;
    if (!v)
        return TD_ERROR;
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            for (int k = 0; k < 3; k++)
                v[(y * 8 + x) * 3 + k] =
                    (float)(td_host->random(1, 0, (uint64_t)sample, (uint64_t)((y * 8 + x) * 3 + k)) - 0.5 +
                            (y / 4 * 2 + x / 4 == class ? 0.4 : 0) + 0.1 * td_item_random(item, (uint32_t)k));
    td_item_of(item)->target = class;
    return TD_OK;
}

static const td_dataset_type images = {.type = {.key = "TinyImages",
                                                .summary = "images for tests",
                                                .params = data_table,
                                                .params_size = sizeof(struct data_params)},
                                       .data_size = sizeof(struct data_params),
                                       .open = images_open,
                                       .length = images_length,
                                       .get = images_get,
                                       .target = images_target,
                                       .classes = images_classes};

/* ---- CountingLoss: a loss with a state that counts its calls, so that a checkpoint must keep it ---- */

static td_module *counting_build(td_ctx *c, const void *params);

struct counting {
    td_tensor *count, *weight;
};
static const td_module_type counting_type = {
    .name = "CountingState", .data_size = sizeof(struct counting), .forward = tiny_forward};

static td_tensor *counting_forward(td_ctx *c, const void *params, td_io *io)
{
    struct counting *d = td_data(td_io_of(io)->state);
    td_tap tap = {".", TD_OUTPUT, TD_STUDENT};
    (void)params;
    td_copy(c, d->count, td_affine(c, d->count, 1, 1));
    td_tensor *square = td_mean(c, td_square(c, td_io_get(io, &tap)), 0, 0);
    return td_add(c, td_mul(c, square, td_detach(c, d->count)), td_square(c, d->weight));
}

static const td_loss_type counting = {
    .type = {.key = "CountingLoss", .summary = "the mean square, times how often it was asked"},
    .forward = counting_forward,
    .build = counting_build};

static td_module *counting_build(td_ctx *c, const void *params)
{
    const td_desc scalar = {TD_FLOAT32, 0, {0}};
    td_module *m = td_module_new(c, &counting_type);
    (void)params;
    if (td_failed(c))
        return m;
    struct counting *d = td_data(m);
    d->count = td_buffer(c, m, "count", &scalar, (td_init){TD_INIT_ZEROS, 0, 0, 0});
    d->weight = td_parameter(c, m, "weight", 0, NULL, (td_init){TD_INIT_ONES, 0, 0, 0});
    return m;
}

/* ---- RestlessLoss: not the same in each step, in one way or another ---- */

struct restless_params {
    const char *how;
};
static const td_param restless_table[] = {
    TD_PARAM_STRING(struct restless_params, how, NULL,
                    "step, epoch: its factor; keep: a tensor of the step before; read: each call reads; third: the "
                    "third one does",
                    .choices = "step|epoch|keep|read|third"),
    TD_PARAM_END};

static td_tensor *restless_kept;
static int restless_calls;

static td_tensor *restless_forward(td_ctx *c, const void *params, td_io *io)
{
    const char how = ((const struct restless_params *)params)->how[0];
    const td_io_head *h = td_io_of(io);
    td_tap tap = {".", TD_OUTPUT, TD_STUDENT};
    td_tensor *square = td_mean(c, td_square(c, td_io_get(io, &tap)), 0, 0);
    double factor = how == 's' ? 1 + (double)h->step : how == 'e' ? 1 + (double)h->epoch : 1;
    float value;
    restless_calls = h->step ? restless_calls + 1 : 1;
    if (how == 'r' || (how == 't' && restless_calls == 3))
        td_host->read(c, square, TD_FLOAT32, &value, 1);
    if (how == 'k') {
        td_tensor *before = h->step ? restless_kept : NULL, *now = td_retain(td_detach(c, td_scale(c, square, 0.5)));
        if (before)
            square = td_add(c, square, td_mul(c, square, before));
        td_release(before);
        restless_kept = now;
    }
    return td_scale(c, square, 0.01 * factor);
}

static const td_loss_type restless = {.type = {.key = "RestlessLoss",
                                               .summary = "not the same in each step",
                                               .params = restless_table,
                                               .params_size = sizeof(struct restless_params)},
                                      .forward = restless_forward};

TD_PLUGIN(tiny, "1.0.0", "MIT", "What the tests of training train",
          "model:Tiny dataset:TinyImages loss:CountingLoss loss:RestlessLoss")
{
    td_register(reg, TD_KIND_MODEL, &tiny);
    td_register(reg, TD_KIND_DATASET, &images);
    td_register(reg, TD_KIND_LOSS, &counting);
    td_register(reg, TD_KIND_LOSS, &restless);
}
