/* MLKDDatasetWrapper: two views of each sample, the data set's own (weakly augmented) and one that `strong_transform`
 * makes of the same image.  forward_batch4mlkd gives the network [2B, C, H, W], the two of a sample in a row. */
#include "mlkd.h"

#include <td/views.h>

#define VIEWS 2
#define KEY "MLKDDatasetWrapper"

struct params {
    const void *strong_transform; /* as item_transform takes it */
};

static const td_param table[] = {
    TD_PARAM_OBJECT(struct params, strong_transform, "transform", NULL, "makes the second view; ends in ToTensor"),
    TD_PARAM_END};

static int32_t open_data(td_ctx *c, const void *params, const td_dataset *org, void *data)
{
    (void)c, (void)org;
    *(struct params *)data = *(const struct params *)params;
    return TD_OK;
}

static int64_t length(const void *data, const td_dataset *org)
{
    (void)data;
    return td_host->dataset_length(org);
}

static int32_t get(td_ctx *c, const void *data, const td_dataset *org, int64_t index, td_item *item)
{
    const struct params *p = data;
    td_views views = {.wrapper = KEY, .n = VIEWS};
    if (td_host->dataset_get(c, org, index, item))
        return TD_ERROR;
    const td_item_view image = td_item_of(item)->image;
    size_t bytes = (size_t)image.width * (size_t)image.height * (size_t)image.channels;
    uint8_t *original = image.pixels ? td_alloc(c, bytes) : NULL;
    if (!image.pixels)
        td_fail(c, KEY " augments 8-bit images; the data set gives none");
    if (!original)
        return TD_ERROR;
    memcpy(original, image.pixels, bytes);
    if (td_host->dataset_transform(c, org, item) || td_views_add(c, &views, item))
        return TD_ERROR;
    uint8_t *again = td_item_image(item, image.width, image.height, image.channels);
    if (!again)
        return TD_ERROR;
    memcpy(again, original, bytes);
    if (td_host->item_transform(c, p->strong_transform, item) || td_views_add(c, &views, item))
        return TD_ERROR;
    return td_views_finish(c, &views, item);
}

const td_dataset_wrapper_type mlkd_views = {
    .type = {.key = KEY, .summary = "each sample weakly and strongly augmented for MLKD", .params = table,
             .params_size = sizeof(struct params)},
    .data_size = sizeof(struct params),
    .open = open_data,
    .length = length,
    .get = get};

static td_value forward(td_ctx *c, td_module *model, td_tensor *batch, td_tensor *target, td_io *io)
{
    (void)target;
    return td_call_value(c, model, td_value_of(td_views_apart(io, batch, VIEWS, KEY)));
}

const td_forward_proc_type mlkd_forward_proc = {
    .type = {.key = "forward_batch4mlkd", .summary = "the network takes the two views of each sample"},
    .forward = forward};
