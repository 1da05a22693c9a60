/* The vision plugin against what torchvision and Pillow make of the same picture (golden.py). */
#include "tests/data/data.h"

#include "host/base/file.h"
#include "host/io/image.h"

static td__image input;

static td__image read_png(const char *name)
{
    char *relative = td__printf("tests/data/golden/%s.png", name), *path = source_path(relative), why[256] = "";
    size_t size;
    void *bytes = td__file_read(path, &size);
    td__image image;
    cr_assert(bytes, "%s", path);
    cr_assert_eq(td__image_decode(bytes, size, &image, why, sizeof why), 0, "%s: %s", path, why);
    free(bytes);
    free(path);
    free(relative);
    return image;
}

/* A data set whose every sample is the input picture. */
static int32_t picture_open(td_ctx *c, const void *params, void *data)
{
    (void)c, (void)params, (void)data;
    return 0;
}
static int64_t picture_length(const void *data)
{
    (void)data;
    return 1000;
}
static int32_t picture_get(td_ctx *c, const void *data, int64_t index, td_item *item)
{
    (void)c, (void)data, (void)index;
    memcpy(td_item_image(item, input.width, input.height, 3), input.pixels, (size_t)(input.width * input.height * 3));
    return 0;
}
static const td_dataset_type picture = {
    {.key = "Picture", .summary = "for tests"}, .open = picture_open, .length = picture_length, .get = picture_get};

static td_item *item;

static void setup(void)
{
    static const char *const vision[] = {"plugins/transforms/vision/vision.so"};
    load_plugins(vision, 1);
    cr_assert_eq(TD__REGISTER_HOST(TD_KIND_DATASET, &picture), 0);
    input = read_png("input");
    item = td__item_new();
    cr_assert(item);
}

static void teardown(void)
{
    td__item_free(item);
    td__image_free(&input);
    unload();
}

TestSuite(transforms, .init = setup, .fini = teardown);

/* What a chain (flow YAML) makes of sample i, in item. */
static td_item_view transformed(const char *chain, int64_t i)
{
    td_dataset *d = opened("{key: Picture, kwargs: {transform: %s}}", chain);
    cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0, "%s: %s", chain, ctx->error);
    td__dataset_release(d);
    return item->head.image;
}

static void expect_not_transformed(const char *chain, const char *reason)
{
    td_dataset *d = opened("{key: Picture, kwargs: {transform: %s}}", chain);
    cr_assert_eq(td__dataset_item(ctx, d, 3, 0, item), TD_ERROR, "%s", chain);
    td__dataset_release(d);
    expect_error(reason);
}

static int worst_difference(td_item_view v, const td__image *want)
{
    int worst = v.pixels && v.width == want->width && v.height == want->height && v.channels == 3 ? 0 : 256;
    for (int i = 0; worst < 256 && i < v.width * v.height * 3; i++)
        worst = abs(v.pixels[i] - want->pixels[i]) > worst ? abs(v.pixels[i] - want->pixels[i]) : worst;
    return worst;
}

