/* tdhost SDK: data sets, their wrappers, transforms, samplers.
 *
 * A data set gives sample i as 8-bit pixels (or floats) and a class; transforms turn that into what the model
 * takes; the loader writes it into the batch.  get and apply run on several loader threads at once, on
 * distinct items; they must not write to the data set.  Randomness comes from td_item_random only, so a batch
 * is the same whatever the number of workers.
 */
#ifndef TD_DATA_H
#define TD_DATA_H

#include <td/kinds_base.h>

/* Inside a transform the item holds exactly one of: pixels (uint8 HWC) or values (float HWC). */
typedef struct td_item_view {
    int32_t width, height, channels;
    int32_t reserved;
    const uint8_t *pixels; /* or NULL */
    const float *values;   /* or NULL */
} td_item_view;

/* Public head of td_item. */
typedef struct td_item_head {
    td_item_view image;
    int64_t target; /* class; -1: none */
    int64_t index;  /* position in the data set */
    int64_t epoch;
} td_item_head;

static inline td_item_head *td_item_of(td_item *item) { return (td_item_head *)(void *)item; }
static inline uint8_t *td_item_image(td_item *item, int32_t w, int32_t h, int32_t channels)
{
    return td_host->item_image(item, w, h, channels);
}
static inline float *td_item_floats(td_item *item, int32_t w, int32_t h, int32_t channels)
{
    return td_host->item_floats(item, w, h, channels);
}
static inline void *td_item_supp(td_item *item, const char *name, uint32_t dtype, uint32_t ndim, const int64_t *shape)
{
    td_desc d = {dtype, ndim, {0}};
    for (uint32_t i = 0; i < ndim && i < TD_MAX_DIMS; i++)
        d.shape[i] = shape[i];
    return td_host->item_supp(item, name, &d);
}
static inline double td_item_random(td_item *item, uint32_t draw) { return td_host->item_random(item, draw); }

/* Kind "dataset".  The host adds the parameters `transform`, `target_transform` to every data set. */
typedef struct td_dataset_type {
    td_type type;
    uint32_t data_size, reserved;
    int32_t (*open)(td_ctx *, const void *params, void *data); /* 0, or an error recorded; main thread */
    void (*close)(void *data);                                 /* optional; also after a failed open */
    int64_t (*length)(const void *data);
    int32_t (*get)(td_ctx *, const void *data, int64_t index, td_item *); /* any loader thread */
    int64_t (*target)(const void *data, int64_t index);                   /* optional: class without decoding */
    int64_t (*classes)(const void *data);                                 /* optional: number of classes */
    const char *(*class_name)(const void *data, int64_t c);               /* optional */
} td_dataset_type;

/* Kind "dataset_wrapper": a data set made of another; get usually calls dataset_get and dataset_transform. */
typedef struct td_dataset_wrapper_type {
    td_type type;
    uint32_t data_size, reserved;
    int32_t (*open)(td_ctx *, const void *params, const td_dataset *org, void *data);
    void (*close)(void *data); /* optional; also after a failed open */
    int64_t (*length)(const void *data, const td_dataset *org);
    int32_t (*get)(td_ctx *, const void *data, const td_dataset *org, int64_t index, td_item *);
} td_dataset_wrapper_type;

/* The operation `augment`, which is a chain of simple transforms where a data set's pixels lie on the backend: from
 * images uint8 [N, C, H, W], positions int64 [B] and int64 [2] {epoch, anything} to float32 [B, C, height, width].
 * In this order: a window at a random place of the image with its padding, a mirror image, values in [0, 1], and these
 * less the mean, by the standard deviation.  Draws are td_item_random's of sample and use. */
#define TD_AUGMENT_PIXELS 0u /* what a chain has come to: nothing yet, ... */
#define TD_AUGMENT_CROPPED 1u
#define TD_AUGMENT_FLIPPED 2u
#define TD_AUGMENT_VALUES 3u
#define TD_AUGMENT_NORMALIZED 4u
typedef struct td_augment_attrs {
    uint32_t done;       /* TD_AUGMENT_... */
    uint32_t use;        /* of the transform that is asked now; its draws */
    uint32_t crop_use, flip_use; /* 0: no crop, no mirror image */
    uint64_t seed;
    int64_t channels;    /* at most 4 */
    int64_t height, width; /* of the result */
    int64_t left, top, right, bottom; /* padding */
    double flip;         /* probability */
    uint8_t fill[4], reserved[4]; /* of the padding */
    float mean[4], std[4];
} td_augment_attrs;

/* Kind "transform". */
typedef struct td_transform_type {
    td_type type;
    int32_t (*apply)(td_ctx *, const void *params, td_item *); /* any loader thread */
    /* Optional.  Adds itself to an augmentation whose images are height x width so far: 1.  0: it has no such form. */
    int32_t (*augment)(const void *params, td_augment_attrs *);
} td_transform_type;

/* Kind "sampler": the order of one epoch. */
typedef struct td_sampler_type {
    td_type type;
    /* Writes the positions to visit into order (room for n); returns how many, or < 0 with an error recorded. */
    int64_t (*order)(td_ctx *, const void *params, int64_t n, uint64_t seed, int64_t epoch, int64_t *order);
} td_sampler_type;

#endif
