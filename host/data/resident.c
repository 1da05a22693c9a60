#include "host/data/resident.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/rng.h"

#define MOST_BYTES ((size_t)1 << 30)

struct td__resident {
    td_tensor *images, *targets; /* uint8 [N, C, H, W]; int64 [N], NULL where there are no classes */
    td_augment_attrs how;
};

/* Whether the chain of d is one augmentation of images like the item's. */
static int chain_of(const td_dataset *d, const td_item *item, td_augment_attrs *a)
{
    const td_item_view *v = &item->head.image;
    *a = (td_augment_attrs){.seed = d->seed, .channels = v->channels, .height = v->height, .width = v->width};
    for (size_t i = 0; i < d->n_transforms; i++) {
        const td_transform_type *t = (const td_transform_type *)(const void *)d->transforms[i]->type;
        a->use = (uint32_t)(TD__USE_TRANSFORM + 256 * i);
        if (!t->augment || !t->augment(d->transforms[i]->params, a))
            return 0;
    }
    a->use = 0;
    return a->done >= TD_AUGMENT_VALUES;
}

/* The sample as the data set has it.  Whether it can be kept: it is the same in each epoch. */
static int get(td_ctx *c, const td_dataset *d, int64_t i, td_item *item)
{
    td__item_begin(item, c, d->seed, 0, i);
    td__frame_push(c);
    int32_t failed = td__dataset_get(c, d, i, item);
    td__frame_pop(c, td_none());
    return !failed && item->head.image.pixels && !item->n_supp && !item->drew;
}

static int room_for(const td_backend_type *b, size_t bytes)
{
    uint64_t left, all;
    return bytes <= MOST_BYTES && (!b->memory || b->memory(&left, &all) || bytes <= left / 4);
}

/* Pixels and classes of all samples, in memory order, into arrays for as many.  0, or -1: they are not alike, or c
 * fails. */
static int collect(td_ctx *c, const td_dataset *d, td_item *item, uint8_t *pixels, int64_t *targets)
{
    const td_item_view first = item->head.image;
    const int classes = item->head.target >= 0;
    const size_t sample = (size_t)first.width * (size_t)first.height * (size_t)first.channels;
    for (int64_t i = 0; i < d->length; i++) {
        if (!get(c, d, i, item))
            return -1;
        const td_item_view *v = &item->head.image;
        if (v->width != first.width || v->height != first.height || v->channels != first.channels ||
            (item->head.target >= 0) != classes)
            return -1;
        memcpy(pixels + (size_t)i * sample, v->pixels, sample);
        targets[i] = item->head.target;
    }
    return 0;
}

static td__resident *fill(td_ctx *c, const td_dataset *d, td_item *item, td__resident *r)
{
    const td_item_view v = item->head.image;
    const td_desc images = {TD_UINT8, 4, {d->length, v.channels, v.height, v.width}},
                  classes = {TD_INT64, 1, {d->length}};
    const int classified = item->head.target >= 0;
    const size_t bytes = (size_t)td_desc_numel(&images);
    uint8_t *pixels = malloc(bytes + 1);
    int64_t *targets = malloc((size_t)d->length * sizeof *targets + 1);
    int found = pixels && targets && !collect(c, d, item, pixels, targets);
    if (found) {
        r->images = td__tensor_own(c, &images);
        if (!c->error && c->backend->copy_in(r->images->storage->data, pixels, bytes))
            td__fail(c, "%zu bytes of pixels cannot be copied", bytes);
        r->targets = classified ? td__tensor_own(c, &classes) : NULL;
        if (classified)
            td__tensor_write(c, r->targets, TD_INT64, targets);
    }
    free(pixels);
    free(targets);
    return found && !c->error ? r : NULL;
}

td__resident *td__resident_new(td_ctx *c, const td_dataset *d)
{
    td__resident *made = NULL, *r = c->error ? NULL : calloc(1, sizeof *r);
    td_item *item = r ? td__item_new() : NULL;
    if (item && !d->wrapper && get(c, d, 0, item)) {
        const td_item_view *v = &item->head.image;
        size_t bytes = (size_t)d->length * (size_t)v->width * (size_t)v->height * (size_t)v->channels;
        if (v->channels <= 4 && chain_of(d, item, &r->how) && room_for(c->backend, bytes))
            made = fill(c, d, item, r);
        if (made)
            td__log(TD_LOG_INFO, "%s: %lld images lie on the %s backend (%.0f MiB)", d->name, (long long)d->length,
                    c->backend->type.key, (double)bytes / 1048576);
    }
    td__item_free(item);
    td__ctx_clear(c); /* what is wrong with a sample is said where it is used */
    if (!made)
        td__resident_free(r);
    return made;
}

void td__resident_free(td__resident *r)
{
    if (!r)
        return;
    td__release(r->images);
    td__release(r->targets);
    free(r);
}

int td__resident_batch(td_ctx *c, const td__resident *r, const int64_t *positions, int64_t n, int64_t epoch,
                       td__batch *out)
{
    const int64_t at[2] = {epoch, 0}, two = 2;
    memset(out, 0, sizeof *out);
    out->size = n;
    out->index = td_tensor_from(c, TD_INT64, 1, &n, positions);
    out->input =
        td__op3(c, "augment", r->images, out->index, td_tensor_from(c, TD_INT64, 1, &two, at), &r->how, sizeof r->how);
    out->target = r->targets ? td_index_select(c, r->targets, out->index) : NULL;
    return c->error ? -1 : 0;
}
