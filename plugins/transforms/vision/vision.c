/* torchvision.transforms on the samples' pixels.  Draws come from the host's counter-based generator: the same
 * distributions as torchvision's, not the same numbers. */
#include "vision.h"

void *image_like(td_item *item, const td_item_view *v, int32_t w, int32_t h)
{
    return v->pixels ? (void *)td_item_image(item, w, h, v->channels) : (void *)td_item_floats(item, w, h, v->channels);
}

int is_pixels(td_ctx *c, const td_item_view *v, const char *who)
{
    if (!v->pixels)
        td_fail(c, "%s works on 8-bit pixels: put it before ToTensor", who);
    return v->pixels != NULL;
}

int is_size(const td_ints *size)
{
    int ok = size->n == 1 || size->n == 2;
    for (int64_t i = 0; ok && i < size->n; i++)
        ok = size->v[i] >= 1 && size->v[i] <= 1 << 16;
    return ok;
}

int32_t read_size(td_ctx *c, const td_ints *size, const char *who, int32_t *w, int32_t *h)
{
    if (!is_size(size)) {
        td_fail(c, "'size' of %s is one length or (height, width), each from 1 to 65536", who);
        return TD_ERROR;
    }
    *h = (int32_t)size->v[0];
    *w = (int32_t)size->v[size->n - 1];
    return TD_OK;
}

int32_t random_below(td_item *item, uint32_t draw, int32_t n) { return (int32_t)(td_item_random(item, draw) * n); }

TD_PLUGIN(vision, "1.0.0", "MIT", "torchvision's image transforms",
          "transform:ToTensor transform:Normalize transform:RandomErasing transform:RandomCrop transform:CenterCrop "
          "transform:Pad transform:RandomHorizontalFlip transform:RandomVerticalFlip transform:Resize "
          "transform:RandomResizedCrop transform:Grayscale transform:ColorJitter")
{
    td_register(reg, TD_KIND_TRANSFORM, &to_tensor);
    td_register(reg, TD_KIND_TRANSFORM, &normalize);
    td_register(reg, TD_KIND_TRANSFORM, &random_erasing);
    td_register(reg, TD_KIND_TRANSFORM, &random_crop);
    td_register(reg, TD_KIND_TRANSFORM, &center_crop);
    td_register(reg, TD_KIND_TRANSFORM, &pad);
    td_register(reg, TD_KIND_TRANSFORM, &horizontal_flip);
    td_register(reg, TD_KIND_TRANSFORM, &vertical_flip);
    td_register(reg, TD_KIND_TRANSFORM, &resize);
    td_register(reg, TD_KIND_TRANSFORM, &random_resized_crop);
    td_register(reg, TD_KIND_TRANSFORM, &grayscale);
    td_register(reg, TD_KIND_TRANSFORM, &color_jitter);
}
