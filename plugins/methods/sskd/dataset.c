/* SSKDDatasetWrapper: each sample as four, turned by 0, 90, 180 and 270 degrees counter-clockwise, each transformed by
 * itself; they lie below each other in one image, [C, 4H, W].  forward_batch4sskd gives the network [4B, C, H, W], the
 * four of a sample in a row. */
#include <string.h>
#include <td/views.h>

#include "sskd.h"

#define TURNS 4
#define KEY "SSKDDatasetWrapper"

struct data {
    int64_t length;
};

static int32_t open_data(td_ctx *c, const void *params, const td_dataset *org, void *data)
{
    (void)c;
    (void)params;
    ((struct data *)data)->length = td_host->dataset_length(org);
    return TD_OK;
}

static int64_t length(const void *data, const td_dataset *org)
{
    (void)org;
    return ((const struct data *)data)->length;
}

/* Pixel (x, y) of an image w wide and h high, turned: where it comes from. */
static const uint8_t *turned(const uint8_t *pixels, const td_item_view *v, int turns, int32_t x, int32_t y)
{
    int32_t from_x = turns == 0 ? x : turns == 1 ? v->width - 1 - y : turns == 2 ? v->width - 1 - x : y;
    int32_t from_y = turns == 0 ? y : turns == 1 ? x : turns == 2 ? v->height - 1 - y : v->height - 1 - x;
    return pixels + ((int64_t)from_y * v->width + from_x) * v->channels;
}

static void turn(td_item *item, const uint8_t *pixels, const td_item_view *v, int turns)
{
    int32_t width = turns % 2 ? v->height : v->width, height = turns % 2 ? v->width : v->height;
    uint8_t *to = td_item_image(item, width, height, v->channels);
    for (int32_t y = 0; to && y < height; y++)
        for (int32_t x = 0; x < width; x++, to += v->channels)
            memcpy(to, turned(pixels, v, turns, x, y), (size_t)v->channels);
}

static int32_t get(td_ctx *c, const void *data, const td_dataset *org, int64_t index, td_item *item)
{
    (void)data;
    if (td_host->dataset_get(c, org, index, item))
        return TD_ERROR;
    td_item_view original = td_item_of(item)->image;
    size_t bytes = (size_t)original.width * (size_t)original.height * (size_t)original.channels;
    if (!original.pixels) {
        td_fail(c, KEY " turns 8-bit images; the data set gives none");
        return TD_ERROR;
    }
    uint8_t *pixels = td_alloc(c, bytes);
    td_views views = {.wrapper = KEY, .n = TURNS};
    if (pixels)
        memcpy(pixels, original.pixels, bytes);
    for (int turns = 0; turns < TURNS && !td_failed(c); turns++) {
        turn(item, pixels, &original, turns);
        if (td_host->dataset_transform(c, org, item) || td_views_add(c, &views, item))
            return TD_ERROR;
    }
    return td_views_finish(c, &views, item);
}

const td_dataset_wrapper_type sskd_rotations = {
    .type = {.key = KEY, .summary = "samples turned by 0, 90, 180 and 270 degrees for SSKD"},
    .data_size = sizeof(struct data),
    .open = open_data,
    .length = length,
    .get = get};

static td_value forward(td_ctx *c, td_module *model, td_tensor *batch, td_tensor *target, td_io *io)
{
    (void)target;
    return td_call_value(c, model, td_value_of(td_views_apart(io, batch, TURNS, KEY)));
}

const td_forward_proc_type sskd_forward_proc = {
    .type = {.key = "forward_batch4sskd", .summary = "the network takes the four turned images of each sample"},
    .forward = forward};