Test(transforms, pixels_as_torchvision)
{
    static const struct { const char *chain, *name;
    } cases[] = {
        {"{key: Resize, kwargs: {size: 24}}", "resize_24"},
        {"{key: Resize, kwargs: {size: [17, 23]}}", "resize_17x23"},
        {"{key: Resize, kwargs: {size: 90, antialias: true}}", "resize_90"},
        {"{key: Resize, kwargs: {size: 30, max_size: 35}}", "resize_30_max_35"},
        {"{key: Resize, kwargs: {size: 20, interpolation: bicubic}}", "resize_bicubic_20"},
        {"{key: Resize, kwargs: {size: 70, interpolation: bicubic}}", "resize_bicubic_70"},
        {"{key: Resize, kwargs: {size: [31, 80], interpolation: nearest}}", "resize_nearest_31x80"},
        {"{key: RandomResizedCrop, kwargs: {size: [17, 23], scale: [1, 1], ratio: [1.3555555, 1.3555556]}}",
         "resize_17x23"},
        {"{key: CenterCrop, kwargs: {size: 24}}", "center_24"},
        {"{key: CenterCrop, kwargs: {size: 64}}", "center_64"},
        {"{key: CenterCrop, kwargs: {size: [50, 30]}}", "center_50x30"},
        {"{key: Pad, kwargs: {padding: [3, 1, 5, 7], fill: [9, 200, 31]}}", "pad_constant"},
        {"{key: Pad, kwargs: {padding: [3, 8], padding_mode: edge}}", "pad_edge"},
        {"{key: Pad, kwargs: {padding: 12, padding_mode: reflect}}", "pad_reflect"},
        {"{key: Pad, kwargs: {padding: [3, 1, 5, 45], padding_mode: symmetric}}", "pad_symmetric"},
        {"{key: RandomCrop, kwargs: {size: [69, 85], padding: 12, padding_mode: reflect}}", "pad_reflect"},
        {"{key: RandomHorizontalFlip, kwargs: {p: 1}}", "hflip"},
        {"{key: RandomVerticalFlip, kwargs: {p: 1}}", "vflip"},
        {"{key: Grayscale, kwargs: {num_output_channels: 3}}", "gray"},
        {"{key: ColorJitter, kwargs: {brightness: [1.3, 1.3]}}", "brightness"},
        {"{key: ColorJitter, kwargs: {contrast: [0.6, 0.6]}}", "contrast"},
        {"{key: ColorJitter, kwargs: {saturation: [1.7, 1.7]}}", "saturation"},
        {"[{key: RandomHorizontalFlip, kwargs: {p: 0}}, {key: RandomVerticalFlip, kwargs: {p: 0}}]", "input"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        td__image want = read_png(cases[i].name);
        int worst = worst_difference(transformed(cases[i].chain, 0), &want);
        cr_expect_eq(worst, 0, "%s is off by %d", cases[i].name, worst);
        td__image_free(&want);
    }
}

/* Values of three pixels as torch computes them, to the bit (printed by golden.py). */
Test(transforms, normalized_values_as_torchvision)
{
    static const int at[3][2] = {{0, 0}, {7, 3}, {60, 44}};
    static const float want[3][3] = {{0x1.b85b3ep-6f, -0x1.e6534p+0f, -0x1.b4fe12p+0f},
                                     {0x1.687144p+0f, -0x1.3d46d8p+0f, -0x1.8319ep+0f},
                                     {-0x1.98e334p-1f, 0x1.a0a416p+0f, 0x1.e4145p+0f}};
    td_item_view v =
        transformed("[{key: ToTensor}, {key: Normalize, kwargs: {mean: [0.49139968, 0.48215841, 0.44653091], "
                    "std: [0.24703223, 0.24348513, 0.26158784]}}]",
                    0);
    cr_assert(v.values && !v.pixels);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            cr_expect_eq(v.values[(at[i][1] * v.width + at[i][0]) * 3 + k], want[i][k], "pixel %d, channel %d", i, k);
}

static int is_window(const td_item_view *v, int x, int y, int black_outside)
{
    for (int r = 0; r < v->height; r++)
        for (int col = 0; col < v->width; col++)
            for (int k = 0; k < 3; k++) {
                int sx = x + col, sy = y + r, inside = sx >= 0 && sy >= 0 && sx < input.width && sy < input.height;
                int want = inside ? input.pixels[(sy * input.width + sx) * 3 + k] : 0;
                if ((!inside && !black_outside) || v->pixels[(r * v->width + col) * 3 + k] != want)
                    return 0;
            }
    return 1;
}

/* Every crop is a window of the padded picture, all places come about equally often, and flips with it are
 * independent. */
Test(transforms, random_crop_is_uniform)
{
    enum { PAD = 2, ACROSS = 2 * PAD + 1 };
    int count[ACROSS][ACROSS] = {{0}};
    td_dataset *d =
        opened("{key: Picture, kwargs: {transform: {key: RandomCrop, args: [[45, 61]], kwargs: {padding: 2}}}}");
    for (int i = 0; i < 1000; i++) {
        int found = 0;
        cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0, "%s", ctx->error);
        for (int y = -PAD; y <= PAD && !found; y++)
            for (int x = -PAD; x <= PAD && !found; x++)
                if (is_window(&item->head.image, x, y, 1)) {
                    count[y + PAD][x + PAD]++;
                    found = 1;
                }
        cr_assert(found, "sample %d is no window", i);
    }
    td__dataset_release(d);
    for (int i = 0; i < ACROSS * ACROSS; i++) /* 40 expected, standard deviation 6.2 */
        cr_expect(count[i / ACROSS][i % ACROSS] > 15 && count[i / ACROSS][i % ACROSS] < 65, "place %d: %d", i,
                  count[i / ACROSS][i % ACROSS]);
}

