/* Several views of one sample: SSKD's turned images, MLKD's weakly and strongly augmented ones. */
#include "host/nn/module.h"
#include "host/train/io.h"
#include "tests/data/data.h"

/* Sample i: one channel of 3 x width pixels, 9 i + 0, 1, 2 / 3, 4, 5 / 6, 7, 8 where width is 3. */
struct digits {
    int64_t width;
};
static const td_param digits_table[] = {TD_PARAM_INT(struct digits, width, "3", "of the images"), TD_PARAM_END};

static int32_t digits_open(td_ctx *c, const void *params, void *data)
{
    (void)c;
    *(struct digits *)data = *(const struct digits *)params;
    return TD_OK;
}

static int64_t digits_length(const void *data)
{
    (void)data;
    return 4;
}

static int32_t digits_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    const int32_t w = (int32_t)((const struct digits *)data)->width;
    uint8_t *pixels = td_item_image(item, w, 3, 1);
    (void)c;
    for (int i = 0; pixels && i < 3 * w; i++)
        pixels[i] = (uint8_t)(9 * index + i);
    td_item_of(item)->target = index;
    return pixels ? TD_OK : TD_ERROR;
}

static const td_dataset_type digits = {.type = {.key = "Digits", .summary = "for tests", .params = digits_table,
                                                .params_size = sizeof(struct digits)},
                                       .data_size = sizeof(struct digits), .open = digits_open, .length = digits_length,
                                       .get = digits_get};

/* A transform: values are factor times pixels, plus a draw below 1 where it is noisy. */
struct factor {
    double factor;
    int32_t noisy;
};
static const td_param factor_table[] = {TD_PARAM_FLOAT(struct factor, factor, "1", "of the pixels"),
                                        TD_PARAM_BOOL(struct factor, noisy, "false", "adds a draw"), TD_PARAM_END};

static int32_t factor_apply(td_ctx *c, const void *params, td_item *item)
{
    const struct factor *p = params;
    td_item_view v = td_item_of(item)->image;
    float *out = td_item_floats(item, v.width, v.height, v.channels);
    (void)c;
    for (int i = 0; out && i < v.width * v.height * v.channels; i++)
        out[i] = (float)(p->factor * (v.pixels ? v.pixels[i] : v.values[i]) +
                         (p->noisy ? td_item_random(item, (uint32_t)i) : 0));
    return out ? TD_OK : TD_ERROR;
}

static const td_transform_type factor = {.type = {.key = "Factor", .summary = "for tests", .params = factor_table,
                                                  .params_size = sizeof(struct factor)},
                                         .apply = factor_apply};

static void setup(void)
{
    static const char *const files[] = {"plugins/methods/sskd/sskd.so", "plugins/methods/mlkd/mlkd.so"};
    load_plugins(files, 2);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_DATASET, &digits), 0);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_TRANSFORM, &factor), 0);
}
TestSuite(views, .init = setup, .fini = unload);

static td_value keep(td_ctx *c, td_module *m, td_value v)
{
    (void)c;
    *(td_tensor **)td_data(m) = td_retain(v.tensor);
    return v;
}

/* The first two samples of the data set at `data`, behind the wrapper at `wrapper`, as the network gets them from the
 * forward procedure `proc`, into `out`; how many images. */
static int64_t fed(const char *yaml, const char *proc, float *out, int64_t room)
{
    static const td_module_type type = {.name = "Keep", .data_size = sizeof(td_tensor *), .forward_value = keep};
    td__node *root = parse(yaml);
    td_dataset *org = td__dataset_open(ctx, &config, td__node_get(root, "data"), SEED);
    td__object *wrapper = td__object_of(&config, td__node_get(root, "wrapper"), TD_KIND_DATASET_WRAPPER);
    cr_assert(org && wrapper, "%s", ctx->error);
    td_dataset *d = td__dataset_wrap(ctx, wrapper, org);
    cr_assert(d, "%s", ctx->error);
    cr_assert_eq(td__dataset_length(d), 4);
    td__loader *l = td__loader_new(ctx, d, &(td__loader_options){.batch_size = 2, .seed = SEED});
    td__batch b;
    td_module *m = td__module_retain(td_module_new(ctx, &type));
    int64_t images = -1;
    if (!td__loader_start(ctx, l, 0, 0) && td__loader_next(ctx, l, &b) == 1) {
        const td_forward_proc_type *p = (const td_forward_proc_type *)td__find_type(TD_KIND_FORWARD_PROC, proc);
        cr_assert(p, "%s", proc);
        td_io *io = td__io_new(ctx);
        td__io_begin(io, &b, 0, 0);
        p->forward(ctx, m, b.input, b.target, io);
        td__io_free(io);
        td_tensor *got = *(td_tensor **)td_data(m);
        cr_assert(!ctx->error && td_numel(got) <= room && td_dim(got, 1) == 1 && td_dim(got, 2) == 3, "%s", ctx->error);
        images = td_dim(got, 0);
        td__tensor_read(ctx, got, TD_FLOAT32, out, td_numel(got));
        td_release(got);
    }
    td__module_release(m);
    td__loader_free(l);
    td__dataset_release(d);
    td__dataset_release(org);
    return images;
}

