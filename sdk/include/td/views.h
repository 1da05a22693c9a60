/* tdhost SDK: several views of a sample, e.g. turned or differently augmented, for a data-set wrapper and the forward
 * procedure that belongs to it.  The views lie below each other in one image, [C, nH, W]; the network gets
 * [nB, C, H, W]. */
#ifndef TD_VIEWS_H
#define TD_VIEWS_H

#include <string.h>
#include <td/kinds.h>

typedef struct td_views {
    const char *wrapper;             /* the wrapper's key */
    int32_t n, there;                /* how many there will be, and are */
    int32_t width, height, channels; /* of each */
    float *values;                   /* the frame's */
} td_views;

/* Adds the item's image, which must be floats and of one size with those before it.  0, or an error recorded. */
static inline int32_t td_views_add(td_ctx *c, td_views *v, td_item *item)
{
    const td_item_view *i = &td_item_of(item)->image;
    const size_t values = (size_t)i->width * (size_t)i->height * (size_t)i->channels;
    if (!v->there) {
        v->width = i->width;
        v->height = i->height;
        v->channels = i->channels;
        v->values = (float *)td_alloc(c, (size_t)v->n * values * sizeof(float));
    }
    if (!i->values || i->width != v->width || i->height != v->height || i->channels != v->channels)
        td_fail(c, "%s needs transforms that end in ToTensor and give all views of a sample one size", v->wrapper);
    if (td_failed(c))
        return TD_ERROR;
    memcpy(v->values + (size_t)v->there++ * values, i->values, values * sizeof(float));
    return TD_OK;
}

/* All views become the item's image; a side value called as the wrapper says so.  0, or an error recorded. */
static inline int32_t td_views_finish(td_ctx *c, const td_views *v, td_item *item)
{
    const int64_t one = 1;
    float *all = td_failed(c) ? NULL : td_item_floats(item, v->width, v->n * v->height, v->channels);
    int64_t *mark = all ? (int64_t *)td_item_supp(item, v->wrapper, TD_INT64, 1, &one) : NULL;
    if (!mark)
        return TD_ERROR;
    *mark = v->n;
    memcpy(all, v->values, (size_t)v->n * (size_t)v->width * (size_t)v->height * (size_t)v->channels * sizeof(float));
    return TD_OK;
}

/* A batch of n views [B, C, nH, W] as images [nB, C, H, W], the views of a sample in a row.  An error where the batch
 * is not of that wrapper. */
static inline td_tensor *td_views_apart(td_io *io, td_tensor *batch, int64_t n, const char *wrapper)
{
    td_ctx *c = td_io_of(io)->c;
    td_io_supp(io, wrapper);
    int64_t b = td_dim(batch, 0), channels = td_dim(batch, 1), h = td_dim(batch, 2) / n, w = td_dim(batch, 3);
    int64_t apart[] = {b, channels, n, h, w}, order[] = {0, 2, 1, 3, 4}, flat[] = {b * n, channels, h, w};
    return td_reshape(c, td_permute(c, td_reshape(c, batch, 5, apart), 5, order), 4, flat);
}

/* Rows [nB, ...] of view i alone: [B, ...]. */
static inline td_tensor *td_view_rows(td_ctx *c, td_tensor *x, int64_t i, int64_t n)
{
    return n == 1 ? x : td_slice(c, x, 0, i, td_dim(x, 0), n);
}

#endif