/* 61 x 45 becomes 69 x 55: 4 and 5 more on both sides. */
Test(transforms, pad_if_needed_pads_both_sides)
{
    int lowest_x = 0, highest_x = -9, lowest_y = 0, highest_y = -9;
    td_dataset *d =
        opened("{key: Picture, kwargs: {transform: {key: RandomCrop, kwargs: {size: [50, 65], pad_if_needed: true}}}}");
    for (int i = 0; i < 60; i++) {
        int found = 0;
        cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0, "%s", ctx->error);
        for (int x = -4; x <= 0 && !found; x++)
            for (int y = -5; y <= 0 && !found; y++)
                if ((found = is_window(&item->head.image, x, y, 1))) {
                    lowest_x = x < lowest_x ? x : lowest_x, highest_x = x > highest_x ? x : highest_x;
                    lowest_y = y < lowest_y ? y : lowest_y, highest_y = y > highest_y ? y : highest_y;
                }
        cr_assert(found, "sample %d is no window", i);
    }
    td__dataset_release(d);
    cr_assert(lowest_x == -4 && highest_x == 0 && lowest_y == -5 && highest_y == 0);
}

/* Channels are resized each by itself, however many there are. */
Test(transforms, one_channel_is_resized_as_each_of_three)
{
    static const char *const to[] = {"size: [17, 23]", "size: [90, 101]", "size: [9, 120], interpolation: bicubic"};
    for (size_t k = 0; k < sizeof to / sizeof *to; k++) {
        char *chain = td__printf("[{key: Grayscale, kwargs: {num_output_channels: 3}}, {key: Resize, kwargs: {%s}}]",
                                 to[k]);
        td_item_view three = transformed(chain, 0);
        int32_t n = three.width * three.height;
        uint8_t *want = malloc((size_t)n * 3);
        cr_assert(chain && want);
        memcpy(want, three.pixels, (size_t)n * 3);
        free(chain);
        chain = td__printf("[{key: Grayscale}, {key: Resize, kwargs: {%s}}]", to[k]);
        td_item_view one = transformed(chain, 0);
        cr_assert_eq(one.channels, 1);
        cr_assert_eq(one.width * one.height, n);
        for (int32_t i = 0; i < n; i++)
            for (int32_t ch = 0; ch < 3; ch++)
                cr_assert_eq(want[i * 3 + ch], one.pixels[i], "%s, pixel %d", to[k], i);
        free(chain);
        free(want);
    }
}

/* RandomResizedCrop: with its size fixed by scale and ratio, the result is what Resize makes of some window of that
 * size. */