/* torch.rot90(x, k) of x = arange(9).reshape(3, 3), which is what PIL's rotate(90 k) does: counter-clockwise. */
Test(views, sskd_turns_as_upstream)
{
    static const float turned[4][9] = {{0, 1, 2, 3, 4, 5, 6, 7, 8},
                                       {2, 5, 8, 1, 4, 7, 0, 3, 6},
                                       {8, 7, 6, 5, 4, 3, 2, 1, 0},
                                       {6, 3, 0, 7, 4, 1, 8, 5, 2}};
    float got[8][9];
    cr_assert_eq(fed("{data: {key: Digits, kwargs: {transform: {key: Factor}}}, wrapper: {key: SSKDDatasetWrapper}}",
                     "forward_batch4sskd", got[0], 72),
                 8, "%s", ctx->error);
    for (int sample = 0; sample < 2; sample++)
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 9; i++)
                cr_expect_eq(got[4 * sample + k][i], 9 * sample + turned[k][i],
                             "sample %d turned by %d degrees: pixel %d is %g, not %g", sample, 90 * k, i,
                             (double)got[4 * sample + k][i], 9 * sample + (double)turned[k][i]);
}

/* Each turned image is transformed by itself: with draws of its own, and to the same size. */
Test(views, turned_images_are_transformed_apart)
{
    float got[8][9];
    cr_assert_eq(fed("{data: {key: Digits, kwargs: {transform: {key: Factor, kwargs: {factor: 0, noisy: true}}}}, wrapper: "
                     "{key: SSKDDatasetWrapper}}",
                     "forward_batch4sskd", got[0], 72),
                 8, "%s", ctx->error);
    for (int a = 0; a < 8; a++)
        for (int b = 0; b < a; b++)
            cr_expect(memcmp(got[a], got[b], sizeof got[a]), "images %d and %d have the same draws", a, b);
    cr_expect_eq(fed("{data: {key: Digits, kwargs: {width: 2, transform: {key: Factor}}}, wrapper: {key: SSKDDatasetWrapper}}",
                     "forward_batch4sskd", got[0], 72),
                 -1);
    expect_error("sample 0: SSKDDatasetWrapper needs transforms that end in ToTensor and give all views of a sample one size");
}

/* The second view is the strong transform of the untouched image, also where both are chains with draws. */
Test(views, mlkd_augments_the_same_image_twice)
{
    float got[4][9];
    cr_assert_eq(fed("{data: {key: Digits, kwargs: {transform: {key: Factor, kwargs: {factor: 2}}}}, wrapper: {key: "
                     "MLKDDatasetWrapper, kwargs: {strong_transform: [{key: Factor, kwargs: {factor: 10}}, {key: Factor, "
                     "kwargs: {factor: -1}}]}}}",
                     "forward_batch4mlkd", got[0], 36),
                 4, "%s", ctx->error);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 9; i++)
            cr_expect_eq(got[k][i], (k % 2 ? -10 : 2) * (9 * (k / 2) + i), "image %d, pixel %d: %g", k, i, (double)got[k][i]);
    cr_assert_eq(fed("{data: {key: Digits, kwargs: {transform: {key: Factor, kwargs: {factor: 0, noisy: true}}}}, wrapper: "
                     "{key: MLKDDatasetWrapper, kwargs: {strong_transform: {key: Factor, kwargs: {factor: 0, noisy: true}}}}}",
                     "forward_batch4mlkd", got[0], 36),
                 4, "%s", ctx->error);
    cr_expect(memcmp(got[0], got[1], sizeof got[0]) && memcmp(got[2], got[3], sizeof got[2]), "the same draws");
}
