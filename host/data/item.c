#include "host/data/item.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/mem.h"
#include "host/base/rng.h"
#include "host/tensor/tensor.h"

#define MOST_ELEMENTS (INT64_C(1) << 31)

td_item *td__item_new(void) { return calloc(1, sizeof(td_item)); }

void td__item_free(td_item *item)
{
    if (!item)
        return;
    for (size_t i = 0; i < item->supp_capacity; i++) {
        free(item->supp[i].name);
        free(item->supp[i].data);
    }
    free(item->supp);
    free(item->buffers[0]);
    free(item->buffers[1]);
    free(item);
}

void td__item_begin(td_item *item, td_ctx *c, uint64_t seed, int64_t epoch, int64_t index)
{
    memset(&item->head, 0, sizeof item->head);
    item->head.target = -1;
    item->head.index = index;
    item->head.epoch = epoch;
    item->c = c;
    item->seed = seed;
    item->use = 0;
    item->passes = 0;
    item->drew = 0;
    item->n_supp = 0;
}

/* The buffer that does not hold the image, with room for a new one; it becomes current. */
static void *other_buffer(td_item *item, int32_t w, int32_t h, int32_t channels, size_t element)
{
    if (w <= 0 || h <= 0 || channels <= 0 || (int64_t)w * h > MOST_ELEMENTS / channels) {
        td__fail(item->c, "an image of %d x %d pixels with %d channels cannot be made", w, h, channels);
        return NULL;
    }
    size_t bytes = (size_t)w * (size_t)h * (size_t)channels * element;
    int other = !item->current;
    if (item->capacity[other] < bytes) {
        free(item->buffers[other]);
        item->buffers[other] = malloc(bytes);
        item->capacity[other] = item->buffers[other] ? bytes : 0;
    }
    if (!item->buffers[other]) {
        td__fail(item->c, "out of memory for an image of %d x %d pixels with %d channels", w, h, channels);
        return NULL;
    }
    item->current = other;
    return item->buffers[other];
}

uint8_t *td__item_image(td_item *item, int32_t width, int32_t height, int32_t channels)
{
    uint8_t *pixels = other_buffer(item, width, height, channels, sizeof *pixels);
    if (pixels)
        item->head.image = (td_item_view){width, height, channels, 0, pixels, NULL};
    return pixels;
}

float *td__item_floats(td_item *item, int32_t width, int32_t height, int32_t channels)
{
    float *values = other_buffer(item, width, height, channels, sizeof *values);
    if (values)
        item->head.image = (td_item_view){width, height, channels, 0, NULL, values};
    return values;
}

/* Slots keep their memory from sample to sample; those at n_supp and above are free. */
static struct td__side *next_side(td_item *item)
{
    size_t had = item->supp_capacity;
    if (td__grow(&item->supp, &item->supp_capacity, item->n_supp + 1, sizeof *item->supp))
        return NULL;
    if (item->supp_capacity > had)
        memset(item->supp + had, 0, (item->supp_capacity - had) * sizeof *item->supp);
    return &item->supp[item->n_supp];
}

void *td__item_supp(td_item *item, const char *name, const td_desc *d)
{
    int64_t n = td_desc_numel(d);
    size_t element = td__dtype_size(d->dtype);
    for (size_t i = 0; i < item->n_supp; i++)
        if (!strcmp(item->supp[i].name, name)) {
            td__fail(item->c, "the sample has a value '%s' already", name);
            return NULL;
        }
    if (!element || d->ndim >= TD_MAX_DIMS || n < 1 || n > MOST_ELEMENTS) {
        td__fail(item->c, "the value '%s' of a sample cannot have this shape or type", name);
        return NULL;
    }
    struct td__side *s = next_side(item);
    size_t bytes = (size_t)n * element;
    if (s && (!s->name || strcmp(s->name, name))) {
        free(s->name);
        s->name = td__strdup(name);
    }
    if (s && s->capacity < bytes) {
        free(s->data);
        s->data = malloc(bytes);
        s->capacity = s->data ? bytes : 0;
    }
    if (!s || !s->name || s->capacity < bytes) {
        td__fail(item->c, "out of memory for the value '%s' of a sample", name);
        return NULL;
    }
    s->d = *d;
    item->n_supp++;
    return s->data;
}

double td__item_random(td_item *item, uint32_t draw)
{
    item->drew = 1;
    return td__uniform(item->seed, (uint64_t)item->head.epoch, (uint64_t)item->head.index,
                       item->use + ((uint64_t)draw << 32));
}