Test(transforms, resized_crop_resizes_a_window)
{
    td_item_view v =
        transformed("{key: RandomResizedCrop, kwargs: {size: 16, scale: [0.2332, 0.2332], ratio: [1.6, 1.6]}}", 5);
    cr_assert(v.width == 16 && v.height == 16);
    uint8_t got[16 * 16 * 3]; /* area 45 x 61 x 0.2332 = 640 = 32 x 20 */
    memcpy(got, v.pixels, sizeof got);
    int found = 0;
    td_dataset *d = opened("{key: Picture, kwargs: {transform: [{key: RandomCrop, kwargs: {size: [20, 32]}}, {key: "
                           "Resize, kwargs: {size: [16, 16]}}]}}");
    for (int64_t epoch = 0; epoch < 200 && !found; epoch++)
        for (int64_t i = 0; i < 1000 && !found; i++) {
            cr_assert_eq(td__dataset_item(ctx, d, i, epoch, item), 0);
            found = !memcmp(got, item->head.image.pixels, sizeof got);
        }
    td__dataset_release(d);
    cr_assert(found);
}

/* A draw depends on sample, epoch and place in the chain: two flips in a row do not always undo each other. */
Test(transforms, draws_of_a_chain_are_independent)
{
    int same = 0;
    td_dataset *d =
        opened("{key: Picture, kwargs: {transform: [{key: RandomHorizontalFlip}, {key: RandomHorizontalFlip}]}}");
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0);
        same += is_window(&item->head.image, 0, 0, 0);
    }
    td__dataset_release(d);
    cr_assert(same > 70 && same < 130, "%d of 200", same);
}

Test(transforms, erasing_writes_a_rectangle)
{
    td_dataset *d = opened(
        "{key: Picture, kwargs: {transform: [{key: ToTensor}, {key: RandomErasing, kwargs: {p: 1, value: -7}}]}}");
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(td__dataset_item(ctx, d, i, 0, item), 0, "%s", ctx->error);
        td_item_view v = item->head.image;
        int x0 = v.width, x1 = -1, y0 = v.height, y1 = -1, n = 0;
        for (int y = 0; y < v.height; y++)
            for (int x = 0; x < v.width; x++)
                if (v.values[(y * v.width + x) * 3] == -7) {
                    x0 = x < x0 ? x : x0, x1 = x > x1 ? x : x1, y0 = y < y0 ? y : y0, y1 = y > y1 ? y : y1;
                    n++;
                }
        double share = (double)n / (v.width * v.height);
        cr_assert_eq(n, (x1 - x0 + 1) * (y1 - y0 + 1), "sample %d", i);
        cr_assert(share > 0.015 && share < 0.345, "sample %d: %g", i, share);
    }
    td__dataset_release(d);
}

Test(transforms, wrong_use_is_named)
{
    expect_not_transformed("{key: RandomCrop, kwargs: {size: 64}}",
                           "Picture, sample 3: RandomCrop cannot cut 64 x 64 from an image that is 45 x 61");
    expect_not_transformed("{key: RandomCrop, kwargs: {size: [1, 2, 3]}}",
                           "'size' of RandomCrop is one length or (height, width)");
    expect_not_transformed("{key: RandomCrop, kwargs: {size: 20, padding: [1, 2, 3]}}",
                           "'padding' of RandomCrop is one, two or four numbers");
    expect_not_transformed("{key: Pad, kwargs: {padding: 1, fill: [1, 2]}}",
                           "'fill' of Pad has 2 values for an image of 3 channels");
    expect_not_transformed("{key: Normalize, kwargs: {mean: [0, 0, 0], std: [1, 1, 1]}}", "put it after ToTensor");
    expect_not_transformed("[{key: ToTensor}, {key: Normalize, kwargs: {mean: [0, 0], std: [1, 1]}}]",
                           "2 means and 2 deviations for an image of 3 channels");
    expect_not_transformed("[{key: ToTensor}, {key: Normalize, kwargs: {mean: 0, std: 0}}]",
                           "'std' of Normalize is zero");
    expect_not_transformed("[{key: ToTensor}, {key: Resize, kwargs: {size: 20}}]",
                           "Resize works on 8-bit pixels: put it before ToTensor");
    expect_not_transformed("[{key: ToTensor}, {key: ToTensor}]", "ToTensor works on 8-bit pixels");
    expect_not_transformed("{key: RandomResizedCrop, kwargs: {size: 8, ratio: 2}}",
                           "'scale' and 'ratio' of RandomResizedCrop are two numbers each");
}
