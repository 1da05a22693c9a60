/* One sample on its way from a data set to a batch.  An item is used again and again: its memory grows to what the
 * largest sample needs and stays. */
#ifndef TD__ITEM_H
#define TD__ITEM_H

#include "host/base/ctx.h"

struct td__side { /* a value beside image and class, e.g. contrast_idx */
    char *name;
    td_desc d;
    void *data;
    size_t capacity;
};

struct td_item {
    td_item_head head; /* first: td_item_of */
    td_ctx *c;         /* gets this item's errors */
    uint64_t seed;
    uint64_t use;      /* what the next draw is for */
    int drew;          /* a number was drawn */
    uint32_t passes;   /* how often a transform chain ran on this sample: each has draws of its own */
    int current;       /* which buffer holds the image */
    void *buffers[2];  /* an image and the one it is being made from */
    size_t capacity[2];
    struct td__side *supp;
    size_t n_supp, supp_capacity;
};

td_item *td__item_new(void); /* NULL: out of memory */
void td__item_free(td_item *item);
/* Empties the item for sample `index` of an epoch. */
void td__item_begin(td_item *item, td_ctx *c, uint64_t seed, int64_t epoch, int64_t index);

/* td_api.item_image, item_floats, item_supp: NULL and the item's context fails when a size is not positive, memory is
 * out or the name is taken.  What the image was before stays readable until the next of these calls. */
uint8_t *td__item_image(td_item *item, int32_t width, int32_t height, int32_t channels);
float *td__item_floats(td_item *item, int32_t width, int32_t height, int32_t channels);
void *td__item_supp(td_item *item, const char *name, const td_desc *d);
/* td_api.item_random: [0, 1), a function of seed, epoch, sample, what is running and draw. */
double td__item_random(td_item *item, uint32_t draw);

#endif
